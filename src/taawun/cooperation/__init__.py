"""How nations cooperate at all."""

"""How what stands on lanes travels between two nodes: asked for, brought, taken in, and the talk lane."""

"""How a stopped lane goes on: a point that both administrators sign."""

"""The way out of a node, tested against a real server on this machine."""

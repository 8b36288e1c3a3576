"""A node from an older backup, until it knows again what it had said since."""

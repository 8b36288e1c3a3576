"""What nations do together, one folder a capability."""

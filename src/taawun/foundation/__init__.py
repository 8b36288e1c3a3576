"""Small tools with one job each. No Django."""

"""Taawun: nations building cybersecurity capacity together."""

__version__ = "0.1.0"

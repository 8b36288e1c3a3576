"""Tests; they mirror the package path for path."""

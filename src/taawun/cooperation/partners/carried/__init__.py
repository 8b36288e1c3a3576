"""Lanes that are carried on a disk, by page and by program: a file to take along, and one that was brought."""

"""The foundation, tested file by file."""

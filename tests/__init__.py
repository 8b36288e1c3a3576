"""The tests, path for path like src/taawun, and the journeys."""

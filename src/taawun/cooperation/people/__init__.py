"""Nations, organisations, persons, and what a person may do."""

"""The audit trail: one row for every write, chained by a sealing sweep."""

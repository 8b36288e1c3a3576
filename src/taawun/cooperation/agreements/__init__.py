"""Agreements, their clauses, and the one decision everything that leaves a node goes through."""

"""The demonstration: two nodes of invented nations, an agreement, and a report that travels."""

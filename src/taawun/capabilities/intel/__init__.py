"""Threat intelligence: the STIX 2.1 store, import and export, sightings, and how intelligence travels."""

"""Reading STIX and MISP."""

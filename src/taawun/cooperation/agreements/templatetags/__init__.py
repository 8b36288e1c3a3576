"""Template tags of agreements: ``{% load agreements %}``."""

"""A node in one file, and back.

``container``: what stands in the file, and in which order. ``rows``: a node out of its database and into another.
``taking``: the whole of it, while the node runs. ``restoring``: everything is laid out and proven beside the node.
``places`` and ``switching``: the step into its place, so that a kill leaves the old node or the new one.
"""

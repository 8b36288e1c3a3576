"""Other nodes: keys, descriptors, verification, and the signed, chained logs (lanes) that carry anything."""

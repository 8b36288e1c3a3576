"""Who a node is: its addresses, its descriptor, its keys and how they follow each other, theirs and ours."""

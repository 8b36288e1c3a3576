"""What a lane is: a signed, chained log, its contents, who reads it, where it stops, and how others prove it."""

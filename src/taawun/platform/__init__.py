"""What every room leans on, without a word of the domain."""

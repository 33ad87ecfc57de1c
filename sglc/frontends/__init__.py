"""From source to IR."""

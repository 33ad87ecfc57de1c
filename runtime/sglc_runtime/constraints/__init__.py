"""What a generation must follow: compiled grammars, where a sample is in one, masks of tokens."""

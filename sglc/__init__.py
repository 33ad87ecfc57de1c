"""A compiler and runtime for language-model programs."""

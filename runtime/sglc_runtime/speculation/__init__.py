"""Speculative decoding: guesses of the next tokens, checked by the model in one pass."""

"""Turning logits into tokens: noise, penalties, truncation, log probabilities."""

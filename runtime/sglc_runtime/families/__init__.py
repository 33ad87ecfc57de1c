"""Families of models as small random checkpoints, compared with transformers token for token."""

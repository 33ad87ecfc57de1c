"""Tensor parallelism: one model in several processes of one machine."""

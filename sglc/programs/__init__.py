"""Kinds of runnable programs."""

"""Diagnostics: data, codes, rendering, explanations."""

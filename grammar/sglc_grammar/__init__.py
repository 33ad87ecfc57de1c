"""Grammars of scripts and of IR text, as package data."""

"""Explanation pages, one module for each range of codes."""

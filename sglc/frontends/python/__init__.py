"""From decorated Python functions to IR, and back to one Python function."""

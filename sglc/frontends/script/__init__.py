"""The front end for `.sgl` scripts: text to IR."""

"""Hand-written tables that the training text is generated from."""

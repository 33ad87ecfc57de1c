"""Random programs drawn widely, the comparison of all ways to run them, and making them small."""

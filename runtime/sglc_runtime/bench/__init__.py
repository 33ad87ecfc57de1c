"""What `sglc bench engine` measures: the engine beside its peers, one subject a file."""

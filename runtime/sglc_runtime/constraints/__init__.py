"""Constrained decoding: which tokens a regex or a JSON schema allows next."""

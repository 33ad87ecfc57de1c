"""Where generations run."""

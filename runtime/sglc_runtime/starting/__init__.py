"""Parts of starting an engine: checks, model, pool of keys and values, what runs its steps."""

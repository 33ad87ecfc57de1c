"""SGLang's import paths; re-exports only."""

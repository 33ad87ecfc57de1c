"""SGLang's import paths of backends; re-exports only."""

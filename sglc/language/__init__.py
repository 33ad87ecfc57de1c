"""What users write: gen, select, roles, functions, states."""

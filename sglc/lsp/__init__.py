"""The language server: diagnostics, hover, definitions, completion and formatting in an editor."""

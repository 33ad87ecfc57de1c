"""What a generation can be made to follow, as grammars of llguidance; for compiler and engine."""

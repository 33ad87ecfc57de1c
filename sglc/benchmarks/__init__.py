"""What `sglc bench compile` measures: generated programs, phases of compiling, starting."""

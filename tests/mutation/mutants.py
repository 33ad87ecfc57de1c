"""All mutants, in the order of the steps that they are in."""

# Importing a module registers its mutants.
from tests.mutation import of_passes, of_lowering, of_execution  # isort: skip
from tests.mutation.mutant import MUTANTS, Mutant, Seen

__all__ = ["MUTANTS", "Mutant", "Seen", "of_execution", "of_lowering", "of_passes"]

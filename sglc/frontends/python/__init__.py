"""From decorated Python functions to IR, and back to one Python function."""

from sglc.frontends.python.compiled import CompiledFunction, compile_function
from sglc.frontends.python.lower import lower_file, lower_parsed, parse_file

__all__ = ["CompiledFunction", "compile_function", "lower_file", "lower_parsed", "parse_file"]

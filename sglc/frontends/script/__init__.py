"""
The front end for `.sgl` scripts: text to IR.

`compile_script` makes a module, `check_script` only reports; `entry_function` and `convert_args`
prepare a run.
"""

from sglc.frontends.script.arguments import convert_args, entry_function
from sglc.frontends.script.compile import (
    check_script,
    compile_script,
    load_script,
    lower_loaded,
)

__all__ = [
    "check_script",
    "compile_script",
    "convert_args",
    "entry_function",
    "load_script",
    "lower_loaded",
]

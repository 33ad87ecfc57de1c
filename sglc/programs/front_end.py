"""
The first phases of every program: `parse` and `lower`.

Apart from `sglc.programs.compilation`, so that checking a file loads no pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sglc.passes.instrumentation import Phase, Product

if TYPE_CHECKING:
    from sglc.frontends.python.source import SourceFile
    from sglc.frontends.script.files import Loaded
    from sglc.programs.target import Target

PARSE, LOWER = "parse", "lower"


def front_end(target: Target) -> tuple[Phase, ...]:
    """The phases from a file's text to its module: `parse` and `lower`; a dump is only parsed."""
    match target.kind:
        case "sgl":
            return _pair(lambda _: _parse_script(target), _lower_script)
        case "py":
            return _pair(lambda _: _parse_python(target), _lower_python)
        case _:
            return (Phase(PARSE, 0, lambda _: _parse_dump(target)),)


def _pair(parse: Callable[[None], Product], lower: Callable[..., Product]) -> tuple[Phase, ...]:
    return (Phase(PARSE, 0, parse), Phase(LOWER, 1, lower))


def _parse_script(target: Target) -> Product:
    from sglc.frontends.script import load_script
    from sglc.programs.tree import show

    if target.stdin:
        loaded = load_script(target.text, file=target.file, folder=target.path.parent)
    else:
        loaded = load_script(target.path, file=target.file)
    return Product(loaded, show=lambda: "\n".join(show(unit.script) for unit in loaded.units))


def _lower_script(loaded: Loaded) -> Product:
    from sglc.frontends.script import lower_loaded

    module, warnings = lower_loaded(loaded)
    return Product(module, remarks=tuple(warnings))


def _parse_python(target: Target) -> Product:
    import ast

    from sglc.frontends.python import parse_file

    file = parse_file(target.file, target.text)
    return Product(file, show=lambda: ast.dump(file.tree, indent=2))


def _lower_python(file: SourceFile) -> Product:
    from sglc.frontends.python import lower_parsed

    module, remarks = lower_parsed(file)
    return Product(module, remarks=tuple(remarks))


def _parse_dump(target: Target) -> Product:
    from sglc.ir.parser import parse_module

    return Product(parse_module(target.text, target.file))

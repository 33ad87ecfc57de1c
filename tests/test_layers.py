"""
Who may import whom, checked on the syntax of every file.

A module imports its own layer and lower ones. The compiler's layers (up to `passes`) hold to that
without exception; above them an import inside a function may go up, which keeps start-up light.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS: tuple[tuple[str, ...], ...] = (
    ("sglc.diagnostics", "sglc_grammar"),
    ("sglc.ir",),
    ("sglc.graph", "sglc.expressions"),
    ("sglc.passes",),
    # What a program's operations are, without running them.
    (
        "sglc.language.exprs",
        "sglc.language.choices",
        "sglc.language.chat_template",
        "sglc.language.chat_template_table",
        "sglc.language.jinja_template",
        "sglc.language.media",
        "sglc.language.reasoning",
        "sglc.language.sampling",
    ),
    ("sglc.execution",),
    ("sglc.language", "sglc.backends", "sglc.global_config"),
    ("sglc.frontends",),
    (
        "sglc.runtime",
        "sglc.api",
        "sglc.lang",
        "sglc.utils",
        "sglc.programs.failures",
        "sglc.formatting",
    ),
    ("sglc", "sglc.programs", "sglc.benchmarks", "sglc.lsp"),
    ("sglc.cli", "sglc.__main__"),
)
"""From the lowest up. The longest name that a module starts with decides."""
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
STRICT = RANK["sglc.passes"]
"""Up to this layer imports inside functions count too."""
ENGINE_USERS = ("sglc/backends/", "sglc/runtime.py")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module."""

    file: str
    line: int
    module: str
    lazy: bool
    """Inside a function or under `TYPE_CHECKING`."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports(tree: ast.AST, file: str, lazy: bool = False) -> Iterator[Import]:
    """Every import below a node. `from a import b` counts as `a.b` where that is a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(file, node.lineno, inner if is_module(inner) else node.module, lazy)
        else:
            types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from imports(node, file, lazy or types or function)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def files(*roots: str) -> list[Path]:
    found = [path for root in roots for path in sorted((ROOT / root).rglob("*.py"))]
    assert found, f"no files below {roots}"
    return found


@functools.cache
def imports_of(*roots: str) -> list[Import]:
    return [
        found
        for path in files(*roots)
        for found in imports(ast.parse(path.read_text("utf-8")), path.relative_to(ROOT).as_posix())
    ]


def rank(module: str) -> int | None:
    """The layer of one of our modules; None for other packages."""
    parts = module.split(".")
    if parts[0] not in ("sglc", "sglc_grammar"):
        return None
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next(RANK[name] for name in names if name in RANK)


def module_of(file: str) -> str:
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name.removeprefix("grammar.").removeprefix("runtime.")


def upward(found: Import) -> bool:
    source, target = rank(module_of(found.file)), rank(found.module)
    assert source is not None
    return target is not None and target > source and (not found.lazy or source <= STRICT)


def test_imports_go_down() -> None:
    assert [str(i) for i in imports_of("sglc", "grammar/sglc_grammar") if upward(i)] == []


def test_every_module_has_a_layer_of_its_own() -> None:
    top = {module_of(p.relative_to(ROOT).as_posix()) for p in files("sglc")}
    placed = {name.split(".")[1] for name in RANK if name.startswith("sglc.")}
    assert {name.split(".")[1] for name in top if "." in name} <= placed


def test_the_compiler_never_imports_torch() -> None:
    heavy = ("torch", "transformers", "triton")
    assert [str(i) for i in imports_of("sglc") if i.module.split(".")[0] in heavy] == []


def test_only_backends_reach_the_engine_and_only_when_used() -> None:
    users = [i for i in imports_of("sglc") if i.module.split(".")[0] == "sglc_runtime"]
    assert users
    assert [str(i) for i in users if not i.file.startswith(ENGINE_USERS)] == []
    assert [str(i) for i in users if not i.lazy and i.file != "sglc/runtime.py"] == []


def test_the_engine_does_not_know_the_compiler() -> None:
    ours = [i for i in imports_of("runtime/sglc_runtime") if i.module.split(".")[0] == "sglc"]
    assert [str(i) for i in ours] == []


def test_networkx_is_for_export_only() -> None:
    users = {i.file for i in imports_of("sglc") if i.module.split(".")[0] == "networkx"}
    assert users == {"sglc/graph/export.py"}


@pytest.mark.parametrize(
    ("file", "code", "bad"),
    [
        ("sglc/ir/x.py", "import sglc.passes.base", True),
        ("sglc/ir/x.py", "from sglc import passes", True),
        ("sglc/ir/x.py", "def f():\n    from sglc.execution import driver", True),
        ("sglc/passes/x.py", "from sglc.graph.build import build", False),
        ("sglc/execution/x.py", "from sglc.language.exprs import Place", False),
        ("sglc/execution/x.py", "from sglc.language.state import ProgramState", True),
        ("sglc/execution/x.py", "def f():\n    import sglc.language.state", False),
        ("sglc/cli/x.py", "import sglc.frontends.script", False),
    ],
)
def test_the_rule_itself(file: str, code: str, bad: bool) -> None:
    assert any(upward(i) for i in imports(ast.parse(code), file)) is bad

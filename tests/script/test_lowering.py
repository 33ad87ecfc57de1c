"""The IR of scripts: imports, and what must hold for every module."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.script import compile_script
from sglc.ir import equal
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from sglc.passes.pipeline import DEFAULT

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted((ROOT / "golden" / "programs").glob("*.sgl"))
EXAMPLES = sorted((ROOT.parent / "examples").glob("*.sgl"))


@pytest.mark.parametrize("path", PROGRAMS + EXAMPLES, ids=lambda p: p.stem)
def test_module_reads_back_the_same_before_and_after_passes(path: Path) -> None:
    module = compile_script(path)
    assert equal(parse_module(print_module(module)), module)
    DEFAULT.run(module)
    verify(module)
    assert equal(parse_module(print_module(module)), module)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_have_no_warnings(path: Path) -> None:
    warnings: list[Diagnostic] = []
    compile_script(path, on_warning=warnings.append)
    assert warnings == []


def test_imports_are_inlined_under_qualified_names(tmp_path: Path) -> None:
    files = {
        "main.sgl": 'import "lib/a.sgl" as a\nimport "lib/b.sgl"\n'
        "def main(x):\n    p = a.get(x)\n    b.show(p)\n    r = gen(json=b.R)\n    return r\n",
        "lib/a.sgl": 'import "common.sgl" as c\nuse temperature=0\n'
        "def get(x):\n    c.say(x)\n    y = gen()\n    return y\n",
        "lib/b.sgl": 'import "common.sgl" as c\nschema R:\n    p: R2?\nschema R2:\n    n: int\n'
        "def show(x):\n    c.say(x)\n    gen()\n",
        "lib/common.sgl": "fragment say(x):\n    '${x}'\n",
    }
    (tmp_path / "lib").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    module = compile_script(tmp_path / "main.sgl")
    assert set(module.funcs) == {"main", "a.get", "a.c.say", "b.show"}
    assert module.funcs["a.get"].attrs["file"] == str(tmp_path / "lib" / "a.sgl")
    gens = {
        name: op.attrs.get("temperature")
        for name, func in module.funcs.items()
        for op in func.walk()
        if op.name == "lm.gen"
    }
    # `use` holds for its own file only.
    assert gens == {"main": None, "a.get": 0, "b.show": None}
    assert set(module.attrs["schemas"]) == {"b.R", "b.R2"}  # type: ignore[arg-type]
    assert equal(parse_module(print_module(module)), module)


def test_warnings_are_handed_over_and_do_not_stop() -> None:
    warnings: list[Diagnostic] = []
    module = compile_script(
        "def f(c):\n    if c:\n        x = 1\n    return x\n", on_warning=warnings.append
    )
    assert [w.code for w in warnings] == ["SGL0203"]
    assert "f" in module.funcs


def test_every_op_of_a_script_has_a_place_in_its_text() -> None:
    for path in PROGRAMS:
        lines = path.read_text(encoding="utf-8").split("\n")
        for func in compile_script(path).funcs.values():
            for op in func.walk():
                assert op.loc is not None
                assert 1 <= op.loc.line <= len(lines), (path, op)
                assert 1 <= op.loc.column <= len(lines[op.loc.line - 1]) + 1, (path, op)

"""Lowering files to IR without importing them. Golden modules are in tests/golden."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sglc.diagnostics.core import LowerError, ParseError
from sglc.frontends.python import compile_function, lower_file
from sglc.ir import equal
from sglc.ir.core import Module
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from tests.differential.fuzzing.python import python_program
from tests.differential.observing import load_module

EXAMPLES = Path(__file__).parents[2] / "examples"


def lowered(text: str, name: str = "program.py") -> Module:
    """A module lowered from text; verified, and equal to itself printed and parsed."""
    module, _ = lower_file(name, text)
    verify(module)
    assert equal(parse_module(print_module(module), name), module)
    return module


def ops(module: Module, function: str) -> list[str]:
    return [op.name for op in module.funcs[function].walk()]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_examples_lower_and_round_trip(path: Path) -> None:
    module = lowered(path.read_text(), path.name)
    assert path.stem == "tools" or module.funcs


@pytest.mark.parametrize("seed", range(0, 300, 3))
def test_random_programs_lower_and_round_trip(seed: int) -> None:
    source = python_program(seed).source
    module = lowered(source)
    assert "program" in module.funcs or "\ndef program(" not in source


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_live_and_file_agree(seed: int, tmp_path: Path) -> None:
    """Identity of live objects and imports of a file give the same IR."""
    path = tmp_path / "program.py"
    path.write_text(python_program(seed).source)
    from_file, _ = lower_file(path)
    module = load_module(path)
    from_live = compile_function(module.program.func).module
    if from_live is None:
        assert "async def program(" in path.read_text()
        return
    wanted = Module(str(path), {n: from_file.funcs[n] for n in from_live.funcs}, from_live.attrs)
    assert print_module(wanted) == print_module(from_live)


def test_files_are_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "effects.py"
    path.write_text(
        "import sglc as sgl\nraise SystemExit('imported')\n\n@sgl.function\ndef p(s):\n"
        "    s += 'a' + sgl.gen('x')\n"
    )
    module, remarks = lower_file(path)
    assert ops(module, "p") == ["lm.text", "lm.gen", "cf.return"]
    assert remarks == []
    assert "effects" not in sys.modules


@pytest.mark.parametrize(
    "imports",
    [
        "import sglc as sgl",
        "import sglang as sgl",
        "import sglang.lang.api as sgl",
        "from sglc import lang as sgl",
        "import sglc\nsgl = None\nimport sglc as sgl2\nsgl = sgl2",
    ],
)
def test_aliases(imports: str) -> None:
    text = f"{imports}\n\n@sgl.function\ndef p(s):\n    s += sgl.gen('x')\n"
    module, _ = lower_file("p.py", text)
    rebound = "None" in imports
    assert ("p" in module.funcs) is not rebound


def test_names_imported_one_by_one_and_renamed() -> None:
    module = lowered(
        "from sglang import function as program, gen as g, user\n\n@program\ndef p(s, q):\n"
        "    s += user(q) + g('x', 8, stop='.')\n"
    )
    gen = next(op for op in module.funcs["p"].walk() if op.name == "lm.gen")
    assert dict(gen.attrs) == {"name": "x", "max_tokens": 8, "stop": "."}


def test_a_rebound_name_is_not_the_language() -> None:
    module = lowered(
        "from sglc import function, gen\n\ndef gen(name):\n    return name\n\n"
        "@function\ndef p(s):\n    s += gen('x')\n"
    )
    assert ops(module, "p") == ["py.eval", "lm.append", "cf.return"]


def test_a_local_name_is_not_the_language() -> None:
    module = lowered("import sglc as sgl\n\n@sgl.function\ndef p(s, sgl):\n    s += sgl.gen('x')\n")
    assert "lm.gen" not in ops(module, "p")


def test_values_come_before_the_prompt_moves() -> None:
    """Python evaluates the whole right side first; an exception there appends nothing."""
    module = lowered(
        "import sglc as sgl\n\n@sgl.function\ndef p(s):\n    s += 'a' + sgl.gen('x') + host()\n"
    )
    assert ops(module, "p") == ["py.eval", "lm.text", "lm.gen", "lm.append", "cf.return"]


def test_functions_that_run_live_are_remarked() -> None:
    module, remarks = lower_file(
        "p.py", "import sglc as sgl\n\n@sgl.function\ndef p(s):\n    yield s\n"
    )
    assert module.funcs == {}
    assert [(r.code, r.severity, r.span.line) for r in remarks] == [("SGL0302", "remark", 5)]


def test_reads_that_wait_are_remarked_with_their_place() -> None:
    text = (
        "import sglc as sgl\n\n@sgl.function\ndef p(s):\n    s += sgl.gen('x')\n"
        "    s += 'é' + s['x'] + str(host())\n    try:\n        s += s['x']\n"
        "    finally:\n        pass\n"
    )
    _, remarks = lower_file("p.py", text)
    found = [(r.code, r.span.line, r.span.column, r.span.end_column) for r in remarks]
    assert found == [("SGL0306", 6, 16, 22), ("SGL0306", 8, 14, 20)]


def test_syntax_errors_are_diagnostics() -> None:
    with pytest.raises(ParseError) as raised:
        lower_file("bad.py", "def p(s:\n")
    span = raised.value.diagnostics[0].span
    assert (span.file, span.line) == ("bad.py", 1)


def test_the_first_parameter_must_be_s() -> None:
    with pytest.raises(LowerError, match="must be `s`") as raised:
        lower_file("p.py", "import sglc as sgl\n\n@sgl.function\ndef p(state):\n    pass\n")
    assert raised.value.diagnostics[0].code == "SGL0303"


def test_nested_methods_and_multi_line_decorators_keep_their_places() -> None:
    text = (
        "import sglc as sgl\n\nclass Holder:\n    @sgl.function(\n        num_api_spec_tokens=4,\n"
        "    )\n    def method(s):\n        s += 'é' + sgl.gen('x')\n\n"
        "def outer():\n    @sgl.function\n    def inner(s):\n        s += sgl.gen('y')\n"
    )
    module = lowered(text)
    assert list(module.funcs) == ["Holder.method", "outer.<locals>.inner"]
    gen = next(op for op in module.funcs["Holder.method"].walk() if op.name == "lm.gen")
    assert str(gen.loc) == "8:20-8:32"


def test_source_names_function_and_hash() -> None:
    text = "import sglc as sgl\n\n@sgl.function\ndef p(s):\n    s += 'a'\n"
    one = lowered(text).funcs["p"].attrs
    moved = lowered("\n\n" + text).funcs["p"].attrs
    changed = lowered(text.replace("'a'", "'b'")).funcs["p"].attrs
    assert one["source"] == "program:p"
    assert one["source_sha256"] == moved["source_sha256"] != changed["source_sha256"]

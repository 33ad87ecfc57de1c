"""Every registered code is triggered by something real: a page's example, or a case below."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.frontends.script import compile_script
from sglc.ir.jsonio import from_json
from sglc.ir.parser import parse_module
from sglc.ir.printer import print_module
from sglc.ir.verifier import verify
from sglc.passes.pipeline import Pipeline
from sglc.programs.failures import diagnose_any
from sglc.programs.program import load
from tests.cli.programs import ROOT, invoke
from tests.differential.observing import load_module
from tests.execution.scripts import run
from tests.ir.check import parse

Case = Callable[[Path], Iterable[str]]


def _raised(action: Callable[[], object]) -> list[str]:
    with pytest.raises(SglcError) as raised:
        action()
    return [d.code for d in raised.value.diagnostics]


def _of(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [d.code for d in diagnostics]


def json_of_another_shape(folder: Path) -> list[str]:
    return _raised(lambda: from_json('{"sglir": [1]}'))


def replaced_name(folder: Path) -> list[str]:
    from sglc.backends.recording import RecordingBackend

    path = folder / "patched.py"
    path.write_text(
        "import sglc as sgl\nfrom sglc import gen, user\n\n@sgl.function\ndef p(s):\n"
        "    s += user('a') + gen('x')\n    s += user('b' + s['x'])\n    print('end')\n"
    )
    module = load_module(path)
    backend = RecordingBackend(delay=0.005)
    module.p.run(backend=backend)
    module.user = lambda text: text
    assert module.p.run(backend=backend).text().startswith("a")
    return _of(module.p._program.compiled().remarks)


def prompt_that_is_kept(folder: Path) -> list[str]:
    path = folder / "kept.py"
    path.write_text(
        "import sglc as sgl\nimport helper\n\n@sgl.function\ndef p(s):\n"
        "    s += 'a'\n    helper.look(s)\n    s += sgl.gen('x')\n"
    )
    from sglc.programs.target import load_module as compiled
    from sglc.programs.target import parse_target

    return _of(Pipeline.parse("promote").run(compiled(parse_target(str(path)))))


def host_code(folder: Path) -> list[str]:
    done = invoke("explain", "--output-format", "json", str(ROOT / "examples" / "agent.sgl"))
    return [code for code in CODES if f'"{code}"' in done.stdout]


def op_in_another_region(folder: Path) -> list[str]:
    module = parse("%v = ex.const() {value = 1}\ncf.return(%v)")
    module.funcs["f"].body.ops[0].parent = None
    return _raised(lambda: verify(module))


def value_before_its_definition(folder: Path) -> list[str]:
    module = parse(
        '%v = ex.const() {value = 1}\n%w = ex.eval(%v) {src = "v", names = ["v"]}\ncf.return(%w)'
    )
    first, second, _ = module.funcs["f"].body.ops
    second.operands = [second.results[0]]
    assert first.results
    return _raised(lambda: verify(module))


def forbidden_file(folder: Path) -> list[str]:
    dump = print_module(compile_script("def f():\n    'a'\n", file="x.sgl"))
    forged = dump.replace("lm.text", "lm.image").replace(
        '{text = ["a"], format = "sgl"}', '{path = "/etc/passwd"}'
    )
    error = run(parse_module(forged)).error
    return [] if error is None else [error.code]


def bug_in_a_row(folder: Path) -> list[str]:
    return _of(diagnose_any(AssertionError("ours")).diagnostics)


def dump_of_python(folder: Path) -> list[str]:
    path = folder / "dump.sglir"
    source = ROOT / "examples" / "text_qa.py"
    done = invoke("compile", str(source), "-o", str(path))
    assert done.exit_code == 0, done.stderr
    return _raised(lambda: load(str(path)))


CASES: dict[str, Case] = {
    "SGL0155": json_of_another_shape,
    "SGL0304": replaced_name,
    "SGL0360": prompt_that_is_kept,
    "SGL0373": host_code,
    "SGL0401": op_in_another_region,
    "SGL0405": value_before_its_definition,
    "SGL0508": forbidden_file,
    "SGL0599": bug_in_a_row,
    "SGL0612": dump_of_python,
}
"""Codes whose cause is no text that a page could show."""


@pytest.mark.parametrize("code", CASES)
def test_case_triggers_its_code(code: str, tmp_path: Path) -> None:
    assert code in CASES[code](tmp_path)


def test_every_code_has_an_example_that_is_run_or_a_case() -> None:
    """Examples are run by test_pages.py."""
    shown = {code for code, page in CODES.items() if page.failing}
    assert shown | CASES.keys() == CODES.keys()
    assert not shown & CASES.keys()
    assert len(CODES) >= 60

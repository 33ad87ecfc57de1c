"""`strict`: what would run live is refused, with its place, before anything of it runs."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sglc.cli.app import app
from sglc.diagnostics.core import LowerError
from sglc.frontends.python import lower_file
from tests.differential.observing import load_module

LIVE = {
    "generator": ("def p(s):\n    yield s\n", 2, "generator"),
    "locals": ("def p(s):\n    s += 'a'\n    print(locals())\n", 3, "locals"),
    "vars": ("def p(s):\n    print(vars())\n", 2, "vars"),
    "dir": ("def p(s):\n    print(dir())\n", 2, "dir"),
    "exec": ("def p(s):\n    exec('1')\n", 2, "exec"),
    "eval": ("def p(s):\n    if s:\n        s += eval('\"1\"')\n", 3, "eval"),
    "async": ("async def p(s):\n    s += 'a'\n", 1, "async"),
    "async generator": ("async def p(s):\n    yield s\n", 2, "generator"),
}


def text_of(body: str, strict: bool) -> str:
    decorator = "@sgl.function(strict=True)" if strict else "@sgl.function"
    return f"import sglc as sgl\n\nprint('module')\n{decorator}\n{body}"


@pytest.mark.parametrize("name", LIVE)
def test_what_runs_live_is_refused_where_it_stands(name: str, tmp_path: Path) -> None:
    body, line, word = LIVE[name]
    path = tmp_path / "live.py"
    path.write_text(text_of(body, strict=True))
    linecache.clearcache()
    with pytest.raises(LowerError, match=word) as raised:
        load_module(path)
    (found,) = raised.value.diagnostics
    assert (found.code, found.severity) == ("SGL0302", "error")
    assert found.span is not None
    assert (found.span.file, found.span.line) == (str(path), 4 + line)
    with pytest.raises(LowerError) as read:
        lower_file(path)
    assert read.value.diagnostics == raised.value.diagnostics


@pytest.mark.parametrize("name", LIVE)
def test_without_strict_it_is_a_remark(name: str) -> None:
    body, line, word = LIVE[name]
    module, remarks = lower_file("live.py", text_of(body, strict=False))
    assert module.funcs == {}
    assert [(r.severity, r.span.line, word in r.message) for r in remarks if r.span] == [
        ("remark", 4 + line, True)
    ]


def test_the_command_refuses_under_strict(tmp_path: Path) -> None:
    path = tmp_path / "live.py"
    path.write_text(text_of(LIVE["locals"][0], strict=False))
    assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0
    refused = CliRunner().invoke(app, ["check", "--strict", str(path)])
    assert refused.exit_code == 1
    assert "SGL0302" in refused.output
    assert f"{path}:7" in refused.output


def test_strict_programs_that_compile_run(tmp_path: Path) -> None:
    path = tmp_path / "fine.py"
    path.write_text(text_of("def p(s):\n    s += 'a' + sgl.gen('x')\n", strict=True))
    module = load_module(path)
    from sglc.backends.recording import RecordingBackend

    assert module.p.run(backend=RecordingBackend())["x"]
    assert module.p.bind()._program.strict


def test_strict_needs_a_source() -> None:
    import sglc as sgl

    with pytest.raises(LowerError, match="not available"):
        exec("@sgl.function(strict=True)\ndef p(s):\n    s += 'a'\n", {"sgl": sgl})

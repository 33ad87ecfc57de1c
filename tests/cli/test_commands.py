"""`sglc check`, `compile` and `explain`."""

import json
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, invoke

EXAMPLES = ROOT / "examples"
GOOD = 'def main():\n    "a"\n    x = gen()\n'
BAD = 'def main():\n    usr "a"\n'
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.sgl"))
PYTHON = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "tools.py")


def test_check_says_how_many(tmp_path: Path) -> None:
    (tmp_path / "good.sgl").write_text(GOOD, encoding="utf-8")
    done = invoke("check", str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "checked 1 file: no problems\n"
    (tmp_path / "bad.sgl").write_text(BAD, encoding="utf-8")
    done = invoke("check", str(tmp_path))
    assert done.exit_code == 1
    assert f"--> {tmp_path / 'bad.sgl'}:2:5" in done.stderr
    assert done.stderr.endswith("checked 2 files: 1 error\n")


def test_check_as_json(tmp_path: Path) -> None:
    path = tmp_path / "bad.sgl"
    path.write_text(BAD, encoding="utf-8")
    done = invoke("check", "--json", str(path))
    assert done.exit_code == 1
    (finding,) = map(json.loads, done.stdout.splitlines())
    assert finding["severity"] == "error"
    assert (finding["span"]["file"], finding["span"]["line"]) == (str(path), 2)
    assert finding["helps"] == ["did you mean `user`?"]


def test_python_is_checked_without_being_imported(tmp_path: Path) -> None:
    path = tmp_path / "loud.py"
    path.write_text(
        "import sglc as sgl\nprint('imported')\nraise SystemExit(5)\n\n\n"
        "@sgl.function\ndef main(s):\n    s += 'a' + sgl.gen('x')\n",
        encoding="utf-8",
    )
    for command in ("check", "compile", "explain"):
        done = invoke(command, str(path))
        assert done.exit_code == 0, done.output
        assert "imported" not in done.output


@pytest.mark.parametrize("name", [*SCRIPTS, *PYTHON])
@pytest.mark.parametrize("passes", [(), ("--passes", "")])
def test_a_dump_compiles_to_itself(tmp_path: Path, name: str, passes: tuple[str, ...]) -> None:
    """Printing, parsing and printing again changes nothing, with and without passes."""
    done = invoke("compile", str(EXAMPLES / name), *passes)
    assert done.exit_code == 0, done.output
    dump = tmp_path / "dump.sglir"
    dump.write_text(done.stdout, encoding="utf-8")
    again = invoke("compile", str(dump), "--passes", "")
    assert again.stdout == done.stdout


@pytest.mark.parametrize("name", [*SCRIPTS, *PYTHON])
def test_every_form_can_be_printed(tmp_path: Path, name: str) -> None:
    target = str(EXAMPLES / name)
    for form, start in (("graph", "@"), ("dot", "digraph "), ("json", "{"), ("ast", "")):
        done = invoke("compile", target, "--emit", form)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(start)
        assert len(done.stdout) > 50
        if form == "json":
            json.loads(done.stdout)


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out.dot"
    target = str(EXAMPLES / "judge.sgl")
    done = invoke("compile", target, "--emit", "dot", "-o", str(out))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert out.read_text(encoding="utf-8") == invoke("compile", target, "--emit", "dot").stdout
    done = invoke("compile", target, "-o", str(tmp_path / "no" / "out"))
    assert done.exit_code == 2
    assert "cannot write" in done.stderr


def test_passes_are_chosen() -> None:
    target = str(EXAMPLES / "judge.sgl")
    assert "parallel = true" in invoke("compile", target).stdout
    assert "parallel = true" not in invoke("compile", target, "--no-pass", "fork-parallel").stdout
    handles = invoke("compile", target, "--passes", "").stdout
    assert ": handle = lm.new()" in handles
    assert ": state" not in handles
    done = invoke("compile", target, "--passes", "promot")
    assert done.exit_code == 1
    assert "did you mean `promote`?" in done.stderr


def test_unknown_function() -> None:
    done = invoke("compile", str(EXAMPLES / "judge.sgl") + ":jugde")
    assert done.exit_code == 2
    assert "did you mean `judge`?" in done.stderr


def test_a_dump_has_no_syntax_tree(tmp_path: Path) -> None:
    dump = str(tmp_path / "a.sglir")
    assert invoke("compile", str(EXAMPLES / "judge.sgl"), "-o", dump).exit_code == 0
    done = invoke("compile", dump, "--emit", "ast")
    assert done.exit_code == 2
    assert "has no syntax tree" in done.stderr


def test_a_damaged_dump(tmp_path: Path) -> None:
    dump = tmp_path / "a.sglir"
    assert invoke("compile", str(EXAMPLES / "judge.sgl"), "-o", str(dump)).exit_code == 0
    dump.write_text(dump.read_text(encoding="utf-8").replace("lm.select", "lm.elect"), "utf-8")
    for command in ("check", "run", "explain"):
        done = invoke(command, str(dump))
        assert done.exit_code == 1, done.output
        assert "lm.elect" in done.stderr
        assert f"--> {dump}:" in done.stderr

"""`sglc check`: which files, which form, what is said and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sglc.cli.app import app
from tests.cli.programs import ROOT, invoke
from tests.diagnostics.test_output import check_sarif

GOOD = 'def main():\n    "a"\n    x = gen()\n'
BAD = 'def main():\n    usr "a"\n'
LIVE = "import sglc as sgl\n\n\n@sgl.function\ndef f(s):\n    yield s\n"


def from_stdin(text: bytes, *args: str) -> Result:
    return CliRunner().invoke(app, ["check", *args], input=text, prog_name="sglc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good and bad programs, Python that is none of ours, and what is hidden."""
    files = {
        "a/good.sgl": GOOD,
        "a/bad.sgl": BAD,
        "live.py": LIVE,
        "other.py": "print 'Python 2, and no program of ours'\n",
        ".hidden/bad.sgl": BAD,
        "__pycache__/bad.sgl": BAD,
        "notes.txt": BAD,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_folders_are_searched_for_programs(folder: Path) -> None:
    done = invoke("check", str(folder))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.endswith("checked 3 files: 1 error, 1 remark\n")
    assert f"--> {folder / 'live.py'}:6:5" in done.stderr
    assert "Python 2" not in done.stderr
    assert invoke("check", str(folder), "--no-remarks").stderr.endswith("3 files: 1 error\n")


def test_a_file_named_twice_is_checked_once(folder: Path) -> None:
    done = invoke("check", str(folder / "a" / "bad.sgl"), str(folder))
    assert done.stderr.endswith("checked 3 files: 1 error, 1 remark\n")
    done = invoke("check", str(folder / "other.py"))
    assert done.exit_code == 1
    assert "error[SGL0101]" in done.stderr


def test_remarks_are_no_failure(folder: Path) -> None:
    done = invoke("check", str(folder / "live.py"))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "remark[SGL0302]: `f` runs live: a generator is not compiled" in done.stderr


def test_a_missing_file_is_wrong_usage_and_others_are_checked(folder: Path) -> None:
    done = invoke("check", "none.sgl", str(folder / "a" / "bad.sgl"), str(folder / "notes.txt"))
    assert done.exit_code == 2
    for code in ("SGL0606", "SGL0608", "SGL0110"):
        assert f"error[{code}]" in done.stderr
    assert done.stderr.endswith("checked 3 files: 3 errors\n")


def test_stdin() -> None:
    done = from_stdin(BAD.encode(), "-")
    assert done.exit_code == 1
    assert '2 |     usr "a"\n  |     ^^^ not known' in done.stderr
    done = from_stdin(LIVE.encode(), "--stdin-filename", "x/agent.py", "-")
    assert done.exit_code == 0
    assert "--> x/agent.py:6:5" in done.stderr
    assert from_stdin(GOOD.encode(), "-").stderr == "checked 1 file: no problems\n"
    done = from_stdin(b"\xff", "-")
    assert done.exit_code == 2
    assert "stdin is not UTF-8 text" in done.stderr
    assert from_stdin(b"", "--stdin-filename", "x.txt", "-").exit_code == 2


def test_every_format_goes_to_stdout_and_the_summary_to_stderr(folder: Path) -> None:
    texts = {}
    for form in ("json", "sarif", "github", "concise"):
        done = invoke("check", "--output-format", form, str(folder))
        assert done.exit_code == 1
        assert done.stderr == "checked 3 files: 1 error, 1 remark\n"
        texts[form] = done.stdout
    assert texts["json"] == invoke("check", "--json", str(folder)).stdout
    codes = [json.loads(line)["code"] for line in texts["json"].splitlines()]
    assert codes == ["SGL0110", "SGL0302"]
    log = json.loads(texts["sarif"])
    check_sarif(log)
    assert [r["ruleId"] for r in log["runs"][0]["results"]] == codes
    assert [line.split()[0] for line in texts["github"].splitlines()] == ["::error", "::notice"]
    assert f"{folder / 'a' / 'bad.sgl'}:2:5: error[SGL0110]" in texts["concise"]


@pytest.mark.parametrize("form", ["json", "github", "sarif", "concise"])
def test_errors_of_compile_and_explain_take_the_form_too(form: str, folder: Path) -> None:
    for command in ("compile", "explain"):
        done = invoke(command, "--output-format", form, str(folder / "a" / "bad.sgl"))
        assert (done.exit_code, done.stdout) == (1, "")
        if form == "sarif":
            check_sarif(json.loads(done.stderr))
        assert "SGL0110" in done.stderr
        assert "-->" not in done.stderr


def test_compile_reports_warnings_and_remarks_on_stderr(folder: Path) -> None:
    judge = str(ROOT / "examples" / "judge.py")
    plain = invoke("compile", judge)
    assert plain.stderr == ""
    said = invoke("compile", judge, "--remarks")
    assert "remark[SGL0361]" in said.stderr
    assert said.stdout == plain.stdout
    lines = invoke("compile", judge, "--output-format", "json").stderr.splitlines()
    assert {"SGL0361", "SGL0362"} <= {json.loads(line)["code"] for line in lines}
    live = invoke("compile", str(folder / "live.py"), "--remarks")
    assert "remark[SGL0302]" in live.stderr

"""`sglc compile`: phases, dumps, printing, times, bad plans."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sglc.ir.printer import print_module
from sglc.programs.target import load_module, parse_target
from tests.cli.programs import ROOT, invoke

JUDGE = str(ROOT / "examples" / "judge.sgl")
TIPS = str(ROOT / "examples" / "tip_suggestion.py")


@pytest.mark.parametrize("path", [JUDGE, TIPS])
def test_dumps_are_numbered_and_can_be_edited_and_resumed(path: str, tmp_path: Path) -> None:
    done = invoke("compile", path, "--dump-ir", str(tmp_path / "new" / "dumps"))
    assert done.exit_code == 0, done.output
    folder = tmp_path / "new" / "dumps"
    assert sorted(p.name for p in folder.iterdir()) == [
        "00.parse.txt",
        "01.lower.sglir",
        "02.promote.sglir",
        "03.prefix-hoist.sglir",
        "04.fork-parallel.sglir",
    ]
    assert (folder / "04.fork-parallel.sglir").read_text("utf-8") == done.stdout
    assert (folder / "00.parse.txt").read_text("utf-8") == invoke(
        "compile", path, "--emit", "ast"
    ).stdout
    edited = tmp_path / "edited.sglir"
    text = (folder / "01.lower.sglir").read_text("utf-8")
    edited.write_text(text.replace("stop = ", 'regex = "[A-Z]+", stop = '), "utf-8")
    again = invoke("compile", str(edited), "--from", "lower", "--dump-ir", str(tmp_path / "more"))
    assert again.exit_code == 0, again.output
    assert again.stdout.count('regex = "[A-Z]+"') == text.count("stop = ") > 0
    assert sorted(p.name[:3] for p in (tmp_path / "more").iterdir()) == ["00.", "02.", "03.", "04."]


def test_to_prints_the_phase_and_emits_it_in_any_form() -> None:
    lowered = print_module(load_module(parse_target(JUDGE)))
    assert invoke("compile", JUDGE, "--to", "lower").stdout == lowered
    promoted = invoke("compile", JUDGE, "--to", "promote")
    assert promoted.stdout == invoke("compile", JUDGE, "--passes", "promote").stdout
    assert invoke("compile", JUDGE, "--to", "parse").stdout.startswith("Script\n")
    assert invoke("compile", JUDGE, "--to", "lower", "--emit", "dot").stdout.startswith("digraph")


def after(stderr: str) -> list[str]:
    return re.findall(r"// ----- after (\S+) -----", stderr)


@pytest.mark.parametrize(
    ("options", "phases"),
    [
        ((), []),
        (("--print-ir-after",), ["fork-parallel"]),
        (("--print-ir-after", "--to", "lower"), ["lower"]),
        (("--print-ir-after=promote",), ["promote"]),
        (("--print-ir-after=promote", "--print-ir-after=lower"), ["lower", "promote"]),
        (
            ("--print-ir-after-all",),
            ["parse", "lower", "promote", "prefix-hoist", "fork-parallel"],
        ),
        (("--print-ir-after-all", "--passes", ""), ["parse", "lower"]),
    ],
)
def test_printing_goes_to_stderr(options: tuple[str, ...], phases: list[str]) -> None:
    done = invoke("compile", JUDGE, *options)
    assert done.exit_code == 0
    assert after(done.stderr) == phases
    assert "// -----" not in done.stdout


def test_print_after_change_leaves_out_what_is_the_same() -> None:
    done = invoke("compile", JUDGE, "--print-ir-after-change", "--passes", "promote,promote")
    *_, second = done.stderr.split("// ----- after promote")
    assert second == ".2 -----\n// no change\n"


def test_times_are_a_table_on_stderr() -> None:
    done = invoke("compile", JUDGE, "--time-passes")
    assert done.stdout == invoke("compile", JUDGE).stdout
    names = [line.split()[0] for line in done.stderr.splitlines()]
    assert names == [
        "phase",
        "parse",
        "lower",
        "promote",
        "prefix-hoist",
        "fork-parallel",
        "verify",
        "total",
    ]
    milliseconds = [float(line.split()[1]) for line in done.stderr.splitlines()[1:]]
    assert all(one > 0 for one in milliseconds)
    assert sum(milliseconds[:-1]) == pytest.approx(milliseconds[-1], abs=0.01)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--to", "promot"), 2, "did you mean `promote`?"),
        (("--print-ir-after=promot",), 2, "did you mean `promote`?"),
        (("--from", "lower"), 2, "needs a `.sglir` dump"),
        (("--emit", "ast", "--to", "lower"), 2, "`--emit ast` prints what `parse` made"),
        (("--emit", "json", "--to", "parse"), 2, "`--emit json` needs the IR"),
        (("--passes", "promote,prefix-hoist{min-tokens=x}"), 1, " | " + " " * 32 + "^"),
    ],
)
def test_what_cannot_be_done(options: tuple[str, ...], status: int, says: str) -> None:
    done = invoke("compile", JUDGE, *options)
    assert (done.exit_code, done.stdout) == (status, "")
    assert says in done.stderr


@pytest.mark.parametrize("option", ["--dump-ir", "-o"])
def test_what_cannot_be_written(option: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = invoke("compile", JUDGE, option, str(tmp_path / "file" / "below"))
    assert done.exit_code == 2
    assert re.match(r"error\[SGL0606\]: cannot write `.*below`: not a directory\n", done.stderr)

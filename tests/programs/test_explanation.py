"""`explain_target`: findings with codes and places, live operations, functions that run live."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.diagnostics.core import UsageError
from sglc.programs.explanation import Explanation, explain_target
from sglc.programs.target import parse_target

PYTHON = """\
import sglc as sgl


@sgl.function
def asks(s, question):
    s += sgl.user(question + "?")
    s += sgl.assistant(sgl.gen("é") + sgl.gen("answer"))
    if s["answer"] == "yes":
        log(s["answer"])
    for f, text in zip(s.fork(2), pairs()):
        f += text + sgl.gen("more")
    gens = [sgl.gen("a"), sgl.select("b", ["x", "y"])]
    s += gens[0]
    s += str(host()) + s["answer"]


@sgl.function
def yields(s):
    yield s


class Holder:
    @sgl.function
    def method(s):
        def inner():
            return sgl.gen("nested")

        s += "a" + inner()
"""


def explained(tmp_path: Path, text: str, name: str = "p.py", function: str = "") -> Explanation:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return explain_target(parse_target(f"{path}{function}"))


def at(findings: object) -> list[tuple[str, int]]:
    return [(one.code, one.span.line) for one in findings]  # type: ignore[attr-defined]


def test_every_subject_with_its_places(tmp_path: Path) -> None:
    found = explained(tmp_path, PYTHON)
    asks, method = found.functions
    assert at(asks.waits) == [("SGL0371", 8), ("SGL0371", 9), ("SGL0306", 14)]
    first = asks.waits[0]
    assert first.message == "waits for gen answer: condition of `if`"
    lines = PYTHON.splitlines()
    shown = lines[first.span.line - 1][first.span.column - 1 : first.span.end_column - 1]
    assert shown == 's["answer"] == "yes"'
    (label,) = first.labels
    source = lines[label.span.line - 1][label.span.column - 1 : label.span.end_column - 1]
    assert (source, label.text) == ('sgl.gen("answer")', "gen answer")
    assert at(asks.live) == [("SGL0372", 12), ("SGL0372", 12)]
    assert "`select` runs live" in asks.live[1].message
    assert ("SGL0373", 9) in at(asks.host)
    assert at(found.refused) == [("SGL0302", 19)]
    assert method.report.name == "Holder.method"
    assert [one.message.split("`")[1] for one in method.live] == ["gen"]
    assert found.remarks == ()


def test_each_finding_is_listed_once_and_has_a_page(tmp_path: Path) -> None:
    from sglc.diagnostics.codes import CODES

    found = explained(tmp_path, PYTHON).findings
    assert len(found) == len(set(found))
    assert {one.code for one in found} <= set(CODES)
    assert all(one.severity == "remark" for one in found)


def test_a_read_inside_code_that_waits_is_one_wait(tmp_path: Path) -> None:
    text = (
        "import sglc as sgl\n\n\n@sgl.function\ndef f(s):\n    s += sgl.gen('x')\n"
        "    s += 'a' + s['x'].strip()\n    s += 'b' + str(host()) + s['x']\n"
    )
    (function,) = explained(tmp_path, text).functions
    assert at(function.waits) == [("SGL0371", 7), ("SGL0306", 8)]


def test_one_function(tmp_path: Path) -> None:
    found = explained(tmp_path, PYTHON, function=":Holder.method")
    assert [f.report.name for f in found.functions] == ["Holder.method"]
    assert found.refused == ()
    found = explained(tmp_path, PYTHON, function=":yields")
    assert found.functions == ()
    assert at(found.refused) == [("SGL0302", 19)]
    with pytest.raises(UsageError, match="no function `ask`"):
        explained(tmp_path, PYTHON, function=":ask")


def test_functions_of_imported_scripts_have_places_in_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "lib.sgl").write_text(
        '\n\ndef ask(q):\n    "Q ${q}"\n    a = gen()\n'
        '    if a == "x":\n        "y"\n    return a\n',
        encoding="utf-8",
    )
    text = 'import "lib.sgl" as lib\n\ndef main(q):\n    "M"\n    b = lib.ask(q)\n    return b\n'
    found = explained(tmp_path, text, "main.sgl")
    by_name = {f.report.name: f for f in found.functions}
    ask = by_name["lib.ask"]
    assert ask.file.endswith("lib.sgl")
    assert [(one.span.file, one.span.line) for one in ask.waits if one.span] == [(ask.file, 6)]
    assert at(by_name["main"].parallel) == [("SGL0363", 5)]


def test_dumps_and_files_without_programs(tmp_path: Path) -> None:
    assert explained(tmp_path, "x = 1\n").functions == ()
    from sglc.ir.printer import print_module
    from sglc.programs.target import load_module

    path = tmp_path / "p.py"
    path.write_text(PYTHON, encoding="utf-8")
    dump = explained(tmp_path, print_module(load_module(parse_target(str(path)))), "p.sglir")
    direct = explained(tmp_path, PYTHON)
    assert [f.waits[:2] for f in dump.functions] == [f.waits[:2] for f in direct.functions]

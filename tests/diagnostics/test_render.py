"""Rendering of diagnostics: text, colour, JSON."""

import json
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, Label, Span
from sglc.diagnostics.links import url
from sglc.diagnostics.render import render, render_json

SOURCE = 'def f(x: str):\n    usr "hello ${x}"\n\n\n\n\n\n\n\n    tail = 1\n'


def _span(line: int, column: int, end: int, file: str = "a.sgl") -> Span:
    return Span(file, line, column, line, end)


def test_header_window_caret_note_and_help() -> None:
    item = Diagnostic(
        code="SGL0110",
        message="unknown role `usr`",
        span=_span(2, 5, 8),
        label="not a role",
        notes=("roles are four",),
        helps=("did you mean `user`?",),
    )
    assert render(item, sources={"a.sgl": SOURCE}) == (
        "error[SGL0110]: unknown role `usr`\n"
        " --> a.sgl:2:5\n"
        "  |\n"
        '2 |     usr "hello ${x}"\n'
        "  |     ^^^ not a role\n"
        "  = note: roles are four\n"
        "  = help: did you mean `user`?\n"
    )


def test_secondary_labels_far_apart_are_elided_and_gutter_is_wide_enough() -> None:
    item = Diagnostic(
        code="SGL0210",
        message="twice",
        span=_span(10, 5, 9),
        label="second",
        labels=(Label(_span(2, 5, 8), "first"),),
    )
    assert render(item, sources={"a.sgl": SOURCE}) == (
        "error[SGL0210]: twice\n"
        "  --> a.sgl:10:5\n"
        "   |\n"
        ' 2 |     usr "hello ${x}"\n'
        "   |     --- first\n"
        "...\n"
        "10 |     tail = 1\n"
        "   |     ^^^^ second\n"
    )


def test_labels_in_another_file_get_their_own_window() -> None:
    item = Diagnostic(
        code="SGL0216",
        message="cycle",
        span=_span(1, 1, 4),
        labels=(Label(_span(1, 5, 6, "b.sgl"), "imported here"),),
    )
    text = render(item, sources={"a.sgl": "abc\n", "b.sgl": "xyz w\n"})
    assert text.splitlines()[1:] == [
        " --> a.sgl:1:1",
        "  |",
        "1 | abc",
        "  | ^^^",
        " ::: b.sgl:1:5",
        "  |",
        "1 | xyz w",
        "  |     - imported here",
    ]


def test_tabs_and_wide_characters_keep_the_caret_in_place() -> None:
    item = Diagnostic(code="SGL0102", message="m", span=_span(1, 5, 6))
    lines = render(item, sources={"a.sgl": "\t日本?x"}).splitlines()
    assert lines[3] == "1 |     日本?x".replace("日本?x", "日本?x")
    # a tab is four cells and each of the two characters two
    assert lines[4] == "  | " + " " * (4 + 4 + 1) + "^"


def test_control_characters_never_reach_the_terminal() -> None:
    item = Diagnostic(code="SGL0102", message="m", span=_span(1, 1, 2))
    assert "\x1b" not in render(item, sources={"a.sgl": "\x1b[31mred"})


def test_span_past_the_end_of_file_or_line_still_renders() -> None:
    for span in (_span(99, 1, 2), _span(1, 80, 81), _span(0, 0, 0)):
        text = render(Diagnostic(code="SGL0101", message="m", span=span), sources={"a.sgl": "x"})
        assert text.startswith("error[SGL0101]: m\n")


def test_multi_line_span_underlines_the_first_line() -> None:
    item = Diagnostic(code="SGL0107", message="m", span=Span("a.sgl", 1, 3, 4, 1), label="open")
    lines = render(item, sources={"a.sgl": "ab(c\n\n\nd"}).splitlines()
    assert lines[4] == "  |   ^^ open (to line 4)"


def test_reads_from_disk_and_survives_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "x.sgl"
    path.write_bytes("\ufeffone\r\ntwo\r\n".encode())
    here = Diagnostic(code="SGL0101", message="m", span=_span(2, 1, 4, str(path)))
    assert "2 | two\n  | ^^^" in render(here)
    gone = Diagnostic(code="SGL0101", message="m", span=_span(2, 1, 4, str(tmp_path / "no")))
    assert render(gone) == f"error[SGL0101]: m\n --> {tmp_path / 'no'}:2:1\n"


def test_first_line_with_byte_order_mark_is_not_shifted(tmp_path: Path) -> None:
    path = tmp_path / "x.sgl"
    path.write_bytes("\ufeffone\n".encode())
    text = render(Diagnostic(code="SGL0101", message="m", span=_span(1, 1, 4, str(path))))
    assert "1 | one\n  | ^^^" in text


def test_colour_only_when_asked() -> None:
    item = Diagnostic(code="SGL0101", message="m", span=_span(1, 1, 2), severity="warning")
    assert "\x1b" not in render(item, sources={"a.sgl": "x"})
    coloured = render(item, color=True, sources={"a.sgl": "x"})
    assert "\x1b[1;33mwarning[SGL0101]\x1b[0m" in coloured


def test_same_diagnostic_is_shown_once() -> None:
    item = Diagnostic(code="SGL0101", message="m")
    assert render([item, item]).count("SGL0101") == 1
    assert render_json([item, item]).count("SGL0101") == 1


def test_json_has_every_field() -> None:
    item = Diagnostic(
        code="SGL0210",
        message="twice",
        span=_span(2, 5, 8),
        label="here",
        labels=(Label(_span(1, 1, 2), "there"),),
        notes=("n",),
        helps=("h",),
    )
    assert json.loads(render_json(item)) == {
        "code": "SGL0210",
        "severity": "error",
        "message": "twice",
        "span": {"file": "a.sgl", "line": 2, "column": 5, "end_line": 2, "end_column": 8},
        "label": "here",
        "labels": [
            {
                "span": {"file": "a.sgl", "line": 1, "column": 1, "end_line": 1, "end_column": 2},
                "text": "there",
            }
        ],
        "notes": ["n"],
        "helps": ["h"],
        "suggestions": [],
        "url": url("SGL0210"),
    }

"""Formatting a whole script: indentation, empty lines, comments, and the proof of sameness."""

from __future__ import annotations

from dataclasses import dataclass

from lark import UnexpectedInput

from sglc.diagnostics.core import ParseError
from sglc.diagnostics.source import normalize_newlines
from sglc.expressions.problem import Problem
from sglc.formatting.brackets import Bracket, Part, nest
from sglc.formatting.document import INDENT, render
from sglc.formatting.expressions import line_doc
from sglc.formatting.lines import Comment, Layout, LogicalLine, Token, read_layout
from sglc.frontends.script.parse import parse_with_problems
from sglc.frontends.script.scan import scan

WIDTH = 100
"""Columns; East Asian wide characters take two."""
_DEFINITIONS = frozenset({"DEF", "_FRAGMENT", "_SCHEMA"})


class FormatterError(Exception):
    """The formatter would have changed a program. Always a bug of ours; nothing was written."""


def format_script(text: str, file: str) -> str:
    """
    The script in the canonical layout, with `\\n` as its only line end.

    Args:
        text: the script, with any line ends.
        file: its name in messages.

    Raises:
        ParseError: the script has mistakes, and is left alone.
        FormatterError: the result means something else, or lost a comment.
    """
    clean = normalize_newlines(text)
    try:
        layout = read_layout(clean)
    except (UnexpectedInput, Problem):
        layout = None
    if layout is None or any(chunk.problems for chunk in scan(clean)):
        raise ParseError([p.diagnostic(file) for p in parse_with_problems(clean, file)[1]])
    result = _Printer(layout).run()
    _check_same(layout, result, file)
    return result


def _check_same(before: Layout, result: str, file: str) -> None:
    try:
        after = read_layout(result)
    except (UnexpectedInput, Problem) as error:
        raise FormatterError(f"{file}: the formatted text does not parse") from error
    if after.items != before.items:
        raise FormatterError(f"{file}: the formatted text means something else")
    if _strings(after) != _strings(before):
        raise FormatterError(f"{file}: formatting changed a string")
    if comments(after) != comments(before):
        raise FormatterError(f"{file}: formatting lost or moved a comment")


def comments(layout: Layout) -> list[str]:
    """Every comment of a file, in order."""
    found: list[Comment] = []
    for line in layout.lines:
        found += line.leading
        found += [comment for token in line.tokens for comment in token.comments]
        found += [line.trailing] if line.trailing is not None else []
    return [comment.text for comment in (*found, *layout.end)]


def _strings(layout: Layout) -> list[str]:
    return [t.text for line in layout.lines for t in line.tokens if t.kind == "STRING"]


@dataclass(slots=True)
class _Printer:
    """Prints line by line; the state is what the lines before say about the next one."""

    layout: Layout

    def run(self) -> str:
        out: list[str] = []
        widths: dict[int, int] = {}
        definitions: dict[int, bool] = {}
        """For each open level: whether the last line there begins a definition."""
        before: LogicalLine | None = None
        for line in self.layout.lines:
            place = _Place(line.level, before, widths, _required(line, before, definitions))
            out += _leading(line.leading, line.blanks, place)
            out += _statement(line, in_schema=line.level > 0 and bool(widths.get(-1)))
            widths = {level: width for level, width in widths.items() if level < line.level}
            widths[line.level] = line.width
            if line.level == 0:
                widths[-1] = int(line.tokens[0].kind == "_SCHEMA")
            definitions = {k: v for k, v in definitions.items() if k < line.level}
            definitions[line.level] = _is_definition(line)
            before = line
        required = 2 if definitions.get(0) else None
        out += _leading(list(self.layout.end), 0, _Place(0, before, widths, required))
        return "".join(f"{line}\n" for line in out).rstrip("\n") + "\n" if any(out) else ""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where comments and a line stand."""

    level: int
    before: LogicalLine | None
    widths: dict[int, int]
    """The indentation, as it was, of each level that is open."""
    required: int | None
    """Empty lines that must be there; None where the file decides."""

    def comment_level(self, comment: Comment) -> int:
        """The deepest open block that the comment is indented for."""
        deepest = self.before.level if self.before is not None else 0
        for level in range(deepest, self.level, -1):
            if self.widths.get(level, 0) <= comment.column:
                return level
        return self.level


def _is_definition(line: LogicalLine) -> bool:
    return line.tokens[0].kind in _DEFINITIONS


def _required(
    line: LogicalLine, before: LogicalLine | None, definitions: dict[int, bool]
) -> int | None:
    """Empty lines between a line and what is before it, if there is a rule."""
    if before is None or line.level > before.level:
        return 0
    if _is_definition(line) or definitions.get(line.level):
        return 1 if line.level else 2
    return None


def _leading(comments: list[Comment], blanks: int, place: _Place) -> list[str]:
    """The comments before a line, and the empty lines between all of them."""
    levels = [place.comment_level(comment) for comment in comments]
    deeper = [i for i, level in enumerate(levels) if level > place.level]
    boundary = deeper[-1] + 1 if deeper else 0
    gaps = [*(comment.blanks for comment in comments), blanks]
    out: list[str] = []
    for i, gap in enumerate(gaps):
        level = levels[i] if i < len(levels) else place.level
        size = min(gap, 1 if level else 2)
        if i == boundary and place.required is not None:
            size = place.required
        if i == 0 and place.before is None:
            size = 0
        out += [""] * size
        if i < len(comments):
            out.append(" " * (INDENT * level) + comments[i].text)
    return out


def _statement(line: LogicalLine, *, in_schema: bool) -> list[str]:
    """The lines of a statement: its block's first statement begins a line of its own."""
    parts = nest(line.tokens)
    cut = 0 if in_schema else _block_colon(parts)
    pieces = [(parts[:cut], line.level), (parts[cut:], line.level + 1)]
    if not 0 < cut < len(parts):
        pieces = [(parts, line.level)]
    text = [
        " " * (INDENT * level) + render(line_doc(piece, field=in_schema), width=WIDTH, level=level)
        for piece, level in pieces
    ]
    if line.trailing is not None:
        text[-1] += f"  {line.trailing.text}"
    return text


def _block_colon(parts: list[Part]) -> int:
    """The number of parts of a header with its colon; 0 for a line that is no header."""
    if isinstance(parts[0], Bracket) or parts[0].kind in ("NAME", "STRING"):
        return 0
    for number, part in enumerate(parts):
        if isinstance(part, Token) and part.text == ":":
            return number + 1
    return 0

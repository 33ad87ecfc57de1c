"""
Half-written scripts as scripts: lines that cannot be read are replaced by `pass`.

Line numbers stay. What the lines around the mistake say can then be looked at as always, which is
all that hover, definitions and completion need; diagnostics come from the text as it is.
"""

from __future__ import annotations

import re

from sglc.expressions.problem import Problem
from sglc.frontends.script.parse import parse_with_problems

_ROUNDS = 12
"""Each costs a parse; files with more mistakes than this are looked at without the rest."""
_HEADER = re.compile(r"\s*(def|fragment)\s+([^\W\d]\w*)")


def recover(text: str, file: str) -> str:
    """The text, which has `\\n` as its only line end, without most of what cannot be read."""
    lines = text.split("\n")
    for _ in range(_ROUNDS):
        _, problems = parse_with_problems("\n".join(lines), file)
        changed = [_repair(lines, problem) for problem in problems]
        if not any(changed):
            break
    return "\n".join(lines)


def _repair(lines: list[str], problem: Problem) -> bool:
    """Replace one line; whether there was one to replace."""
    number = min(problem.loc.line, len(lines)) - 1
    if problem.code == "SGL0105" and "block" in problem.message:
        return _add_block(lines, number)
    while number >= 0 and _is_empty(lines[number]):
        number -= 1
    if number < 0:
        return False
    lines[number] = _placeholder(lines[number])
    return True


def _is_empty(line: str) -> bool:
    code = line.split("#", 1)[0].strip()
    return code in ("", "pass")


def _add_block(lines: list[str], number: int) -> bool:
    """Give the header at or above a line the block that it lacks."""
    for header in (number, *range(number - 1, -1, -1)):
        code = lines[header].split("#", 1)[0].rstrip()
        if code.endswith(":"):
            lines[header] = f"{code} pass"
            return True
        if code.strip() and header != number:
            return False
    return False


def _placeholder(line: str) -> str:
    """A line that can be read, with the indentation and, for headers, the block of this one."""
    indent = line[: len(line) - len(line.lstrip())]
    header = _HEADER.match(line)
    if header is not None:
        return f"{indent}{header[1]} {header[2]}():" + ("" if _opens(line) else " pass")
    if not indent:
        return "# " + line.lstrip("# ")
    return f"{indent}if true:" if _opens(line) else f"{indent}pass"


def _opens(line: str) -> bool:
    return line.split("#", 1)[0].rstrip().endswith((":", "(", ","))

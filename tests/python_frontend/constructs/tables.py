"""All tables of constructs, and the page made of them."""

from __future__ import annotations

from tests.python_frontend.constructs import (
    asynchronous,
    control_flow,
    exceptions,
    expressions,
    live,
    names,
    scopes,
    states,
)
from tests.python_frontend.constructs.construct import Construct, Table

MODULES = (control_flow, exceptions, scopes, names, expressions, states, asynchronous, live)
TABLES: tuple[Table, ...] = tuple(module.TABLE for module in MODULES)
CONSTRUCTS: tuple[Construct, ...] = tuple(row for table in TABLES for row in table.rows)

_HOW = {"lifted": "lifted", "python": "Python", "live": "live"}
_STRICT = {"lifted": "accepted", "python": "accepted", "live": "refused"}

INTRODUCTION = """\
What becomes of each construct in a `@sgl.function`. This page is made from
`tests/python_frontend/constructs/`: every row is a program that runs as written, compiled, and
compiled without what passes decide, once with a model that answers and once with one that fails,
and all that can be observed must agree.

- *lifted*: operations of the IR; what has no operation of its own stays a piece of Python inside.
- *Python*: a piece of Python in its place in a compiled program, in order with the rest.
- *live*: the whole program runs as it is written, with a remark (`SGL0301`, `SGL0302`) that names
  the place. `@sgl.function(strict=True)` and `sglc check --strict` refuse it.
"""


def page() -> str:
    """docs/python-constructs.md."""
    counts = {how: sum(c.how == how for c in CONSTRUCTS) for how in _HOW}
    parts = [
        "# Python's constructs\n",
        INTRODUCTION,
        f"{len(CONSTRUCTS)} rows: {counts['lifted']} lifted, {counts['python']} Python, "
        f"{counts['live']} live.\n",
    ]
    for table in TABLES:
        parts.append(f"## {table.title}\n")
        rows = ["| construct | compiled | `strict` |", "|---|---|---|"]
        for row in table.rows:
            title = row.title.replace("|", "\\|")
            rows.append(f"| {title} | {_HOW[row.how]} | {_STRICT[row.how]} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)

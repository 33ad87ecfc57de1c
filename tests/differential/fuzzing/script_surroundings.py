"""What random scripts use: functions, fragments, a schema, host functions, a second file."""

from __future__ import annotations

import re

LIBRARY = """\
use max_tokens=7

schema Rating:
    stars: int
    why: str

def rate(what: str) -> Rating:
    user "Rate ${what}"
    assistant:
        rating = gen(json=Rating)
    return rating

fragment aside(what: str) -> str:
    "(aside: ${what} "
    said = gen()
    ") "
    return said

def shout(what: str) -> str:
    return what.upper() + "!"
"""
IMPORT = 'import "library.sgl" as lib'
PIECES = {
    "Person": """
schema Person:
    name: str, "as written"
    age: int?
    mood: "happy" | "sad"
    tags: list[str] = []
""",
    "note": 'extern def note(text: str) -> str from "tools:note"\n',
    "count": 'extern def count(text: str, by: int = 1) -> int from "tools:count"\n',
    "refuse": 'extern def refuse(text: str) -> str from "tools:refuse"\n',
    "wrong": 'extern def wrong(text: str) -> int from "tools:wrong"\n',
    "asks": """
fragment asks(question: str, role: bool = false) -> str:
    if role:
        user "asks ${question}"
    else:
        "asks ${question} "
    asked = gen(max_tokens=5)
    return asked
""",
    "nested": """
def nested(q: str, k: int = 1) -> str:
    "N:${q}"
    inner = "none"
    for i in range(k):
        "<${i}>"
        inner = gen(max_tokens=3)
    return inner
""",
    "countdown": """
def countdown(n: int) -> str:
    if n <= 0:
        return "end"
    "${n} "
    down = gen(max_tokens=2)
    return down[:4] + countdown(n - 1)
""",
}

_CALL = re.compile(r"(?<![.\w])(\w+)\(|json=(\w+)")


def surroundings(use: str, body: str) -> str:
    """The beginning of a file whose program is `body`: what it names."""
    used = {name for pair in _CALL.findall(body) for name in pair}
    start = [IMPORT] if "lib." in body else []
    pieces = [text for name, text in PIECES.items() if name in used]
    return "\n".join([*start, use, "", *pieces, ""])

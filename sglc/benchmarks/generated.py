"""
Programs of a given number of statements, the same mix at every size, in both languages.

A program is a sequence of blocks of seventeen statements: text, generations, a choice, roles, an
`if`, a loop and a fork. `ONE` puts all of them into one function, `MANY` three blocks into each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["sgl", "py"]
Shape = Literal["one", "many"]
LANGUAGES: tuple[Language, ...] = ("sgl", "py")
SHAPES: tuple[Shape, ...] = ("one", "many")

BLOCK_STATEMENTS = 17
BLOCKS_PER_FUNCTION = 3


@dataclass(frozen=True, slots=True)
class Generated:
    """A program's text and how many statements are in its functions."""

    language: Language
    text: str
    statements: int


def generate(language: Language, shape: Shape, statements: int) -> Generated:
    """A program of about this many statements: the next whole number of blocks, one at least."""
    blocks = max(1, -(-statements // BLOCK_STATEMENTS))
    per_function = blocks if shape == "one" else BLOCKS_PER_FUNCTION
    head, block = (_SGL_HEAD, _sgl_block) if language == "sgl" else (_PY_HEAD, _py_block)
    parts = ["import sglc as sgl\n" if language == "py" else ""]
    for first in range(0, blocks, per_function):
        numbers = range(first, min(first + per_function, blocks))
        parts.append(head.format(number=first) + "".join(map(block, numbers)))
    return Generated(language, "\n".join(parts), blocks * BLOCK_STATEMENTS)


_SGL_HEAD = 'def program_{number}(topic: str = "tea", limit: int = 3):\n'
_PY_HEAD = '@sgl.function\ndef program_{number}(s, topic="tea", limit=3):\n'


def _sgl_block(k: int) -> str:
    return f"""\
    system "You answer question {k} about ${{topic}} briefly."
    user "What is the most important thing, number {k}?"
    assistant:
        answer_{k} = gen(max_tokens=48, stop="\\n", temperature=0.5)
    "Is that certain? "
    sure_{k} = select(["yes", "no", "maybe"])
    if sure_{k} == "yes":
        "It is certain that ${{answer_{k}}}.\\n"
    else:
        "Think again about ${{topic}} and ${{sure_{k}}}:\\n"
        again_{k} = gen(max_tokens=32)
    for turn_{k} in range(limit):
        "Step ${{turn_{k}}}: "
        step_{k} = gen(max_tokens=16, regex=r"[a-z ]+")
    fork part_{k} in ["taste", "price"] as branch_{k}:
        "About the ${{part_{k}}}: "
        detail_{k} = gen(max_tokens=24)
"""


def _py_block(k: int) -> str:
    return f"""\
    s += sgl.system(f"You answer question {k} about {{topic}} briefly.")
    s += sgl.user("What is the most important thing, number {k}?")
    s += sgl.assistant(sgl.gen("answer_{k}", max_tokens=48, stop="\\n", temperature=0.5))
    s += "Is that certain? "
    s += sgl.select("sure_{k}", choices=["yes", "no", "maybe"])
    if s["sure_{k}"] == "yes":
        s += "It is certain that " + s["answer_{k}"] + ".\\n"
    else:
        s += f"Think again about {{topic}} and {{s['sure_{k}']}}:\\n"
        s += sgl.gen("again_{k}", max_tokens=32)
    for turn_{k} in range(limit):
        s += f"Step {{turn_{k}}}: "
        s += sgl.gen("step_{k}", max_tokens=16, regex=r"[a-z ]+")
    forks_{k} = s.fork(2)
    for branch_{k} in forks_{k}:
        branch_{k} += "About a part: "
        branch_{k} += sgl.gen("detail_{k}", max_tokens=24)
"""

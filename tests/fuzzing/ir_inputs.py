"""Inputs for fuzzing the readers of the IR: dumps of real programs, and what mutation makes."""

from __future__ import annotations

import functools
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sglc.benchmarks.generated import generate
from sglc.diagnostics.core import SglcError
from sglc.frontends.python import lower_file
from sglc.frontends.script import compile_script
from sglc.ir import jsonio
from sglc.ir.core import Module
from sglc.ir.ops import OPS
from sglc.ir.printer import print_module
from sglc.passes.pipeline import DEFAULT

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 1600
"""Characters of a seed: small inputs are tried more often in the same time."""
_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|[%@!^]?[\w.:-]+|\s+|.', re.DOTALL)


@functools.cache
def modules() -> tuple[Module, ...]:
    """Programs of the repository, before and after the passes."""
    found: list[Module] = []
    golden = ROOT / "tests" / "golden" / "ops"
    for path in [*sorted((ROOT / "examples").glob("*.sgl")), *sorted(golden.glob("*.sgl"))]:
        found += _both(lambda p=path: compile_script(p))  # type: ignore[misc]
    for path in [
        *sorted((ROOT / "examples").glob("*.py")),
        *sorted(ROOT.glob("tests/golden/*.py")),
    ]:
        found += _both(lambda p=path: lower_file(p)[0])  # type: ignore[misc]
    text = generate("sgl", "one", 17).text
    found += _both(lambda: compile_script(text, file="generated.sgl"))
    return tuple(m for m in found if m.funcs)


def _both(make: Callable[[], Module]) -> list[Module]:
    try:
        plain, optimised = make(), make()
    except SglcError:
        return []
    DEFAULT.run(optimised)
    return [plain, optimised]


@functools.cache
def texts() -> tuple[str, ...]:
    """The modules as IR text."""
    shown = (print_module(module) for module in modules())
    return tuple(text for text in shown if len(text) <= LONGEST)


@functools.cache
def jsons() -> tuple[str, ...]:
    """The modules as JSON."""
    shown = (jsonio.to_json(module, indent=None) for module in modules())
    return tuple(text for text in shown if len(text) <= 3 * LONGEST)


SNIPPETS = (
    "%s", "%", "@", "@f", '@"', "!1:1-1:2", "!0:0-0:0", "^body", "^then", "cf.yield()",
    "lm.gen(%s)",
    "{", "}", "(", ")", "[", "]", ",", "=", ": state", ": handle", ": list", "null", "true", "-inf",
    "nan", "1e999", "-0.0", "9" * 5000, "\\ud800", "\\q", '"', "//", "\x00", "\r", "\u2028", "é",
    "sglir 2", "func @f() {\n  cf.return() !1:1-1:2\n} !1:1-1:2\n", "[" * 300, "{" * 300,
    "cf.if(%c) ^then {" * 250,
)  # fmt: skip


def mutated_text(rng: random.Random) -> str:
    """IR text with one to four mutations of characters, tokens or lines."""
    text = rng.choice(texts())
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        text = rng.choice(_TEXT_MUTATIONS)(text, rng)
    return text


def random_text(rng: random.Random) -> str:
    """Bytes that have nothing to do with programs, or pieces of them in any order."""
    if rng.random() < 0.5:
        data = bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
        return data.decode("utf-8", errors=rng.choice(["replace", "surrogateescape"]))
    words = [*SNIPPETS, *OPS, "sglir 1", 'module "x"', "func"]
    return " ".join(rng.choice(words) for _ in range(rng.randrange(40)))


def mutated_json(rng: random.Random) -> str:
    """JSON of a module with mutated characters or mutated data."""
    text = rng.choice(jsons())
    if rng.random() < 0.3:
        return rng.choice(_TEXT_MUTATIONS)(text, rng)
    data = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 3))):
        _mutate_data(data, rng)
    return json.dumps(data)


def _characters(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice((0, 1, 1, 2, 5, 20)))
    new = rng.choice(["", *SNIPPETS, chr(rng.randrange(1, 0x250)), text[start:end] * 2])
    return text[:start] + new + text[end:]


def _tokens(text: str, rng: random.Random) -> str:
    """Put one token of the text in another one's place: form mostly stays right."""
    found = _TOKEN.findall(text)
    at = rng.randrange(len(found))
    kind = found[at][0]
    same = [token for token in found if token[0] == kind or rng.random() < 0.01]
    found[at] = rng.choice(same)
    return "".join(found)


def _lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case 3:
            lines.insert(to, lines.pop(at))
    return "\n".join(lines)


_TEXT_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _characters,
    _tokens,
    _tokens,
    _tokens,
    _lines,
    _lines,
)


def _mutate_data(data: Any, rng: random.Random) -> None:
    """Change one place somewhere in JSON data."""
    places: list[tuple[Any, Any]] = []
    stack = [data]
    while stack:
        found = stack.pop()
        if isinstance(found, dict | list):
            keys = list(found) if isinstance(found, dict) else range(len(found))
            places += [(found, key) for key in keys]
            stack += [found[key] for key in keys]
    holder, key = rng.choice(places)
    other, other_key = rng.choice(places)
    new = rng.choice(
        [None, True, 0, -1, 10**400, 1.5, "", "%s", "lm.gen", [], {}, {"$symbol": "f"},
         {"$float": "x"}, {"$dict": [["a"]]}, [[1]]]
    )  # fmt: skip
    match rng.randrange(4):
        case 0:
            holder[key] = new
        case 1:
            del holder[key]
        case 2:
            holder[key] = json.loads(json.dumps(other[other_key]))
        case 3 if isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(holder[key])))

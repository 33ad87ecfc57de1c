"""
The constant text that a prompt starts with from a point of the program on.

Text is a list of segments, strings and role marks, because what a role mark stands for depends on
the chat template of the model. Works on handles and on promoted states.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sglc.ir.attrs import same
from sglc.ir.core import Attr, Func, Module, Op, Region, Value
from sglc.ir.ops import OPS
from sglc.passes.effects import callee_of, names_value
from sglc.passes.places import Places

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(slots=True)
class Leading:
    """Constant segments, and whether the whole stretch that was looked at is constant."""

    segments: list[Attr] = field(default_factory=list)
    """Strings, `{"role_begin": role}` and `{"role_end": role}`."""
    complete: bool = True
    """False once something was met whose text is not known before the program runs."""

    def add(self, segment: Attr) -> None:
        """Append a segment; neighbouring strings become one, empty ones vanish."""
        last = self.segments[-1] if self.segments else None
        if isinstance(segment, str) and isinstance(last, str):
            self.segments[-1] = last + segment
        elif segment != "":
            self.segments.append(segment)

    def stop(self) -> None:
        """What follows is not constant."""
        self.complete = False

    @property
    def text(self) -> str:
        """The text before the first role mark."""
        first = self.segments[0] if self.segments else ""
        return first if isinstance(first, str) else ""


def of_function(module: Module, func: Func, places: Places | None = None) -> Leading:
    """What the function's own prompt starts with: its prompt parameter or its first `lm.new`."""
    prompt = prompt_of(func)
    if prompt is None:
        return Leading(complete=False)
    after = prompt.owner if isinstance(prompt.owner, Op) else None
    return of_region(module, places or Places(func), func.body, prompt, after=after)


def prompt_of(func: Func) -> Value | None:
    """The prompt that the function works on, or None when it has none."""
    for param in func.params:
        if param.type in ("handle", "state"):
            return param
    return next((op.results[0] for op in func.body.ops if op.name == "lm.new"), None)


def of_region(
    module: Module,
    places: Places,
    region: Region,
    prompt: Value,
    *,
    after: Op | None = None,
    before: Op | None = None,
    calls: tuple[str, ...] = (),
) -> Leading:
    """What the region's ops between `after` and `before` (or its ends) append to `prompt`."""
    found = Leading()
    current = prompt
    steps = deque(_later(places, current, after))
    while steps and found.complete:
        op = steps.popleft()
        own = places.within(region, op)
        if own is None:
            continue
        if before is not None and places.order[own] >= places.order[before]:
            break
        if own is not op or names_value(op, current):
            found.stop()  # appended to inside a region: how often is not known here
        elif not OPS[op.name].terminator:
            _append(module, op, current, found, calls)
            if current.type == "state" and OPS[op.name].moves:
                current = op.results[0]
                steps = deque(_later(places, current, op))
    return found


def _later(places: Places, prompt: Value, after: Op | None) -> list[Op]:
    """Operations after `after` that use a prompt, and the first host code that names it."""
    start = -1 if after is None else places.order[after]
    users = [op for op in prompt.users if places.order[op] > start]
    named = places.next_naming(prompt, start)
    return sorted({*users, *named}, key=places.order.__getitem__)


def _append(module: Module, op: Op, current: Value, found: Leading, calls: tuple[str, ...]) -> None:
    if op.operands[0] is not current or current in op.operands[1:]:
        found.stop()
        return
    match op.name:
        case "lm.text":
            _append_text(op, found)
        case "lm.append" if isinstance(text := constant(op.operands[1]), str):
            found.add(text)
        case "lm.role_begin" | "lm.role_end" if isinstance(role := op.attrs.get("role"), str):
            found.add({op.name.removeprefix("lm."): role})
        case "lm.read" | "lm.observe":
            pass
        case "lm.fork":
            pass  # branches work on copies
        case "cf.call":
            _append_call(module, op, found, calls)
        case _:
            found.stop()


def _append_text(op: Op, found: Leading) -> None:
    texts = op.attrs["text"]
    assert isinstance(texts, tuple)
    for position, text in enumerate(texts):
        assert isinstance(text, str)
        if position:
            value = constant(op.operands[position])
            if not isinstance(value, str):
                found.stop()
                return
            found.add(value)
        found.add(text)


def _append_call(module: Module, op: Op, found: Leading, calls: tuple[str, ...]) -> None:
    callee = callee_of(module, op)
    prompt = prompt_of(callee) if callee is not None else None
    if callee is None or prompt is None or callee.name in calls or prompt.owner is not callee.body:
        found.stop()
        return
    inner = of_region(module, Places(callee), callee.body, prompt, calls=(*calls, callee.name))
    for segment in inner.segments:
        found.add(segment)
    if not inner.complete:
        found.stop()


def constant(value: Value) -> Attr:
    """The value of an `ex.const`, or None."""
    made_by = value.owner
    if isinstance(made_by, Op) and made_by.name == "ex.const":
        return made_by.attrs.get("value")
    return None


def common(all_segments: Sequence[Sequence[Attr]]) -> list[Attr]:
    """The longest list of segments that every one of the given lists starts with."""
    if not all_segments:
        return []
    shared = list(all_segments[0])
    for segments in all_segments[1:]:
        shared = _common_two(shared, segments)
    return shared


def _common_two(a: Sequence[Attr], b: Sequence[Attr]) -> list[Attr]:
    shared: list[Attr] = []
    for x, y in zip(a, b, strict=False):
        if same(x, y):
            shared.append(x)
            continue
        if isinstance(x, str) and isinstance(y, str):
            length = next(
                (i for i, (c, d) in enumerate(zip(x, y, strict=False)) if c != d),
                min(len(x), len(y)),
            )
            if length:
                shared.append(x[:length])
        break
    return shared


def size(segments: Iterable[Attr]) -> tuple[int, int]:
    """Characters and estimated tokens (words and signs) of the segments' text."""
    texts = [s for s in segments if isinstance(s, str)]
    return sum(map(len, texts)), sum(len(_WORD.findall(t)) for t in texts)

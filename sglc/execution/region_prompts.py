"""Steps of a region program that concern prompts: the `lm` ops of a Python function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc.execution.interpreter_frame import plain
from sglc.execution.pending import Pending
from sglc.execution.region_program import OpenRead, RegionFrame, Waiting
from sglc.ir.core import Op, Symbol, Value
from sglc.language.sampling import GenParams

_GEN_FIELDS = {"max_tokens": "max_new_tokens", "min_tokens": "min_new_tokens"}
NO_LOC = "an op of a Python function has a place"


class NoRegionError(Exception):
    """An op that region programs do not run; the message names it."""


class PromptSteps:
    """Makes a step of an `lm` op: whether it may wait, and the step itself."""

    def _lm_text(self, op: Op) -> tuple[bool, Any]:
        prompt, *values = op.operands
        constants = [str(text) for text in names_in(op, "text")]
        numbers = op.attrs.get("format", "sgl") != "str"

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            parts: list[str | Pending[str]] = [constants[0]]
            for value, constant in zip(values, constants[1:], strict=True):
                part = frame.env[value]
                parts.append(str(part) if numbers and not isinstance(part, Pending) else part)
                parts.append(constant)
            handle.text(parts)

        return False, step

    def _lm_append(self, op: Op) -> tuple[bool, Any]:
        prompt, value = op.operands

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            handle.append(frame.env[value], place_of(frame, op))

        return False, step

    def _lm_role_begin(self, op: Op) -> tuple[bool, Any]:
        prompt, role = only_operand(op), str(op.attrs["role"])

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            handle.role_begin(role, place_of(frame, op))

        return False, step

    def _lm_role_end(self, op: Op) -> tuple[bool, Any]:
        prompt, role = only_operand(op), op.attrs.get("role")

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            handle.role_end(None if role is None else str(role), place_of(frame, op))

        return False, step

    def _lm_gen(self, op: Op) -> tuple[bool, Any]:
        if "dtype" in op.attrs or isinstance(op.attrs.get("json_schema"), Symbol | Mapping):
            raise NoRegionError("lm.gen with a type")  # a backend gets the type the user wrote
        prompt, *operands = op.operands
        names = [str(name) for name in names_in(op, "args")]
        fixed = {
            _GEN_FIELDS.get(name, name): plain(value)
            for name, value in op.attrs.items()
            if name not in ("args", "name")
        }
        label = op.attrs.get("name")
        known = None if set(names) - {"name"} else GenParams(**fixed)  # type: ignore[arg-type]

        def step(frame: RegionFrame) -> None:
            handle, name, params = frame.env[prompt], label, known
            given = {n: frame.env[v] for n, v in zip(names, operands, strict=True)}
            if "name" in given:
                name = given.pop("name")
            if params is None:
                changed = {_GEN_FIELDS.get(n, n): v for n, v in given.items()}
                params = GenParams(**{**fixed, **changed})
            frame.touch(handle)
            frame.env[op.results[0]] = handle.gen(name, params, place_of(frame, op))

        return False, step

    def _lm_select(self, op: Op) -> tuple[bool, Any]:
        prompt, *operands = op.operands
        names = [str(name) for name in names_in(op, "args")]
        fixed = {n: plain(v) for n, v in op.attrs.items() if n != "args"}
        if "choices_method" in {*fixed, *names}:
            raise NoRegionError("lm.select with a method")

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            given: dict[str, Any] = {
                **fixed,
                **{n: frame.env[v] for n, v in zip(names, operands, strict=True)},
            }
            frame.touch(handle)
            frame.env[op.results[0]] = handle.select(
                given.get("name"),
                given["choices"],
                None,
                given.get("temperature") or 0.0,
                place_of(frame, op),
            )

        return False, step

    def _lm_fork(self, op: Op) -> tuple[bool, Any]:
        prompt, *sizes = op.operands
        constant = op.attrs.get("size")
        common = str(op.attrs.get("common", ""))

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            size = frame.env[sizes[0]] if sizes else constant
            frame.env[op.results[0]] = handle.fork(size, common=common)

        return False, step

    def _lm_item(self, op: Op) -> tuple[bool, Any]:
        group, index = op.operands

        def step(frame: RegionFrame) -> None:
            frame.env[op.results[0]] = frame.env[group][frame.env[index]]

        return False, step

    def _lm_join(self, op: Op) -> tuple[bool, Any]:
        prompt, group = op.operands
        mode = str(op.attrs["mode"])
        if mode != "concate_and_append":
            raise NoRegionError(f"lm.join of {mode}")  # warns, in the caller's name

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            handle.join(frame.env[group], mode)

        return False, step

    def _lm_read(self, op: Op) -> tuple[bool, Any]:
        prompt, *names = op.operands
        result, loc, later = op.results[0], op.loc, _only_text_needs(op)
        assert loc is not None, NO_LOC
        constant = op.attrs.get("name")

        def step(frame: RegionFrame) -> Waiting:
            handle = frame.env[prompt]
            name = frame.env[names[0]] if names else constant
            value = handle.peek(name)
            if isinstance(value, Pending):
                open_ = later and frame.deferred and not value.done()
                if open_ and handle.is_text(name, value):
                    frame.open.append(OpenRead(value, loc))
                else:
                    value = yield from frame.value(value, loc)
            frame.env[result] = value
            return None

        return True, step


def place_of(frame: RegionFrame, op: Op) -> tuple[str, int]:
    assert op.loc is not None, NO_LOC
    return (frame.file, op.loc.line)


def only_operand(op: Op) -> Value:
    if len(op.operands) != 1:
        raise NoRegionError(f"{op.name} with values of its own")
    return op.operands[0]


def names_in(op: Op, name: str) -> tuple[Any, ...]:
    value = op.attrs.get(name, ())
    assert isinstance(value, tuple)
    return value


def _only_text_needs(read: Op) -> bool:
    """Whether a read's value goes into text alone, before anything else moves a prompt."""
    value = read.results[0]
    uses = value.uses
    if len(uses) != 1 or uses[0].name != "lm.text" or uses[0].attrs.get("format") != "str":
        return False
    return _next_move(read) is uses[0]


def _next_move(read: Op) -> Op | None:
    """The first op after a read, in its region, that is more than a read or a value."""
    region = read.parent
    assert region is not None
    for op in region.ops[region.ops.index(read) + 1 :]:
        if op.name not in ("lm.read", "py.eval") and not op.name.startswith("ex."):
            return op
    return None

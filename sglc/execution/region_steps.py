"""The steps of a region program: each op of a Python function's IR as a function over a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.execution.interpreter_frame import plain
from sglc.execution.pending import Pending
from sglc.execution.region_program import (
    Block,
    OpenRead,
    RegionFrame,
    Waiting,
    arrive,
    run_block,
)
from sglc.execution.values import NeedsValueError
from sglc.expressions.evaluate import evaluate, identity, parsed
from sglc.expressions.values import ValueLimits
from sglc.ir.core import Op, Region, Symbol, Value
from sglc.language.sampling import GenParams


@dataclass(frozen=True, slots=True)
class Piece:
    """
    Host code, over the frame's variables and the op's operands.

    `run` of a `py.eval` gives its value; of a `py.exec` a pair: new variables by name, and its
    results in order.
    """

    run: Callable[[Mapping[str, Any], list[Any]], Any]
    waits: bool = False
    """It may raise NeedsValueError for a value that is not there, before it has done anything."""
    moves: bool = False
    """It may change a prompt."""


_UNBOUNDED = ValueLimits(1 << 62, 1 << 62, 1 << 62)
_GEN_FIELDS = {"max_tokens": "max_new_tokens", "min_tokens": "min_new_tokens"}
_NO_LOC = "an op of a Python function has a place"


class NoRegionError(Exception):
    """An op that region programs do not run; the message names it."""


class StepMaker:
    """Turns regions into blocks; raises NoRegionError for what it does not know."""

    def __init__(self, pieces: Mapping[int, Piece]) -> None:
        self._pieces = pieces

    def block(self, region: Region) -> Block:
        """A region's ops as steps."""
        steps = []
        for op in region.ops:
            maker = getattr(self, "_" + op.name.replace(".", "_"), None)
            if maker is None:
                raise NoRegionError(op.name)
            step = maker(op)
            if step is not None:
                steps.append(step)
        return tuple(steps)

    # Prompts

    def _lm_text(self, op: Op) -> tuple[bool, Any]:
        prompt, *values = op.operands
        constants = [str(text) for text in _tuple(op, "text")]
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
            handle.append(frame.env[value], _place(frame, op))

        return False, step

    def _lm_role_begin(self, op: Op) -> tuple[bool, Any]:
        prompt, role = _only(op), str(op.attrs["role"])

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            handle.role_begin(role, _place(frame, op))

        return False, step

    def _lm_role_end(self, op: Op) -> tuple[bool, Any]:
        prompt, role = _only(op), op.attrs.get("role")

        def step(frame: RegionFrame) -> None:
            handle = frame.env[prompt]
            frame.touch(handle)
            handle.role_end(None if role is None else str(role), _place(frame, op))

        return False, step

    def _lm_gen(self, op: Op) -> tuple[bool, Any]:
        if "dtype" in op.attrs or isinstance(op.attrs.get("json_schema"), Symbol | Mapping):
            raise NoRegionError("lm.gen with a type")  # a backend gets the type the user wrote
        prompt, *operands = op.operands
        names = [str(name) for name in _tuple(op, "args")]
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
            frame.env[op.results[0]] = handle.gen(name, params, _place(frame, op))

        return False, step

    def _lm_select(self, op: Op) -> tuple[bool, Any]:
        prompt, *operands = op.operands
        names = [str(name) for name in _tuple(op, "args")]
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
                _place(frame, op),
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
        assert loc is not None, _NO_LOC
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

    # Values

    def _ex_const(self, op: Op) -> tuple[bool, Any]:
        value = plain(op.attrs["value"])

        def step(frame: RegionFrame) -> None:
            frame.env[op.results[0]] = value

        return False, step

    def _ex_eval(self, op: Op) -> tuple[bool, Any]:
        names = [str(name) for name in _tuple(op, "names")]
        expr = parsed(str(op.attrs["src"]))

        def step(frame: RegionFrame) -> None:
            values = {n: frame.env[v] for n, v in zip(names, op.operands, strict=True)}
            frame.env[op.results[0]] = evaluate(expr, values, identity, _UNBOUNDED)

        return False, step

    def _py_eval(self, op: Op) -> tuple[bool, Any]:
        piece, operands, result = self._piece(op), op.operands, op.results[0]

        def step(frame: RegionFrame) -> None:
            frame.env[result] = piece.run(frame.variables, [frame.env[v] for v in operands])

        return self._waiting(piece, step)

    def _py_exec(self, op: Op) -> tuple[bool, Any]:
        piece, operands, results = self._piece(op), op.operands, op.results

        def step(frame: RegionFrame) -> None:
            made = piece.run(frame.variables, [frame.env[v] for v in operands])
            frame.variables.update(made[0])
            for result, value in zip(results, made[1], strict=True):
                frame.env[result] = value

        return self._waiting(piece, step)

    def _piece(self, op: Op) -> Piece:
        number = op.attrs["piece"]
        assert isinstance(number, int)
        return self._pieces[number]

    @staticmethod
    def _waiting(piece: Piece, step: Callable[[RegionFrame], None]) -> tuple[bool, Any]:
        """A step that is run again when a value has come that it needed."""
        if not piece.waits and not piece.moves:
            return False, step

        def waiting(frame: RegionFrame) -> Waiting:
            if piece.moves and frame.open:
                yield from frame.settle()
            while True:
                try:
                    step(frame)
                    return None
                except NeedsValueError as need:
                    pending = need.pending
                # A failure is raised by the piece itself, at its own line.
                if frame.open:
                    yield from frame.settle()
                yield from arrive(pending)

        return True, waiting

    # Control flow

    def _cf_if(self, op: Op) -> tuple[bool, Any]:
        condition = _only(op)
        then, other = self._labelled(op, "then"), self._labelled(op, "else")

        def step(frame: RegionFrame) -> Waiting:
            block = then if frame.env[condition] else other
            return (yield from run_block(frame, block)) if block else None

        return True, step

    def _cf_while(self, op: Op) -> tuple[bool, Any]:
        if op.operands or op.results:
            raise NoRegionError("a loop that carries values")
        cond = op.region("cond")
        assert cond is not None
        assert cond.terminator is not None
        if cond.terminator.name != "cf.condition":
            raise NoRegionError(cond.terminator.name)
        test, before = cond.terminator.operands[0], self._labelled(op, "cond")
        body, final = self._labelled(op, "body"), self._labelled(op, "else")

        def step(frame: RegionFrame) -> Waiting:
            while True:
                yield from run_block(frame, before)
                if not frame.env[test]:
                    return (yield from run_block(frame, final)) if final else None
                signal = yield from run_block(frame, body)
                if signal == "cf.break":
                    return None
                if signal == "cf.return":
                    return signal

        return True, step

    def _cf_for(self, op: Op) -> tuple[bool, Any]:
        region = op.region("body")
        assert region is not None
        if len(op.operands) > 1 or op.results:
            raise NoRegionError("a loop that carries values")
        source, item = op.operands[0], region.args[0]
        body, final = self._labelled(op, "body"), self._labelled(op, "else")

        def step(frame: RegionFrame) -> Waiting:
            for value in frame.env[source]:
                frame.env[item] = value
                signal = yield from run_block(frame, body)
                if signal == "cf.break":
                    return None
                if signal == "cf.return":
                    return signal
            return (yield from run_block(frame, final)) if final else None

        return True, step

    def _cf_try(self, op: Op) -> tuple[bool, Any]:
        """A role's block: its end closes the role, however the body ends."""
        if [region.label for region in op.regions] != ["body", "finally"]:
            raise NoRegionError("cf.try with handlers")
        body, final = self._labelled(op, "body"), self._labelled(op, "finally")
        if any(waits for waits, _ in final):
            raise NoRegionError("cf.try that waits at its end")

        def step(frame: RegionFrame) -> Waiting:
            # A read before the block fails outside of it.
            if frame.open:
                yield from frame.settle()
            try:
                signal = yield from run_block(frame, body)
                if frame.open:
                    yield from frame.settle()
            finally:
                for _, end in final:
                    end(frame)
            return signal

        return True, step

    def _cf_return(self, op: Op) -> tuple[bool, Any]:
        value = op.operands[0] if op.operands else None

        def step(frame: RegionFrame) -> Waiting:
            if frame.open:
                yield from frame.settle()
            frame.result = frame.env[value] if value is not None else None
            return "cf.return"

        return True, step

    def _cf_break(self, op: Op) -> tuple[bool, Any]:
        return _leave(op)

    def _cf_continue(self, op: Op) -> tuple[bool, Any]:
        return _leave(op)

    def _cf_yield(self, op: Op) -> None:
        if op.operands:
            raise NoRegionError("a region that yields values")

    def _cf_condition(self, op: Op) -> None:
        if len(op.operands) > 1:
            raise NoRegionError("a loop that carries values")

    def _labelled(self, op: Op, label: str) -> Block:
        region = op.region(label)
        return self.block(region) if region is not None else ()


def _leave(op: Op) -> tuple[bool, Any]:
    def step(frame: RegionFrame) -> Waiting:
        yield from ()
        return op.name

    return True, step


def _place(frame: RegionFrame, op: Op) -> tuple[str, int]:
    assert op.loc is not None, _NO_LOC
    return (frame.file, op.loc.line)


def _only(op: Op) -> Value:
    if len(op.operands) != 1:
        raise NoRegionError(f"{op.name} with values of its own")
    return op.operands[0]


def _tuple(op: Op, name: str) -> tuple[Any, ...]:
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

"""The steps of a region program: each op of a Python function's IR as a function over a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.execution.interpreter_frame import plain
from sglc.execution.pending import arrive
from sglc.execution.region_program import (
    Block,
    RegionFrame,
    Waiting,
    run_block,
)
from sglc.execution.region_prompts import NoRegionError, PromptSteps, names_in, only_operand
from sglc.execution.values import NeedsValueError
from sglc.expressions.evaluate import evaluate, identity, parsed
from sglc.expressions.values import ValueLimits
from sglc.ir.core import Op, Region


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


class StepMaker(PromptSteps):
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

    # Values

    def _ex_const(self, op: Op) -> tuple[bool, Any]:
        value = plain(op.attrs["value"])

        def step(frame: RegionFrame) -> None:
            frame.env[op.results[0]] = value

        return False, step

    def _ex_eval(self, op: Op) -> tuple[bool, Any]:
        names = [str(name) for name in names_in(op, "names")]
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
        condition = only_operand(op)
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

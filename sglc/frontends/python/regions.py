"""Bodies without host code as region programs: lowered to IR, which the driver interprets."""

from __future__ import annotations

import types
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.region_program import RegionProgram, raiser
from sglc.execution.region_prompts import NoRegionError
from sglc.execution.region_steps import StepMaker
from sglc.frontends.python.frame import Frame
from sglc.frontends.python.host_pieces import PieceMaker, RegionState
from sglc.frontends.python.lower import function_frame, new_module
from sglc.frontends.python.names import LiveNames
from sglc.frontends.python.scope import analyse
from sglc.frontends.python.source import FunctionSource
from sglc.ir.core import Op, Region


@dataclass(frozen=True, slots=True)
class RegionBody:
    """A body that the region interpreter runs."""

    program: RegionProgram
    state: str
    names: LiveNames
    """What lowering relied on."""

    def strand(
        self, handle: Handle, values: Mapping[str, Any]
    ) -> Generator[Pending[Any], Any, Any] | None:
        """The body as a strand over arguments and outside values; None where names changed."""
        if self.names.broken():
            return None
        variables = {self.state: RegionState(handle), **values}
        return self.program.run(self.state, handle, variables)


def region_body(source: FunctionSource, function: types.FunctionType) -> RegionBody | None:
    """A function's body as a region program, or None when its IR has more than these run."""
    names = LiveNames(function)
    frame = function_frame(new_module(source.file), source, analyse(source, names), frozenset())
    try:
        return RegionBody(_program(frame, function, names), frame.scope.state, names)
    except NoRegionError:
        return None


def _program(frame: Frame, function: types.FunctionType, names: LiveNames) -> RegionProgram:
    maker = PieceMaker(frame.scope, function, names)
    pieces = {}
    for op in _all_ops(frame.func.body):
        number = op.attrs.get("piece")
        if isinstance(number, int):
            pieces[number] = maker.make(op, frame.pieces[number])
    return RegionProgram(
        function.__code__.co_filename,
        raiser(function.__code__),
        dict(zip(frame.scope.parameters, frame.func.params, strict=True)),
        StepMaker(pieces).block(frame.func.body),
    )


def _all_ops(region: Region) -> list[Op]:
    found: list[Op] = []
    todo = [region]
    while todo:
        for op in todo.pop().ops:
            found.append(op)
            todo.extend(op.regions)
    return found

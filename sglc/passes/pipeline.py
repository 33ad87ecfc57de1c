"""Pipelines of passes: their text form, and running them with checks between passes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sglc.diagnostics.core import Diagnostic
from sglc.diagnostics.suggest import did_you_mean
from sglc.ir.core import Module
from sglc.ir.verifier import verify as verify_module
from sglc.passes.base import BAD_PIPELINE, UNKNOWN_PASS, Pass, pass_error
from sglc.passes.fork_parallel import ForkParallel
from sglc.passes.prefix_hoist import PrefixHoist
from sglc.passes.promote import Promote

Remark = Diagnostic
"""A diagnostic with severity `remark`."""

PASSES: dict[str, type[Pass]] = {p.name: p for p in (Promote, PrefixHoist, ForkParallel)}
"""Every pass by name."""

_ITEM = re.compile(r"\s*([\w-]+)\s*(?:\{([^{}]*)\})?\s*(,|\Z)")
_OPTION = re.compile(r"([\w-]+)=([^\s,]+)\Z")


@dataclass(frozen=True, slots=True)
class PassRun:
    """One pass that has run."""

    changed: bool
    seconds: float
    """Wall time of the pass without verification."""
    remarks: tuple[Remark, ...]


After = Callable[[Pass, Module, PassRun], None]
"""Called after each pass, once the module was verified: for printing, timing, counting."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Passes in the order in which they run."""

    passes: tuple[Pass, ...] = ()

    @staticmethod
    def parse(text: str) -> Pipeline:
        """
        The pipeline that `name{option=value option=value},name` describes; empty text is none.

        Raises `PassError` for bad syntax, unknown passes and unknown or bad options.
        """
        passes: list[Pass] = []
        position = 0
        while text[position:].strip():
            match = _ITEM.match(text, position)
            if match is None or (match[3] == "," and not text[match.end() :].strip()):
                where = text[position:].strip()
                message = f"a pass was expected at `{where}` in the pipeline `{text}`"
                raise pass_error(BAD_PIPELINE, message, "write `promote,prefix-hoist{min-chars=8}`")
            passes.append(_one(match[1], match[2] or ""))
            position = match.end()
        return Pipeline(tuple(passes))

    def without(self, name: str) -> Pipeline:
        """This pipeline less every pass of that name. Raises `PassError` for unknown names."""
        _lookup(name)
        return Pipeline(tuple(p for p in self.passes if p.name != name))

    def run(
        self, module: Module, *, verify: bool = True, after: After | None = None
    ) -> list[Remark]:
        """Run all passes on the module, in place, verifying it before the first and after each."""
        remarks: list[Remark] = []
        if verify:
            verify_module(module)
        for one in self.passes:
            start = time.perf_counter()
            result = one.apply(module)
            seconds = time.perf_counter() - start
            if verify and result.changed:
                verify_module(module)
            remarks += result.remarks
            if after is not None:
                after(one, module, PassRun(result.changed, seconds, result.remarks))
        return remarks

    def __str__(self) -> str:
        return ",".join(str(p) for p in self.passes)


def _lookup(name: str) -> type[Pass]:
    if name not in PASSES:
        raise pass_error(UNKNOWN_PASS, f"unknown pass `{name}`", *did_you_mean(name, PASSES))
    return PASSES[name]


def _one(name: str, options: str) -> Pass:
    cls = _lookup(name)
    given: dict[str, str] = {}
    for item in options.replace(",", " ").split():
        match = _OPTION.match(item)
        if match is None:
            message = f"`{item}` is no option of pass `{name}`"
            raise pass_error(BAD_PIPELINE, message, "write options as `name=value`")
        if match[1] in given:
            raise pass_error(BAD_PIPELINE, f"option `{match[1]}` of pass `{name}` is given twice")
        given[match[1]] = match[2]
    return cls.from_options(given)


DEFAULT = Pipeline((Promote(), PrefixHoist(), ForkParallel()))
"""What `sglc` runs unless told otherwise."""

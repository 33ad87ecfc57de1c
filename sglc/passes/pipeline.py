"""Pipelines of passes: their text form, and running them between phases' checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sglc.diagnostics.suggest import did_you_mean
from sglc.ir.core import Module
from sglc.passes.base import UNKNOWN_PASS, OptionError, Pass, pass_error
from sglc.passes.fork_parallel import ForkParallel
from sglc.passes.instrumentation import Instrumentation, Phase, Product, Remark
from sglc.passes.pipeline_text import Item, Source, Word, read
from sglc.passes.prefix_hoist import PrefixHoist
from sglc.passes.promote import Promote

PASSES: dict[str, type[Pass]] = {p.name: p for p in (Promote, PrefixHoist, ForkParallel)}
"""Every pass by name."""
FIRST = 2
"""Number of a pipeline's first pass among the phases, after `parse` and `lower`."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Passes in the order in which they run."""

    passes: tuple[Pass, ...] = ()

    @staticmethod
    def parse(text: str) -> Pipeline:
        """
        The pipeline that `name{option=value option=value},name` describes; empty text is none.

        Raises `PassError`, with the place in the text, for bad syntax, unknown passes and unknown
        or bad options.
        """
        source = Source(text)
        return Pipeline(tuple(_one(source, item) for item in read(source)))

    def without(self, name: str) -> Pipeline:
        """This pipeline less every pass of that name. Raises `PassError` for unknown names."""
        if name not in PASSES:
            raise pass_error(UNKNOWN_PASS, f"unknown pass `{name}`", *_similar(name))
        return Pipeline(tuple(p for p in self.passes if p.name != name))

    def phases(self) -> tuple[Phase, ...]:
        """The passes as phases; the second `promote` is called `promote.2`."""
        return tuple(
            Phase(name, number, _work(one))
            for number, (name, one) in enumerate(
                zip(_distinct(self.passes), self.passes, strict=True), FIRST
            )
        )

    def run(
        self, module: Module, between: Instrumentation | None = None, *, verify: bool = True
    ) -> list[Remark]:
        """
        Run all passes on the module, in place, and return their remarks.

        `between` says what happens after each; by default the module is verified before the first
        pass and after each that changed it, unless `verify` is false.
        """
        chosen = Instrumentation(verify=verify) if between is None else between
        return chosen.run(self.phases(), Product(module)).remarks

    def __str__(self) -> str:
        return ",".join(str(p) for p in self.passes)


def _distinct(passes: tuple[Pass, ...]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for one in passes:
        counts[one.name] = counts.get(one.name, 0) + 1
        yield one.name if counts[one.name] == 1 else f"{one.name}.{counts[one.name]}"


def _work(one: Pass) -> Callable[[Any], Product]:
    def work(module: Any) -> Product:
        result = one.apply(module)
        return Product(module, result.changed, result.remarks)

    return work


def _similar(name: str) -> tuple[str, ...]:
    listed = ", ".join(f"`{known}`" for known in PASSES)
    return did_you_mean(name, PASSES) or (f"passes are {listed}",)


def _one(source: Source, item: Item) -> Pass:
    name = item.name.text
    if name not in PASSES:
        message = f"unknown pass `{name}`"
        raise source.error(UNKNOWN_PASS, message, item.name, *_similar(name))
    try:
        return PASSES[name].from_options({n.text: value.text for n, value in item.options})
    except OptionError as error:
        given, value = next(pair for pair in item.options if pair[0].text == error.option)
        (found,) = error.diagnostics
        word: Word = value if error.on_value else given
        raise source.error(found.code, found.message, word, *found.helps) from None


DEFAULT = Pipeline((Promote(), PrefixHoist(), ForkParallel()))
"""What `sglc` runs unless told otherwise."""

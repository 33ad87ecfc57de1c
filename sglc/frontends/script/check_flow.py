"""
What is known about variables at a point of a function.

Blocks write into layers of their own, so that joining two ways costs what they changed and not what
the function has: checking stays linear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sglc.expressions.problem import Mark, Problem
from sglc.frontends.script.check_kinds import Types, union
from sglc.ir.core import Loc


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about one variable."""

    certain: bool = True
    """It is surely set."""
    types: Types = None
    unread: Loc | None = None
    """The generation that surely set it, as long as nothing has read it."""
    sources: frozenset[Loc] | None = frozenset()
    """The generations that may have set it; None where that is not known."""


@dataclass(slots=True, eq=False)
class Known:
    """Facts by name; a layer over those of the block around."""

    outer: Known | None = None
    own: dict[str, Fact] = field(default_factory=dict)

    def get(self, name: str) -> Fact | None:
        """What is known about a name, None if it is not set on any way."""
        layer: Known | None = self
        while layer is not None:
            if name in layer.own:
                return layer.own[name]
            layer = layer.outer
        return None

    def names(self) -> set[str]:
        """Every name that may be set."""
        found = set(self.own)
        layer = self.outer
        while layer is not None:
            found |= layer.own.keys()
            layer = layer.outer
        return found

    def layer(self) -> Known:
        """For a block inside."""
        return Known(self)

    def set(self, name: str, types: Types = None, unread: Loc | None = None) -> None:
        """The variable is assigned."""
        sources = frozenset() if unread is None else frozenset({unread})
        self.own[name] = Fact(True, types, unread, sources)

    def read(self, name: str) -> None:
        """The variable is read."""
        fact = self.get(name)
        if fact is not None and fact.unread is not None:
            self.own[name] = replace(fact, unread=None)

    def blur(self, names: Iterable[str]) -> None:
        """These variables may be assigned, any number of times."""
        for name in names:
            fact = self.get(name)
            self.own[name] = Fact(fact is not None and fact.certain, sources=None)

    def since(self, base: Known) -> dict[str, Fact]:
        """What the layers down to `base`, without it, say; the innermost counts."""
        found: dict[str, Fact] = {}
        layer: Known | None = self
        while layer is not None and layer is not base:
            found = {**layer.own, **found}
            layer = layer.outer
        return found

    def join(self, ways: Iterable[Mapping[str, Fact] | None]) -> bool:
        """
        Go on after the ways that lead here, each given by what it changed; None is no way.

        Returns whether there is a way at all.
        """
        taken = [way for way in ways if way is not None]
        before: dict[str, Fact | None] = {n: self.get(n) for way in taken for n in way}
        for name, fact in before.items():
            self.own[name] = _meet([way.get(name, fact) for way in taken])
        return bool(taken)


def _meet(facts: list[Fact | None]) -> Fact:
    present = [fact for fact in facts if fact is not None]
    sources = [fact.sources for fact in present]
    known = [each for each in sources if each is not None]
    unread = {None if fact is None else fact.unread for fact in facts}
    return Fact(
        len(present) == len(facts) and all(fact.certain for fact in present),
        union(*(fact.types for fact in present)),
        next(iter(unread)) if len(unread) == 1 else None,
        frozenset().union(*known) if len(known) == len(sources) else None,
    )


@dataclass(slots=True, eq=False)
class Answers:
    """Which generations of a function are lost: set again before anything reads them."""

    lost: dict[Loc, tuple[str, Loc]] = field(default_factory=dict)
    """The variable, and where it is surely set again, by the generation."""
    seen: set[Loc] = field(default_factory=set)
    """Generations that are read on some way."""
    unclear: set[str] = field(default_factory=set)
    """Variables that are read where it is not known which generation set them."""

    def read(self, name: str, fact: Fact) -> None:
        """A variable is read."""
        if fact.sources is None:
            self.unclear.add(name)
        else:
            self.seen |= fact.sources

    def overwrite(self, name: str, fact: Fact, place: Loc) -> None:
        """A variable is set again."""
        if fact.unread is not None:
            self.lost.setdefault(fact.unread, (name, place))

    def problems(self) -> Iterator[Problem]:
        """What no way reads."""
        for answer, (name, place) in self.lost.items():
            if answer in self.seen or name in self.unclear:
                continue
            yield Problem(
                "SGL0230",
                f"`{name}` is generated and set again before it is read",
                place,
                "set again",
                marks=(Mark(answer, "this answer is lost"),),
                helps=("use another name, or write the `gen` without one",),
                severity="warning",
            )

"""What is known at one point of a body: types, sizes of forks, variables of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SCALARS = frozenset({"str", "int", "float", "bool", "none"})


class NotSilentError(Exception):
    """The body has to run on a thread."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at one point: types of locals, sizes of forks, variables of prompts."""

    types: Mapping[str, str]
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For a prompt's or fork's local name, variables that certainly exist, with their types."""
    bounds: Mapping[str, str] = field(default_factory=dict)
    """For an int local, the size it is certainly below; for a fork, its size."""

    def with_type(self, name: str, type: str) -> Known:
        """After binding a local."""
        gone = (f"{name}[", f"[{name}]")
        facts = {
            k: v
            for k, v in self.facts.items()
            if k != name and not k.startswith(gone[0]) and not k.endswith(gone[1])
        }
        bounds = {k: v for k, v in self.bounds.items() if k != name}
        return Known({**self.types, name: type}, facts, bounds)

    def facts_of(self, prompt: str) -> Mapping[str, str]:
        """Variables of a prompt; a branch has those of every branch of its fork."""
        group, bracket, _ = prompt.partition("[")
        shared = self.facts.get(group, {}) if bracket else {}
        return {**shared, **self.facts.get(prompt, {})}

    def with_fact(self, prompt: str, variable: str, type: str) -> Known:
        """After a variable of a prompt came to be."""
        facts = dict(self.facts)
        facts[prompt] = {**facts.get(prompt, {}), variable: type}
        return replace(self, facts=facts)

    def meet(self, other: Known) -> Known:
        """What holds on both of two ways that join."""
        types = {
            n: t if other.types[n] == t else "scalar" if is_scalar(t, other.types[n]) else "mixed"
            for n, t in self.types.items()
            if n in other.types
        }
        facts = {
            p: {v: t for v, t in known.items() if other.facts[p].get(v) == t}
            for p, known in self.facts.items()
            if p in other.facts
        }
        bounds = {n: b for n, b in self.bounds.items() if other.bounds.get(n) == b}
        return Known(types, facts, bounds)


def is_scalar(*types: str) -> bool:
    return all(t in SCALARS or t == "scalar" for t in types)


def element(type: str) -> str:
    """Type of the items of a list or tuple."""
    return type[type.index("[") + 1 : -1]

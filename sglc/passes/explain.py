"""
What the compiler knows about a function, as data; `sglc explain` renders it.

Pure analysis of a module, before or after passes: what every prompt starts with, what runs side by
side, where the program waits for the model and for which generation, and what stays host code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sglc.graph.dataflow import Flow
from sglc.ir.core import Attr, Func, Loc, Module, Op, Symbol, Value
from sglc.passes import fork_parallel, leading
from sglc.passes.effects import HostCode, describe
from sglc.passes.fork_parallel import candidate, obstacle
from sglc.passes.host_code import HostKind, kind_of


@dataclass(frozen=True, slots=True)
class Prefix:
    """The constant text that every prompt of a function, or every branch of a fork, starts with."""

    loc: Loc | None
    segments: tuple[Attr, ...]
    """Strings, `{"role_begin": role}` and `{"role_end": role}`."""
    chars: int
    tokens: int
    """Estimated: words and signs."""


@dataclass(frozen=True, slots=True)
class Parallel:
    """A fork, a loop over branches or a call, and whether it runs side by side."""

    loc: Loc | None
    kind: Literal["fork", "loop", "call"]
    branches: int | None
    """Of a fork, when the number is constant."""
    what: str
    """`branches run`, `the call runs` and the like: `in parallel` or `in order` follows."""
    parallel: bool
    reason: str = ""
    """Why not."""
    because: Loc | None = None
    """The op that makes it so."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model operation whose value is waited for."""

    loc: Loc | None
    what: str
    """`gen answer`, `select tool`, `call of ask`, `text of the prompt`."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A place where the program cannot go on before values are there."""

    loc: Loc | None
    """Of what needs the value, such as the condition alone, not the whole `if`."""
    what: str
    """Why the value is needed, such as `condition of if` or ``host code `calc(x)` ``."""
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class HostPiece:
    """Code that is not compiled."""

    loc: Loc | None
    kind: HostKind
    text: str
    """Its source or, for an extern, its target."""
    why: str


@dataclass(frozen=True, slots=True)
class FunctionReport:
    """Everything known about one function."""

    name: str
    kind: str
    """`function`, `fragment` or `program`."""
    loc: Loc | None
    prefix: Prefix | None
    parallel: tuple[Parallel, ...]
    waits: tuple[Wait, ...]
    host: tuple[HostPiece, ...]
    """In order; the runtime's own notes of what a variable holds are left out."""
    lifted: int
    """Number of operations on prompts in the IR; the end of a role is not one of its own."""
    generations: int
    """Number of `gen` and `select` operations in the text of the function."""
    handles: tuple[str, ...]
    """Prompts that are not promoted (all of them, before `promote` ran)."""


def explain(module: Module) -> list[FunctionReport]:
    """A report for every function, in order."""
    host = HostCode(module)
    return [explain_function(module, func, host) for func in module.funcs.values()]


def explain_function(
    module: Module, func: Func, host_code: HostCode | None = None
) -> FunctionReport:
    """The report for one function; `host_code` is the module's, for those who ask for many."""
    flow = Flow(func)
    ops = list(func.walk())
    kind = func.attrs.get("kind")
    return FunctionReport(
        name=func.name,
        kind=kind if isinstance(kind, str) else "function",
        loc=func.loc,
        prefix=_prefix(module, func),
        parallel=tuple(_parallel(module, ops, host_code or HostCode(module))),
        waits=tuple(_waits(flow, ops)),
        host=tuple(piece for op in ops if (piece := _host(op)) is not None),
        lifted=sum(_is_model_operation(op) for op in ops),
        generations=sum(op.name in ("lm.gen", "lm.select") for op in ops),
        handles=tuple(v.name for v in _prompts(func) if v.type == "handle"),
    )


def _prefix(module: Module, func: Func) -> Prefix | None:
    segments = leading.of_function(module, func).segments
    if not segments:
        return None
    return Prefix(func.loc, tuple(segments), *leading.size(segments))


def _parallel(module: Module, ops: list[Op], host: HostCode) -> Iterator[Parallel]:
    for op in ops:
        if candidate(op):
            found = obstacle(module, op, host)
            what = fork_parallel.describe(op, independent=found is None)
            reason, because = ("", None) if found is None else (found.reason, found.op.loc)
            yield Parallel(op.loc, *_fork_size(op), what, found is None, reason, because)


def _fork_size(op: Op) -> tuple[Literal["fork", "loop", "call"], int | None]:
    if op.name != "lm.fork":
        return ("loop" if op.name == "cf.for" else "call", None)
    size = op.attrs.get("size")
    return "fork", size if isinstance(size, int) else None


def _is_model_operation(op: Op) -> bool:
    if op.name == "cf.call":
        return True
    return op.name.startswith("lm.") and op.name not in ("lm.new", "lm.item", "lm.role_end")


def _waits(flow: Flow, ops: list[Op]) -> Iterator[Wait]:
    for op in ops:
        for value, what in _needs(op):
            sources = tuple(_source(s) for s in flow.pending(value))
            if sources:
                yield Wait(_needed_at(op, value), what, sources)


def _needed_at(op: Op, value: Value) -> Loc | None:
    """The place of the condition or iterable itself where there is one, else of the op."""
    made_by = value.owner
    whole = op.name in ("cf.if", "cf.condition", "cf.for", "cf.with")
    if whole and isinstance(made_by, Op) and made_by.name in ("ex.eval", "lm.read", "py.eval"):
        return made_by.loc
    return op.loc


def _needs(op: Op) -> Iterator[tuple[Value, str]]:
    """Operands that must be there before the op can go on, and what for."""
    match op.name:
        case "cf.if" | "cf.condition":
            where = "while" if op.name == "cf.condition" else "if"
            yield op.operands[0], f"condition of `{where}`"
        case "cf.for":
            # The list of a fork's branches is there at once; what they generate may still come.
            if not _is_fork(op.operands[0].owner):
                yield op.operands[0], "items of the loop"
        case "cf.with":
            yield op.operands[0], "context of `with`"
        case "cf.raise":
            yield from ((v, "what is raised") for v in op.operands)
        case "lm.item":
            yield op.operands[1], "index of the branch"
        case "lm.fork":
            yield from ((v, "items of the fork") for v in op.operands[1:])
        case "lm.gen" | "lm.select":
            names = op.attrs.get("args", ())
            assert isinstance(names, tuple)
            for name, value in zip(names, op.operands[1:], strict=True):
                yield value, f"parameter `{name}` of `{op.name.removeprefix('lm.')}`"
        case _ if op.name.startswith("py."):
            lead = "" if kind_of(op) == "value" else "host code "
            yield from ((v, f"{lead}{describe(op)}") for v in op.operands)


def _is_fork(owner: object) -> bool:
    return isinstance(owner, Op) and owner.name == "lm.fork"


def _source(op: Op) -> Source:
    name = op.attrs.get("name")
    named = f" {name}" if isinstance(name, str) else ""
    match op.name:
        case "lm.run" | "cf.call":
            callee = op.attrs.get("callee")
            what = f"call of {callee.name}" if isinstance(callee, Symbol) else "a call"
        case "lm.observe":
            what = f"{op.attrs['what']} of the prompt"
        case "lm.fork":
            what = "the branches"
        case _:
            what = op.name.removeprefix("lm.") + named
    return Source(op.loc, what)


def _host(op: Op) -> HostPiece | None:
    kind = kind_of(op)
    if kind is None:
        return None
    if op.name == "py.call":
        why = "an `extern` with unknown effects: it keeps its place in the order"
    elif kind == "value":
        why = "computed from values at hand: built-in operators and functions alone"
    else:
        why = "Python with unknown effects: it runs as written, in order"
    return HostPiece(op.loc, kind, describe(op), why)


def _prompts(func: Func) -> Iterator[Value]:
    yield from (p for p in func.params if p.type in ("handle", "state"))
    for op in func.walk():
        if op.name in ("lm.new", "lm.item"):
            yield op.results[0]
        for region in op.regions:
            yield from (a for a in region.args if a.type == "handle")

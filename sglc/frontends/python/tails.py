"""
Silent tails: the end of a body without host code goes on as a strand, and `run` returns.

The longest suffix of a body's statements that could be silent becomes a generator over the local
names that live there. Where it begins the emitted function asks whether the values of these names
allow it; if not, it goes on with the ordinary statements.
"""

from __future__ import annotations

import ast
import copy
import itertools
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.execution.errors import is_generation_error
from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.session import calling
from sglc.execution.versions import DeferredVersion, Version
from sglc.frontends.python.assigned import assigned_before
from sglc.frontends.python.deferral import Runtime
from sglc.frontends.python.emit import bind, language_functions
from sglc.frontends.python.escapes import confined_groups
from sglc.frontends.python.known import SCALARS, Known
from sglc.frontends.python.names import ROLES, LiveNames
from sglc.frontends.python.rewrite import Plan, load, runtime_call, with_body
from sglc.frontends.python.role_nesting import roles_alternate
from sglc.frontends.python.scope import Scope
from sglc.frontends.python.silent import (
    ToStrand,
    Verdict,
    drive,
    judge,
    outside_values,
    positive,
    shape_allows,
    type_of,
    with_outside,
)
from sglc.frontends.python.source import FunctionNode
from sglc.frontends.python.texts import state_of
from sglc.language.program import Strand, Tail
from sglc.language.state import ProgramState, ProgramStateGroup

REASONING = "_reasoning_content"
"""How variables end that `separate_reasoning` makes, and which may fail later."""

_MAX_GUESSED = 4
_GUESSES = ("str", "int", "list[str]")


class TailRuntime(Runtime):
    """The runtime object of a function with a silent tail."""

    tail: SilentTail

    def __init__(self, plan: Plan, names: LiveNames) -> None:
        super().__init__(plan.sites, language_functions(plan, names))
        self._handed: dict[types.FrameType, Strand] = {}

    def hand_over(self, *values: object) -> bool:
        """Whether the rest of the calling function is a strand now; `handed` gives it."""
        if self._open and self._open.get(sys._getframe(1)):
            return False  # an open read may fail with the program's own error
        body = self.tail.body_for(values)
        if body is None:
            return False
        self._handed[sys._getframe(1)] = drive(lambda: body, self, body.gi_code)
        return True

    def handed(self) -> Tail:
        """What the calling function returns in place of a value."""
        return Tail(self._handed.pop(sys._getframe(1)))


@dataclass(frozen=True, slots=True)
class TailShape:
    """A silent tail without the function whose it is."""

    start: int
    live: tuple[str, ...]
    keys: frozenset[str]
    sizes: Mapping[str, str]
    node: FunctionNode
    strand_node: FunctionNode

    def bound(
        self, scope: Scope, plan: Plan, function: types.FunctionType, names: LiveNames
    ) -> SilentTail:
        """The tail of a function of that code."""
        runtime = TailRuntime(plan, names)
        parts = (self.start, self.live, self.keys, self.sizes, self.node)
        tail = SilentTail(scope, function, names, runtime, *parts)
        tail.strand_node = self.strand_node
        tail._attach()
        return tail


@dataclass(eq=False, slots=True)
class SilentTail:
    """The statements of a body from `start` on, silent for values of the right types."""

    scope: Scope
    function: types.FunctionType
    names: LiveNames
    runtime: TailRuntime
    start: int
    live: tuple[str, ...]
    """Local names that are read in the tail and bound before it; the prompt first."""
    keys: frozenset[str]
    """Variables of prompts that the tail reads."""
    sizes: Mapping[str, str]
    """For forks that are seen by this function alone, the key of their size, or an empty one."""
    node: FunctionNode
    """The whole definition, with the hand-over in it."""
    strand_node: FunctionNode = field(init=False)
    """The definition of the tail's generator function."""
    body: types.FunctionType = field(init=False)
    """The tail's generator function."""
    _verdicts: dict[tuple[object, ...], Verdict] = field(default_factory=dict)
    _returned: frozenset[str] | None = None

    @property
    def statements(self) -> list[ast.stmt]:
        """The tail as the user wrote it."""
        return self.scope.source.node.body[self.start :]

    def body_for(self, values: Sequence[object]) -> types.GeneratorType[Any, Any, Any] | None:
        """The tail with these values of the live names, or None when it has to run here."""
        state, *others = values
        if type(state) is not ProgramState or state.handle.runs is not calling.get():
            return None
        session = state.handle.session
        if session.stream or session.defaults.n not in (None, 1) or self.names.broken():
            return None
        given = dict(zip(self.live[1:], others, strict=True))
        known = self._known(state.handle, given)
        groups = [v for v in given.values() if type(v) is ProgramStateGroup]
        members = [m.handle for g in groups for m in g.states]
        if known is None or not all(map(_sound, [state.handle, *members])):
            return None
        outside = outside_values(self.function, self.names)
        plain = {n: t for n, v in outside.items() if (t := type_of(v))}
        key = (*_frozen(known), *plain.items())
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(known, plain)
        verdict = self._verdicts[key]
        if verdict is None or not all(
            positive((given if n in given else outside)[n]) for n in verdict[0]
        ):
            return None
        body = with_outside(self.body, self.function, {n: outside[n] for n in verdict[1]})
        copies: dict[int, list[object]] = {}
        for name, value in given.items():
            if type(value) is list:
                given[name] = copies.setdefault(id(value), list(value))
        # Not the caller's object, which waits for the tail when it is used.
        return body(ProgramState(state.handle), **given)  # type: ignore[no-any-return]

    def _known(self, handle: Handle, given: Mapping[str, object]) -> Known | None:
        """What is known of the live names now; None when one holds anything that is not plain."""
        types_of = {self.live[0]: "state"}
        facts = {self.live[0]: self._facts([handle])}
        bounds = {}
        for name, value in given.items():
            if type(value) is ProgramStateGroup and name in self.sizes:
                members = value.states
                if not members or any(type(m) is not ProgramState for m in members):
                    return None
                types_of[name] = "group"
                facts[name] = self._facts([m.handle for m in members])
                size = self.sizes[name]
                same = size in given and given[size] == len(members)
                bounds[name] = size if same else str(len(members))
            else:
                types_of[name] = type_of(value)
                if not types_of[name]:
                    return None
        return Known(types_of, facts, bounds)

    def _facts(self, handles: Sequence[Handle]) -> dict[str, str]:
        """Variables that all of these prompts have, with one plain type, of those that matter."""
        found = {}
        for key in sorted(self.keys):
            kinds = {_variable_type(handle, key) for handle in handles}
            if len(kinds) == 1 and (kind := kinds.pop()):
                found[key] = kind
        return found

    def _judge(self, known: Known, outside: Mapping[str, str]) -> Verdict:
        if self._returned is None:
            self._returned = _names_returned(self.statements)
        if any(known.types.get(name, "").startswith("list[") for name in self._returned):
            return None  # the caller would get a copy
        return judge(self.scope, self.statements, known, outside)

    def _attach(self) -> None:
        self.body = bind(self.scope.source, self.strand_node, self.function, self.runtime)
        self.runtime.tail = self

    def shape(self) -> TailShape:
        """What holds for every function of the same code."""
        parts = (self.start, self.live, self.keys, self.sizes)
        return TailShape(*parts, self.node, self.strand_node)

    def possible(self) -> bool:
        """Whether the tail is silent for any values that are strings, numbers or lists."""
        outside = outside_values(self.function, self.names)
        plain = {n: t for n, v in outside.items() if (t := type_of(v))}
        known = Known({self.live[0]: "state"})
        all_there = dict.fromkeys(self.keys, "str")
        facts, bounds, guessed = {self.live[0]: all_there}, {}, []
        for name in self.live[1:]:
            kind = self.scope.kind(name)
            if kind == "state" or (kind == "group" and name not in self.sizes):
                return False
            if kind == "unknown":
                guessed.append(name)
                continue
            known = known.with_type(name, kind)
            if kind == "group":
                facts[name], bounds[name] = all_there, self.sizes[name] or "1"
        if len(guessed) > _MAX_GUESSED:
            return True
        return any(
            self._judge(
                Known(
                    {**known.types, **dict(zip(guessed, kinds, strict=True))},
                    facts,
                    bounds,
                ),
                plain,
            )
            is not None
            for kinds in itertools.product(_GUESSES, repeat=len(guessed))
        )


def find_tail(
    scope: Scope, plan: Plan, function: types.FunctionType, names: LiveNames
) -> SilentTail | None:
    """The longest end of a body that could be silent and in which something waits, or None."""
    node = scope.source.node
    if function.__code__.co_cellvars or not scope.is_local(scope.state):
        return None
    if scope.kind(scope.state) != "state" or not scope.is_own(scope.state):
        return None
    before = assigned_before(node)
    first = len(node.body)
    while first > 1:
        statement = node.body[first - 1]
        if not shape_allows(scope, [statement], before) or _calls_host_code(scope, statement):
            break
        if not roles_alternate(scope, [statement]):
            break
        first -= 1
    if not any(_is_read(scope, n) for s in node.body[first:] for n in ast.walk(s)):
        return None
    sizes = confined_groups(scope)
    for start in range(first, len(node.body)):
        found = _tail_from(scope, plan, function, names, start, sizes, before)
        if found is not None:
            return found
    return None


def _tail_from(
    scope: Scope,
    plan: Plan,
    function: types.FunctionType,
    names: LiveNames,
    start: int,
    sizes: Mapping[str, str],
    before: Mapping[ast.stmt, frozenset[str]],
) -> SilentTail | None:
    node = scope.source.node
    statements = node.body[start:]
    bound = before.get(statements[0], frozenset())
    parts = [p for s in statements for p in ast.walk(s)]
    reads = [p for p in parts if _is_read(scope, p)]
    if not reads or scope.state not in bound:
        return None
    loaded = [p for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Load)]
    loaded += [
        p.target for p in parts if isinstance(p, ast.AugAssign) and isinstance(p.target, ast.Name)
    ]
    used = dict.fromkeys([scope.state, *(n.id for n in loaded if n.id in bound)])
    keys = frozenset(
        r.slice.value
        for r in reads
        if isinstance(r, ast.Subscript)
        and isinstance(r.slice, ast.Constant)
        and isinstance(r.slice.value, str)
    )
    runtime = TailRuntime(plan, names)
    at = statements[0]
    prefix = _statements(plan, node, 0, start)
    rest = _statements(plan, node, start, None)
    handed = ast.copy_location(ast.Return(runtime_call("handed", [], at)), at)
    test = runtime_call("hand_over", [load(n) for n in used], at)
    step = ast.copy_location(ast.If(test, [handed], []), at)
    whole = with_body(plan.node if plan.changed else node, [*prefix, step, *rest])
    found = SilentTail(scope, function, names, runtime, start, tuple(used), keys, sizes, whole)
    if not found.possible():
        return None
    new = with_body(node, [ToStrand(scope).visit(copy.deepcopy(s)) for s in rest])
    new.args = ast.arguments(
        posonlyargs=[],
        args=[ast.copy_location(ast.arg(n), at) for n in used],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    found.strand_node = new
    found._attach()
    return found


def _statements(plan: Plan, node: FunctionNode, start: int, stop: int | None) -> list[ast.stmt]:
    """The rewritten form of top-level statements, or themselves when nothing is rewritten."""
    if not plan.changed:
        return node.body[start:stop]
    return [s for part in plan.parts[start:stop] for s in part]


def _names_returned(statements: Sequence[ast.stmt]) -> frozenset[str]:
    return frozenset(
        part.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Return)
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
    )


def _is_read(scope: Scope, node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and scope.expression_kind(node.value) == "state"
        and not isinstance(node.slice, ast.Slice)
    )


def _calls_host_code(scope: Scope, statement: ast.stmt) -> bool:
    """Whether a statement certainly is not silent, by a first look at its calls."""
    for part in ast.walk(statement):
        if not isinstance(part, ast.Call):
            continue
        symbol = scope.symbol(part.func)
        if symbol is not None and not symbol.startswith("program:"):
            continue
        if symbol is not None or not isinstance(part.func, ast.Attribute):
            return True
        if state_of(scope, part.func.value) is not None and part.func.attr not in (*ROLES, "fork"):
            return True
    return False


def _sound(handle: Handle) -> bool:
    """Whether no role is open, and what fails can only be a generation."""
    names = handle.vars
    if handle.open_role or any(type(n) is str and n.endswith(REASONING) for n in names):
        return False
    version: Version = handle.tip
    while True:
        done = version.done  # first, for the driver sets the error before
        error = version.error
        if error is None and isinstance(version, DeferredVersion) and not done:
            if version.waiting() is not None:
                return False
            error = version.failure()
        if error is not None and not is_generation_error(error):
            return False
        if done:
            return True
        parent = version.parent
        if parent is None:
            return False
        version = parent


def _variable_type(handle: Handle, name: str) -> str:
    """Type of a prompt's variable, now or once it is there; empty when that is not certain."""
    if name not in handle.vars:
        return ""
    value = handle.peek(name)
    if isinstance(value, Pending):
        return "str" if handle.is_text(name, value) else ""
    kind = type_of(value)
    return kind if kind in SCALARS else ""


def _frozen(known: Known) -> tuple[object, ...]:
    facts = tuple((p, *variables.items()) for p, variables in known.facts.items())
    return (tuple(known.types.items()), facts, tuple(known.bounds.items()))

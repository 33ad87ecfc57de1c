"""
The runtime object of a rewritten function: deferred reads, and settling them in order.

A deferred read is a value that text waits for in the graph while the program goes on. Until it is
settled nothing may happen that the program could tell apart from having waited on the spot: its
failure is raised as if at its own line, and what the program did to prompts since is undone. Work
that was already asked of the model for other prompts may have been in vain; its results are gone.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sglc.execution.appending import TextParts
from sglc.execution.handle import Handle
from sglc.execution.pending import Pending, gather
from sglc.execution.saved import Saved, restore, save
from sglc.frontends.python.rewrite import Site
from sglc.frontends.python.texts import (
    Argument,
    Arithmetic,
    Call,
    Const,
    Data,
    Format,
    Item,
    Local,
    Read,
    Sum,
)
from sglc.language.exprs import (
    SglConstantText,
    SglExpr,
    SglExprList,
    SglGen,
    SglSelect,
)
from sglc.language.state import ProgramState, ProgramStateGroup

PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types whose values run no user code when they are formatted, compared or added."""


class _NotDeferrableError(Exception):
    """This time the append must be evaluated by Python itself."""


@dataclass(slots=True)
class Snapshot:
    """A handle as it was, to go back to."""

    handle: Handle
    saved: Saved

    @staticmethod
    def take(handle: Handle) -> Snapshot:
        """Copy what appending, forking and binding change."""
        return Snapshot(handle, save(handle))

    def restore(self) -> None:
        """Put everything back, containers in place."""
        restore(self.handle, self.saved)


@dataclass(slots=True)
class Deferred:
    """An open read: where it stands, what it waits for, and the prompts touched since."""

    frame: types.FrameType
    read: Read
    pending: Pending[Any]
    saved: dict[int, Snapshot] = field(default_factory=dict)
    tail: types.TracebackType | None = None
    """Traceback of the failure below the read."""


class Runtime:
    """
    What the rewritten code of one function calls.

    Open reads belong to a frame, so recursion, threads and interleaved strands stay apart.
    """

    def __init__(self, sites: Sequence[Site], functions: dict[str, Any]) -> None:
        self.sites = tuple(sites)
        self.functions = functions
        """The language's functions that texts call, by symbol."""
        self._open: dict[types.FrameType, list[Deferred]] = {}
        self._failures: dict[types.FrameType, Deferred] = {}

    # Called by the rewritten code

    def defer(self, number: int, *values: object) -> SglExpr | None:
        """The append's value with pending reads inside, or None: evaluate the user's own."""
        frame = sys._getframe(1)
        site = self.sites[number]
        found = self._evaluate(site, values, frame)
        if found is None:
            self._settle(frame)
        return found

    def defer_in_strand(self, number: int, *values: object) -> SglExpr | None:
        """As `defer`; the strand itself settles when there is nothing to defer."""
        return self._evaluate(self.sites[number], values, sys._getframe(1))

    def step(self, number: int, *values: object) -> None:
        """Before a statement that may run while reads are open, if it is what it seems."""
        if not self._open:
            return
        frame = sys._getframe(1)
        if frame not in self._open:
            return
        site = self.sites[number]
        known = all(
            type(v) in PLAIN or type(v) in (ProgramState, ProgramStateGroup) for v in values
        )
        if not known:
            self._settle(frame)
        elif site.target is not None:
            handle = _Evaluator(site, values).handle(site.target)
            if handle is None:
                self._settle(frame)
            else:
                self._touch(frame, handle)

    def settle(self) -> None:
        """Wait for the open reads of the calling function, in order."""
        if self._open:
            self._settle(sys._getframe(1))

    def settle_in_strand(self) -> Generator[Pending[Any], Any, None]:
        """As `settle`, for a strand."""
        frame = sys._getframe(1)
        for entry in self._open.get(frame, ()):
            try:
                if not entry.pending.done():
                    yield entry.pending
                entry.pending.result()
            except BaseException as error:
                self._fail(frame, entry, error)
                raise
        self._open.pop(frame, None)

    def read_in_strand(self, state: ProgramState, name: str) -> Generator[Pending[Any], Any, Any]:
        """`state[name]`, for a strand."""
        value = state.handle.peek(name)
        if isinstance(value, Pending):
            if not value.done():
                yield value
            return value.result()
        return value

    # Called by whoever calls the rewritten function

    def leaving(self, error: BaseException, code: types.CodeType) -> tuple[BaseException, bool]:
        """
        The exception that leaves the body when `error` was raised in it, and whether it is new.

        A new one is the failure of the first open read that failed, with the traceback of a read
        that waited on the spot.
        """
        tb = error.__traceback__
        while tb is not None and tb.tb_frame.f_code is not code:
            tb = tb.tb_next
        if tb is None:
            return error, False
        frame = tb.tb_frame
        if frame in self._open:
            try:
                self._settle(frame)
            except BaseException as failure:
                if failure.__context__ is error:
                    # A read that waited on the spot fails before the body raises that.
                    failure.__context__ = error.__context__
                error = failure
        failed = self._failures.pop(frame, None)
        if failed is None:
            return error, False
        line = failed.read.place[0]
        entry = types.TracebackType(failed.tail, frame, _offset(code, failed.read.place), line)
        return error.with_traceback(entry), True

    # Inside

    def _evaluate(
        self, site: Site, values: Sequence[object], frame: types.FrameType
    ) -> SglExpr | None:
        evaluator = _Evaluator(site, values)
        assert site.target is not None
        assert site.text is not None
        target = evaluator.handle(site.target)
        if target is None or not target.session.options.deferred:
            return None
        try:
            parts = evaluator.parts(site.text, self.functions, frame)
        except Exception:
            # Whatever it was, evaluating the user's own expression raises it at its own line.
            return None
        if not evaluator.deferred:
            return None
        entries = self._open.setdefault(frame, [])
        entries += [Deferred(frame, read, pending) for read, pending in evaluator.deferred]
        self._touch(frame, target)
        return SglExprList(_ordered(parts, target))

    def _touch(self, frame: types.FrameType, handle: Handle) -> None:
        entries = self._open.get(frame)
        if entries and id(handle) not in entries[-1].saved:
            entries[-1].saved[id(handle)] = Snapshot.take(handle)

    def _settle(self, frame: types.FrameType) -> None:
        entries = self._open.get(frame)
        if not entries:
            return
        for entry in entries:
            try:
                entry.pending.result()
            except BaseException as error:
                self._fail(frame, entry, error)
                raise
        self._open.pop(frame, None)

    def _fail(self, frame: types.FrameType, failed: Deferred, error: BaseException) -> None:
        """Undo what was done since a read that failed, and remember where it stands."""
        failed.tail = error.__traceback__.tb_next if error.__traceback__ else None
        self._failures[frame] = failed
        entries = self._open.pop(frame, [])
        for entry in reversed(entries[entries.index(failed) :]):
            for snapshot in entry.saved.values():
                snapshot.restore()


class _Evaluator:
    """Evaluates a site's tree over the values of its local names, without side effects."""

    def __init__(self, site: Site, values: Sequence[object]) -> None:
        self.values = dict(zip(site.names, values, strict=True))
        self.line = site.line
        self.deferred: list[tuple[Read, Pending[Any]]] = []

    def handle(self, state: Local | Item) -> Handle | None:
        """The handle of a prompt, or None when the local holds something else."""
        if isinstance(state, Local):
            value = self.values[state.name]
            return value.handle if type(value) is ProgramState else None
        group = self.values[state.group]
        if type(group) is not ProgramStateGroup:
            return None
        try:
            index = self.simple(state.index)
        except _NotDeferrableError:
            return None
        if type(index) is not int or not -len(group.states) <= index < len(group.states):
            return None
        member = group.states[index]
        return member.handle if type(member) is ProgramState else None

    def simple(self, node: Const | Local | Arithmetic) -> object:
        """A constant, a local name, or arithmetic over exact integers."""
        match node:
            case Const(value=value):
                return value
            case Local(name=name):
                return self.values[name]
            case Arithmetic(op=op, left=left, right=right):
                a, b = self.simple(left), self.simple(right)
                if type(a) is not int or type(b) is not int:
                    raise _NotDeferrableError
                return a + b if op == "+" else a - b if op == "-" else a * b

    def string(self, node: Const | Local | Arithmetic) -> str:
        """As an f-string formats it; only for types whose formatting is the interpreter's own."""
        value = self.simple(node)
        if type(value) not in PLAIN:
            raise _NotDeferrableError
        return str(value)

    def read(self, node: Read) -> str | Pending[str]:
        """A variable that is text already, or will certainly be."""
        handle = self.handle(node.state)
        if handle is None:
            raise _NotDeferrableError
        key = "".join(map(str, self.format(node.key))) if isinstance(node.key, Format) else None
        name = key if key is not None else self.simple(node.key)  # type: ignore[arg-type]
        value = handle.peek(name) if type(name) is str else None
        if type(value) is str:
            return value
        if not isinstance(value, Pending) or value.done() or not handle.is_text(name, value):
            raise _NotDeferrableError
        self.deferred.append((node, value))
        return value

    def format(self, node: Format) -> list[str | Pending[str]]:
        """The parts of an f-string."""
        return [self.read(p) if isinstance(p, Read) else self.string(p) for p in node.parts]

    def parts(self, node: Argument, functions: dict[str, Any], frame: types.FrameType) -> list[Any]:
        """Strings, Pendings and expressions that appending the tree's value appends, in order."""
        match node:
            case Const(value=str(value)):
                return [value]
            case Local(name=name) if type(self.values[name]) is str:
                return [self.values[name]]
            case Format():
                return self.format(node)
            case Read():
                return [self.read(node)]
            case Sum(parts=parts):
                return [p for part in parts for p in self.parts(part, functions, frame)]
            case Call():
                return self.call(node, functions, frame)
        raise _NotDeferrableError

    def call(self, node: Call, functions: dict[str, Any], frame: types.FrameType) -> list[Any]:
        """A call of the language, with pending text inside roles."""
        function = functions[node.symbol]
        if node.symbol in ("gen", "gen_int", "gen_string", "select"):
            args = [self.argument(a) for a in node.args]
            expr = function(*args, **{k: self.argument(v) for k, v in node.keywords})
            place = (frame.f_code.co_filename, node.node.lineno)
            if isinstance(expr, SglGen | SglSelect):
                expr.place = place
            return [expr]
        inner = [p for a in node.args for p in self.parts(a, functions, frame)]
        whole = function(SglConstantText("")) if node.args else function()
        if not isinstance(whole, SglExprList):
            return [whole]
        begin, *_, end = whole.expr_list
        return [begin, *inner, end]

    def argument(self, node: Argument) -> object:
        """A parameter of `gen` or `select`."""
        match node:
            case Data(value=value):
                return list(value) if isinstance(value, list) else value
            case Format():
                return "".join(map(str, self.format(node)))
            case Const() | Local() | Arithmetic():
                return self.simple(node)
        raise _NotDeferrableError


def _ordered(parts: list[Any], target: Handle) -> list[Any]:
    """
    Parts of an append so arranged that nothing of it shows before all its reads are there.

    Python reads everything before it appends anything. Adjacent text is one segment; where
    something else comes before a read, an empty segment that waits for all reads comes first.
    """
    out: list[Any] = []
    text: list[str | Pending[str]] = []

    def flush() -> None:
        if any(isinstance(part, Pending) for part in text):
            out.append(TextParts(text))
        else:
            out.extend(part for part in ("".join(map(str, text)),) if part)
        text.clear()

    for part in parts:
        if isinstance(part, str | Pending):
            text.append(part)
        else:
            flush()
            out.append(part)
    flush()
    last = max(i for i, part in enumerate(out) if isinstance(part, TextParts))
    if last > 0:
        reads = [p for part in out if isinstance(part, TextParts) for p in part.parts]
        out.insert(0, gather(reads, target.session).map(lambda _: ""))
    return out


def _offset(code: types.CodeType, place: tuple[int, int, int, int]) -> int:
    """Offset of the instruction that stands at a place, as tracebacks want it."""
    found = -1
    for index, position in enumerate(code.co_positions()):
        if position == place:
            found = index
    return 2 * found if found >= 0 else 0

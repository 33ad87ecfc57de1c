"""`s`: the state a program appends to and reads from. The surface is SGLang's."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from sglc.execution.errors import is_generation_error
from sglc.execution.handle import Handle
from sglc.execution.pending import LOOK_UP, Pending
from sglc.execution.session import inside_run
from sglc.language.asynchronous import until
from sglc.language.executor_view import ExecutorView
from sglc.language.exprs import Place, SglExpr, SglExprList, calling_place
from sglc.language.roles import RoleContent, role
from sglc.language.streaming import follow_text, follow_variable, from_thread


class Appended(SglExprList):
    """What `s.user(expr)` returns: already appended to `handle`, so `s += s.user(expr)` is once."""

    __slots__ = ("handle",)

    def __init__(self, exprs: SglExprList, handle: Handle) -> None:
        super().__init__(exprs.expr_list)
        self.handle = handle


class ProgramState:
    """
    One state of a running or finished program.

    Appending, forking and joining never wait and never raise a failed generation. Reading does
    both: it waits for what it needs, and raises the backend's own exception if that failed. Outside
    the program everything waits until the program has ended.
    """

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.body: Pending[Any] = Pending.of(None)
        """The program's body: done when nothing more will be appended; fails as the body did."""
        self.raised = False
        """Whether the body's exception has reached a caller of `run`."""

    # Appending

    def __iadd__(self, other: object) -> Self:
        self._settle_body()
        if isinstance(other, str):
            self.handle.text([other])
        elif not (isinstance(other, Appended) and other.handle is self.handle):
            self.handle.append(other, calling_place())
        return self

    def _role(self, name: str, expr: RoleContent) -> Any:
        self._settle_body()
        place = calling_place()
        if expr is None:
            return self._role_scope(name, place)
        exprs = role(name, expr)
        self.handle.append(exprs, place)
        return Appended(exprs, self.handle)

    @contextmanager
    def _role_scope(self, name: str, place: Place | None) -> Iterator[None]:
        self.handle.role_begin(name, place)
        try:
            yield
        finally:
            self.handle.role_end(name, place)

    def system(self, expr: RoleContent = None) -> Any:
        """Append a system message; without `expr`, a context manager for one."""
        return self._role("system", expr)

    def user(self, expr: RoleContent = None) -> Any:
        """Append a user's message; without `expr`, a context manager for one."""
        return self._role("user", expr)

    def assistant(self, expr: RoleContent = None) -> Any:
        """Append the assistant's message; without `expr`, a context manager for one."""
        return self._role("assistant", expr)

    @contextmanager
    def var_scope(self, name: str) -> Iterator[None]:
        """Bind the text appended inside to `name`."""
        self._settle_body()
        self.handle.scope_begin(name)
        try:
            yield
        finally:
            self.handle.scope_end(name)

    def fork(
        self, size: int = 1, position_ids_offset: Sequence[int] | None = None
    ) -> ProgramStateGroup:
        """`size` states that start here. `position_ids_offset` is ignored, as in SGLang."""
        self._settle_body()
        children = self.handle.fork(size)
        return ProgramStateGroup([ProgramState(child) for child in children], self)

    @contextmanager
    def copy(self, position_ids_offset: Sequence[int] | None = None) -> Iterator[ProgramState]:
        """A fork of one, joined at the end: its new variables become lists of one here."""
        group = self.fork(1, position_ids_offset)
        try:
            yield group[0]
        finally:
            group.join()

    # Reading

    def _settle_body(self) -> None:
        """Outside the program, wait until its body has appended everything."""
        if not self.body.done() and not inside_run(self.handle.session):
            try:
                self.body.result()
            except BaseException as error:
                if not is_generation_error(error) and not isinstance(error, Exception):
                    raise

    def _raise_body_error(self) -> None:
        if self.body.done() and self.body.exception() is not None:
            self.body.result()

    def _whole(self) -> None:
        """Wait for the body; an exception of its own that no caller has seen is raised."""
        self._settle_body()
        error = self.body.exception() if self.body.done() else None
        if error is not None and not self.raised and not is_generation_error(error):
            self.body.result()

    def _known(self, name: str | None) -> None:
        if not self.handle.has(name) and not self.body.done():
            self._wait_for_name(name)
        if not self.handle.has(name):
            self._raise_body_error()

    def _wait_for_name(self, name: str | None) -> None:
        session = self.handle.session
        if inside_run(session):
            return
        if not session.stream:
            self._settle_body()
            return
        with session.progress_lock:
            while not self.handle.has(name) and not self.handle.finished:
                session.progress.wait(LOOK_UP)

    def get_var(self, name: str | None) -> Any:
        """
        A variable's value.

        Waits for its generation and raises its failure; KeyError when there is no such variable.
        """
        self._known(name)
        return self.handle.read(name)

    def __getitem__(self, name: str | None) -> Any:
        return self.get_var(name)

    def set_var(self, name: str | None, value: object) -> None:
        """Bind a variable."""
        self._settle_body()
        self.handle.set(name, value)

    def __setitem__(self, name: str | None, value: object) -> None:
        self.set_var(name, value)

    def __contains__(self, name: object) -> bool:
        """Whether the variable was bound or a generation of this name appended; never waits."""
        self._settle_body()
        return name in self.handle.vars

    def get_meta_info(self, name: str | None) -> Any:
        """Meta information of a generation: token counts, finish reason; None when unknown."""
        self._known(name)
        return self.handle.read_meta(name).result()

    def text(self) -> str:
        """All text so far: what was appended and what the model said."""
        self._whole()
        return self.handle.current_text().result()

    def messages(self) -> list[dict[str, Any]]:
        """The closed messages so far, as OpenAI's API takes them."""
        self._whole()
        return self.handle.current_messages().result()

    def sync(self) -> None:
        """Wait until everything appended so far is done or has failed; never raises a failure."""
        self._settle_body()
        self.handle.settled().result()

    async def wait(self, name: str | None = None) -> None:
        """As `sync`, awaited; with `name`, until that variable can be read without waiting."""
        value = None if name is None else self.handle.vars.get(name)
        await until(value.ended() if isinstance(value, Pending) else self.handle.settled())

    def error(self) -> BaseException | None:
        """The failure that poisons this state, or that left its program's body; or None."""
        self._settle_body()
        error = self.handle.error().result()
        return error if error is not None or not self.body.done() else self.body.exception()

    @property
    def ret_value(self) -> Any:
        """
        What the program returned.

        Raises the generation error that left the body; AttributeError before the body has ended.
        """
        self._settle_body()
        if not self.body.done():
            raise AttributeError("ret_value: the program has not ended")
        return self.body.result()

    @property
    def seed(self) -> int:
        """The seed of this run; pass it to `run(seed=...)` to repeat it."""
        return self.handle.seed

    @property
    def stream_executor(self) -> ExecutorView:
        """The state's internals under SGLang's names, read-only."""
        return ExecutorView(self.handle, self._settle_body)

    def text_iter(self, var_name: str | None = None) -> Iterator[str]:
        """
        All text, or one variable's, in pieces as it becomes certain (with `stream=True`).

        Ends when the program does; read by the program itself, at what it has appended so far.
        """
        if self.handle.log is None:
            yield self.text() if var_name is None else self.get_var(var_name)
            return
        try:
            if var_name is None:
                yield from follow_text(self.handle)
            else:
                for piece, _ in follow_variable(self.handle, var_name):
                    yield piece
        except KeyboardInterrupt:
            self.handle.session.cancel()
            raise
        self._raise_body_error()

    async def text_async_iter(
        self, var_name: str | None = None, return_meta_data: bool = False
    ) -> AsyncIterator[Any]:
        """Like `text_iter`; with `return_meta_data` gives `(piece, meta information)`."""
        pieces = self._meta_iter(var_name) if return_meta_data else self.text_iter(var_name)
        async for piece in from_thread(pieces):
            yield piece

    def _meta_iter(self, var_name: str | None) -> Iterator[tuple[str, Any]]:
        if var_name is None:
            raise ValueError("return_meta_data needs var_name")
        if self.handle.log is None:
            yield self.get_var(var_name), self.get_meta_info(var_name)
        else:
            yield from follow_variable(self.handle, var_name)
            self._raise_body_error()

    def __repr__(self) -> str:
        return f"ProgramState({self.text()})"


class ProgramStateGroup:
    """The states of a fork."""

    def __init__(self, states: list[ProgramState], src_state: ProgramState | None = None) -> None:
        self.states = states
        self.src_state = src_state

    def join(self, mode: str = "gather_variable") -> None:
        """
        Bring the children's work into the state they were forked from.

        `gather_variable`: each variable new in the children becomes a list. `concate_and_append`:
        their texts are appended in order. ValueError for another mode.
        """
        assert self.src_state is not None
        if mode == "gather_variable":
            self._warn_if_uneven(self.src_state)
        self.src_state.handle.join([state.handle for state in self.states], mode)

    def _warn_if_uneven(self, parent: ProgramState) -> None:
        known = set(parent.handle.vars)
        made: list[set[str | None]] = [set(s.handle.vars) - known for s in self.states]
        some = made[0].union(*made[1:]) - made[0].intersection(*made[1:])
        for name in sorted(some, key=str):
            warnings.warn(
                f"join: only some of the forks have {name!r}; its list is shorter than the fork",
                stacklevel=3,
            )

    def __getitem__(self, i: int) -> ProgramState:
        return self.states[i]

    def __setitem__(self, i: int, value: ProgramState) -> None:
        assert self.states[i] is value, "only `forks[i] += ...` can assign to a fork's state"

    def __len__(self) -> int:
        return len(self.states)

    def __iter__(self) -> Iterator[ProgramState]:
        return iter(self.states)

    def __iadd__(self, other: object) -> Self:
        if callable(other):
            each: Callable[[int], object] = other
            for i, state in enumerate(self.states):
                state += each(i)
        elif isinstance(other, SglExpr):
            for state in self.states:
                state += other
        elif isinstance(other, list | tuple):
            if len(other) < len(self.states):
                raise IndexError(f"{len(other)} values for {len(self.states)} forks: {other!r}")
            for state, value in zip(self.states, other, strict=False):
                state += value
        else:
            raise ValueError(f"Invalid value: {other}")
        return self

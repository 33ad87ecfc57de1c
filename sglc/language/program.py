"""Starting programs: live, compiled, as a strand of the driver, or in a thread."""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from sglc.diagnostics.core import LowerError
from sglc.execution.errors import is_generation_error
from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.session import BodyOf, ExecOptions, Session
from sglc.global_config import global_config
from sglc.language.asynchronous import in_own_loop, run_async_body, settled
from sglc.language.sampling import GenParams
from sglc.language.state import ProgramState

Strand = Generator[Pending[Any], Any, Any]


@dataclass(frozen=True, slots=True)
class Tail:
    """What a body returns whose rest is a strand for the driver."""

    strand: Strand


@dataclass(eq=False, slots=True)
class Program:
    """What runs: a Python function, and its compiled form once someone asked for it."""

    func: Callable[..., Any]
    strict: bool = False
    """Refuse to run live: what cannot be compiled raises `LowerError`."""
    _compiled: Any = None
    _tried: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compiled(self) -> Any:
        """The compiled form (`sglc.frontends.python.CompiledFunction`), None if there is none."""
        with self._lock:
            if not self._tried:
                self._tried = True
                self._compiled = self._compile()
        return self._compiled

    def _compile(self) -> Any:
        from sglc.frontends.python.compiled import compile_function

        try:
            return compile_function(self.func, strict=self.strict)
        except LowerError:
            self._tried = False  # every run says so
            raise
        except Exception as error:
            # A compiler's bug must not stop a program that runs without the compiler.
            warnings.warn(f"{self.func!r} runs as it is written: {error!r}", stacklevel=2)
            return None

    @property
    def asynchronous(self) -> bool:
        """Whether the body is `async def`."""
        return inspect.iscoroutinefunction(self.func)

    def body(self, compiled: bool) -> Callable[..., Any]:
        """The function to call with a state; one that is awaited has a loop of its own."""
        return (
            in_own_loop(self.own_body(compiled)) if self.asynchronous else self.own_body(compiled)
        )

    def own_body(self, compiled: bool) -> Callable[..., Any]:
        """The user's function, or what runs in its place."""
        form = self.compiled() if compiled else None
        emitted = getattr(form, "emitted", None)
        return self.func if emitted is None else emitted

    def check_strict(self) -> None:
        """Raise `LowerError` now where a strict program certainly cannot be compiled."""
        if self.strict:
            from sglc.frontends.python.compiled import require

            require(self.func)

    def strand(
        self, session: Session, handle: Handle, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Strand | None:
        """The whole body as a strand, where it contains no host code; None otherwise."""
        form = self.compiled()
        if form is None or not getattr(form, "silent", False):
            return None
        make = getattr(form, "strand", None)
        return None if make is None else make(session, handle, args, kwargs)

    def silent(self) -> bool:
        """Whether the body can run as a strand."""
        return bool(getattr(self.compiled(), "silent", False))

    def constant_prefix(self) -> str:
        """Text that every run of the program begins with, as far as the compiler knows."""
        form = self.compiled()
        return getattr(form, "constant_prefix", "") or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Everything a run is given; see `SglFunction.run`."""

    program: Program
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    backend: Any
    defaults: GenParams
    seed: int | None
    label: str = "root"
    stream: bool = False
    compiled: bool = True
    options: ExecOptions = field(default_factory=ExecOptions)
    num_api_spec_tokens: int | None = None

    def state(self) -> ProgramState:
        """A new state on a session of its own."""
        session = Session(
            self.backend,
            self.defaults,
            self.seed,
            options=self.options,
            stream=self.stream,
            compiled=self.compiled,
            arguments=dict(self.kwargs),
            num_api_spec_tokens=self.num_api_spec_tokens,
        )
        return ProgramState(session.root(self.label))

    def strand(self, state: ProgramState) -> Strand | None:
        """The body as a strand of the driver, where that is possible."""
        if not self.compiled:
            return None
        return self.program.strand(state.handle.session, state.handle, self.args, self.kwargs)


def start(run: Start) -> ProgramState:
    """Run a program on a new state."""
    state = run.state()
    body = run.program.body(run.compiled)
    try:
        if run.stream:
            _run_in_thread(state, body, run.args, run.kwargs)
        else:
            strand = run.strand(state)
            if strand is not None:
                run_strand(state, strand)
            else:
                run_body(state, body, run.args, run.kwargs)
    except KeyboardInterrupt:
        # It may have begun already, and whoever is interrupted here never gets the state.
        state.handle.session.cancel()
        raise
    if global_config.verbosity >= 2:
        print(state.text())
    return state


async def start_async(run: Start) -> ProgramState:
    """As `start`, without blocking the event loop; everything has ended when it returns."""
    state = run.state()
    if run.program.asynchronous:
        await run_async_body(state, run.program.own_body(run.compiled), run.args, run.kwargs)
        return await settled(state)
    strand = run.strand(state)
    if strand is not None:
        run_strand(state, strand)
    else:
        _run_in_thread(state, run.program.body(run.compiled), run.args, run.kwargs)
        # Whoever awaits gets the body's exception; reading the state need not raise it again.
        state.raised = True
    return await settled(state)


def run_body(
    state: ProgramState,
    body: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> None:
    """
    Run a body on this thread.

    A generation's failure that leaves the body is kept in the state; anything else is raised. A
    body whose rest is silent ends on the driver.
    """
    session = state.handle.session
    try:
        with BodyOf(state.handle.runs):
            result = body(state, *args, **kwargs)
            if isinstance(result, Tail):
                state.body = session.driver.spawn(result.strand)
                state.body.owner = session
            else:
                state.body = Pending.of(result)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            session.cancel()
        state.body = Pending.failed(error)
        if not is_generation_error(error):
            state.raised = True
            raise
    finally:
        state.body.add_done_callback(lambda _: session.finish())


def run_strand(state: ProgramState, strand: Strand) -> None:
    """Let the driver run a body; the state knows when it has ended."""
    with BodyOf(state.handle.runs):
        state.body = state.handle.session.driver.spawn(strand)
    state.body.owner = state.handle.session
    state.body.add_done_callback(lambda _: state.handle.session.finish())


def _run_in_thread(
    state: ProgramState,
    body: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> None:
    ended: Pending[Any] = Pending(state.handle.session)
    inner = ProgramState(state.handle)

    def work() -> None:
        try:
            run_body(inner, body, args, kwargs)
            value = inner.body.result()
        except BaseException as error:
            # Raised to whoever reads the state: no caller is left that could catch it here.
            ended.set_exception(error)
        else:
            ended.set_result(value)

    state.body = ended
    threading.Thread(target=copy_context().run, args=(work,), name="sglc-body", daemon=True).start()

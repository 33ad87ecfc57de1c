"""Running a program on many rows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, Literal

from sglc.execution.errors import is_generation_error
from sglc.execution.pending import Pending
from sglc.execution.seeds import draw_seed, row_seed
from sglc.execution.session import ExecOptions, Session
from sglc.language.program import Program, run_body, run_strand
from sglc.language.sampling import GenParams
from sglc.language.state import ProgramState

BatchRow = dict[str, Any]

CHUNK = 200
"""Rows under way at once with `generator_style`, as in SGLang."""


def run_rows(
    program: Program,
    rows: Sequence[BatchRow],
    *,
    backend: Any,
    defaults: GenParams,
    seed: int | None,
    label: str = "root",
    compiled: bool = True,
    options: ExecOptions,
    num_api_spec_tokens: int | None = None,
    num_threads: int | Literal["auto"] = "auto",
    progress_bar: bool = False,
    generator_style: bool = False,
) -> list[ProgramState] | Iterator[ProgramState]:
    """
    Run all rows; see `SglFunction.run_batch`.

    Rows without host code are strands of the driver and need no thread; others get one each. At
    most `num_threads` rows are under way; `auto` is many, and no limit for strands.
    """
    base = draw_seed() if seed is None else seed

    def begin(number: int) -> ProgramState:
        session = Session(
            backend,
            defaults,
            row_seed(base, number),
            options=options,
            compiled=compiled,
            arguments=rows[number],
            num_api_spec_tokens=num_api_spec_tokens,
        )
        return ProgramState(session.root(f"{label}[{number}]"))

    threads = _threads(num_threads, len(rows))
    strands = compiled and program.silent()
    window = threads if threads == 1 or (strands and num_threads != "auto") else len(rows)
    batch = _Batch(program, rows, begin, compiled, threads, window)
    if generator_style:
        return batch.stream(progress_bar)
    return batch.collect(progress_bar)


def _threads(wanted: int | Literal["auto"], rows: int) -> int:
    if wanted == "auto":
        return min(rows, max(96, (os.cpu_count() or 1) * 16))
    if not isinstance(wanted, int) or wanted < 1:
        raise ValueError(f'num_threads must be "auto" or at least 1, but is {wanted!r}')
    return min(rows, wanted)


class _Batch:
    def __init__(
        self,
        program: Program,
        rows: Sequence[BatchRow],
        begin: Callable[[int], ProgramState],
        compiled: bool,
        threads: int,
        window: int,
    ) -> None:
        self.rows = rows
        self.program = program
        self.begin = begin
        self.compiled = compiled
        self.threads = threads
        self.window = window
        self.body = program.body(compiled)
        self.sessions: list[Session] = []
        self.pool: ThreadPoolExecutor | None = None

    def collect(self, progress_bar: bool) -> list[ProgramState]:
        """All results; raises the first body's exception once all rows have run."""
        first: BaseException | None = None
        states: list[ProgramState] = []
        with self._running(), _progress(progress_bar, len(self.rows)) as advance:
            for end in self._ordered(range(len(self.rows))):
                try:
                    states.append(end())
                except Exception as error:
                    if self.threads == 1:
                        raise
                    first = first or error
                advance()
        if first is not None:
            raise first
        return states

    def stream(self, progress_bar: bool) -> Iterator[ProgramState]:
        """Results in order, at most `CHUNK` rows ahead of the reader."""
        with self._running(), _progress(progress_bar, len(self.rows)) as advance:
            for start in range(0, len(self.rows), CHUNK):
                chunk = range(start, min(start + CHUNK, len(self.rows)))
                for end in self._ordered(chunk):
                    yield end()
                    advance()

    def _ordered(self, numbers: range) -> Iterator[Callable[[], ProgramState]]:
        """Begin rows, as many at a time as wanted; a thread pool keeps to its size by itself."""
        under_way: deque[Callable[[], ProgramState]] = deque()
        for number in numbers:
            if len(under_way) >= self.window:
                yield under_way.popleft()
            under_way.append(self._start(number))
        yield from under_way

    def _start(self, number: int) -> Callable[[], ProgramState]:
        """Begin a row; the result waits until all its generations are done."""
        state = self.begin(number)
        session = state.handle.session
        self.sessions.append(session)
        row = self.rows[number]
        strand = (
            self.program.strand(session, state.handle, (), row)
            if self.compiled and self.threads > 1
            else None
        )
        if strand is not None:
            run_strand(state, strand)
            return lambda: _finished(state)
        if self.threads == 1:
            run_body(state, self.body, (), row)
            return lambda: _finished(state)
        if self.pool is None:
            self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="sglc-row")
        context = copy_context()
        ended: Pending[ProgramState] = Pending(session)
        self.pool.submit(context.run, self._row, state, row, ended)
        return ended.result

    def _row(self, state: ProgramState, row: BatchRow, ended: Pending[ProgramState]) -> None:
        try:
            run_body(state, self.body, (), row)
            _finished(state)
        except BaseException as error:
            ended.set_exception(error)
        else:
            ended.set_result(state)

    @contextmanager
    def _running(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | GeneratorExit):
                for session in self.sessions:
                    session.cancel()
                if self.pool is not None:
                    self.pool.shutdown(wait=False, cancel_futures=True)
                    self.pool = None
            raise
        finally:
            if self.pool is not None:
                self.pool.shutdown()


def _finished(state: ProgramState) -> ProgramState:
    """The state once everything is done; raises what its body raised."""
    state.sync()
    error = state.body.exception()
    if error is not None and not is_generation_error(error):
        raise error
    return state


@contextmanager
def _progress(show: bool, total: int) -> Iterator[Callable[[], None]]:
    if not show:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("rows", total=total)
        yield lambda: progress.advance(task)

"""Running a program on many rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any, Literal

from sglc.execution.calls import CallPool
from sglc.execution.errors import is_generation_error
from sglc.execution.pending import Pending
from sglc.execution.seeds import draw_seed, row_seed
from sglc.execution.session import ExecOptions, Session
from sglc.language.program import Program, run_body, run_strand
from sglc.language.row_window import Row, RowWindow
from sglc.language.sampling import GenParams
from sglc.language.state import ProgramState

BatchRow = dict[str, Any]

CHUNK = 200
"""Rows begun and not yet read at once with `generator_style`, as in SGLang."""

WINDOW = 256
"""Rows under way at once where no number of threads limits them: more than an engine batches."""


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
    base = draw_seed(backend) if seed is None else seed

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
    under_way = threads if threads == 1 or num_threads != "auto" else max(threads, WINDOW)
    batch = _Batch(program, rows, begin, compiled, threads, under_way)
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
        under_way: int,
    ) -> None:
        self.rows = rows
        self.program = program
        self.begin = begin
        self.compiled = compiled
        self.threads = threads
        self.under_way = under_way
        self.body = program.body(compiled)
        self.pool: CallPool | None = None

    def collect(self, progress_bar: bool) -> list[ProgramState]:
        """All results; raises the first body's exception once all rows have run."""
        first: BaseException | None = None
        states: list[ProgramState] = []
        window = RowWindow(self._make, self._start, self.under_way, None)
        with self._running(window), _progress(progress_bar, len(self.rows)) as advance:
            for row in window.rows(range(len(self.rows))):
                try:
                    states.append(_result(row))
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
        window = RowWindow(self._make, self._start, self.under_way, CHUNK)
        with self._running(window), _progress(progress_bar, len(self.rows)) as advance:
            for row in window.rows(range(len(self.rows))):
                state = _result(row)
                del row  # what the reader drops must not stay until the next
                yield state
                del state
                advance()

    def _make(self, number: int) -> Row:
        state = self.begin(number)
        return Row(state, Pending(state.handle.session))

    def _start(self, number: int, row: Row) -> None:
        """Begin a row."""
        state, arguments = row.state, self.rows[number]
        if self.compiled and self.threads > 1:
            session = state.handle.session
            strand = self.program.strand(session, state.handle, (), arguments)
            if strand is not None:
                run_strand(state, strand)
                _end_with(state, row.ended)
                return
        if self.threads == 1:
            run_body(state, self.body, (), arguments)
            _end_with(state, row.ended)
            return
        if self.pool is None:
            self.pool = CallPool(self.threads, "sglc-row")
        self.pool.submit(partial(copy_context().run, self._row, row, arguments))

    def _row(self, row: Row, arguments: BatchRow) -> None:
        """Run a body on this thread, which is free once nothing but its generations is left."""
        try:
            run_body(row.state, self.body, (), arguments)
        except BaseException as error:
            row.ended.set_exception(error)
        else:
            _end_with(row.state, row.ended)

    @contextmanager
    def _running(self, window: RowWindow) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            ends = isinstance(error, KeyboardInterrupt | GeneratorExit)
            if self.pool is not None:
                self.pool.close(drop=ends)
            if ends:
                window.cancel()
            raise
        else:
            if self.pool is not None:
                self.pool.close(wait=True)


def _result(row: Row) -> ProgramState:
    """The state once everything is done; raises what its body raised."""
    row.ended.result()
    state = row.state
    error = state.body.exception() if state.body.done() else None
    if error is not None and not is_generation_error(error):
        raise error
    return state


def _end_with(state: ProgramState, ended: Pending[None]) -> None:
    """Set `ended` once the body, and then everything it appended, is done or has failed."""
    driver, handle = state.handle.session.driver, state.handle

    def appended(_: Pending[Any]) -> None:
        driver.when_done(handle.tip, lambda _: ended.set_result(None))

    state.body.add_done_callback(appended)


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

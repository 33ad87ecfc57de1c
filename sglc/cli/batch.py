"""A batch: one run for each row of a JSONL file, one object for each row to another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import typer

from sglc.cli import arguments, console, result, rows, statistics
from sglc.cli.guard import DIAGNOSTICS
from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.execution.seeds import draw_seed
from sglc.programs.failures import NOT_LOADED
from sglc.programs.program import Outcome, Program, RunOptions


def run(program: Program, source: str, output: str, how: RunOptions, *, stats: bool) -> None:
    """
    Run every row; errors go into the row. Exits with 1 when any row failed.

    Rows are written in input order as they finish. When interrupted, rows that have finished are
    written, also those behind one that has not.
    """
    table = rows.read(source)
    if how.seed is None:
        how = replace(how, seed=draw_seed(how.backend))
        console.message(f"seed {how.seed}")
    watch = statistics.Watch()
    failed = 0
    with rows.open_output(output) as file, console.progress("rows", len(table)) as advance:
        writer = rows.OrderedWriter(file)

        def finish(index: int, body: dict[str, Any]) -> None:
            nonlocal failed
            failed += "error" in body
            writer.add(index, {"row": index} | body)
            advance()

        good: dict[int, dict[str, Any]] = {}
        for index, row in enumerate(table):
            try:
                good[index] = _arguments(row, program)
            except SglcError as error:
                finish(index, _error(error.diagnostics[0]))
        try:
            for outcome in program.run_rows(good, how):
                _raise_if_no_model(outcome)
                statistics.add_outcome(watch, outcome)
                finish(outcome.row, _body(outcome))
        finally:
            writer.close()
    if stats:
        console.message(watch.table())
    done = f"{len(table)} rows" if len(table) != 1 else "1 row"
    where = "" if output == "-" else f", written to {output}"
    console.message(f"{done}, {failed} failed{where}" if failed else f"{done}{where}")
    if failed:
        raise typer.Exit(DIAGNOSTICS)


def _raise_if_no_model(outcome: Outcome) -> None:
    """Without a model no row can run: that is the command's failure, not the row's."""
    if outcome.error is not None and outcome.error.diagnostics[0].code == NOT_LOADED:
        raise outcome.error


def _arguments(row: object, program: Program) -> dict[str, Any]:
    if isinstance(row, rows.BadRow):
        raise SglcError(Diagnostic(code="SGL0611", message=row.message))
    return arguments.from_row(row, program)


def _body(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return _error(outcome.error.diagnostics[0])
    assert outcome.running is not None
    return result.to_object(outcome.running)


def _error(diagnostic: Diagnostic) -> dict[str, Any]:
    return {"error": result.error_object(diagnostic)}

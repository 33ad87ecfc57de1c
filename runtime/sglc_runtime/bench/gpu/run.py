"""All parts one after another; what is found is written after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from sglc_runtime.bench.gpu.ceilings import Ceilings
from sglc_runtime.bench.gpu.lab import Progress
from sglc_runtime.bench.gpu.outcome import Outcome, outcome
from sglc_runtime.bench.gpu.parts import PARTS, Part
from sglc_runtime.bench.gpu.process import run_apart
from sglc_runtime.bench.gpu.rows import ROWS, GpuRow
from sglc_runtime.bench.gpu.settings import GpuSettings
from sglc_runtime.machine_load import LoadWatch

SCHEMA = 1
"""Raised when the meaning of the data changes."""
RUNNERS = Callable[..., Outcome]
Write = Callable[[dict[str, Any]], None]


def run_gpu(
    parts: Iterable[Part],
    settings: GpuSettings,
    report: Progress,
    *,
    write: Write = lambda result: None,
    budget: float | None = None,
    previous: Mapping[str, Any] | None = None,
    runner: RUNNERS = run_apart,
) -> dict[str, Any]:
    """
    Everything found, as plain data ready for JSON; `write` gets it after every part.

    Parts that `previous`, an earlier result, has measured are kept, and those that were cut short
    go on from there. `budget` is in seconds: what has not begun by then is left out, what has is
    ended. After Ctrl-C gives what there is, with `partial` set.
    """
    deadline = None if budget is None else monotonic() + budget
    watch = LoadWatch()
    done: dict[str, Outcome] = dict(_kept(previous, settings))
    wanted = [part for part in parts if done.get(part.name, {}).get("status") != "measured"]
    partial = False
    for number, part in enumerate(wanted):
        if deadline is not None and monotonic() >= deadline:
            done.setdefault(part.name, outcome("not measured", message="the time was over"))
            continue
        report(f"[{number + 1}/{len(wanted)}] {part.what}")
        try:
            done[part.name] = runner(
                part,
                settings,
                _ceilings(done),
                done.get(part.name, {}).get("found") or None,
                report,
                deadline=deadline,
            )
        except KeyboardInterrupt:
            report("interrupted: what was measured so far is kept")
            partial = True
            break
        write(_result(done, settings, watch, partial=True))
    result = _result(done, settings, watch, partial=partial)
    write(result)
    return result


def chosen(names: Iterable[str]) -> list[Part]:
    """
    Parts by name, all where none is named, in the order of the table.

    What everything needs, or one of the parts, comes first. Raises ValueError for unknown names.
    """
    wanted = set(names)
    if unknown := sorted(wanted - {part.name for part in PARTS}):
        known = ", ".join(part.name for part in PARTS)
        raise ValueError(f"no part {unknown[0]!r}; there are: {known}")
    if not wanted:
        return [*PARTS]
    wanted.add("environment")
    if any(part.needs_ceilings for part in PARTS if part.name in wanted):
        wanted.add("ceilings")
    return [part for part in PARTS if part.name in wanted]


def row_entry(row: GpuRow, done: Outcome) -> dict[str, Any]:
    """A row with its verdict, as `sglc bench engine` has them."""
    figure = done["found"].get("figure") or {}
    value = figure.get("value")
    verdict = row.target.verdict(value["median"]) if row.target and value else "no target"
    return {
        "name": row.name,
        "what": row.what,
        "over": row.peer,
        "unit": row.unit,
        "target": asdict(row.target) if row.target else None,
        "status": done["status"],
        "message": done["message"],
        "value": value,
        "verdict": verdict if value else None,
        "ours": figure.get("ours"),
        "peer": figure.get("peer"),
        "notes": [*figure.get("notes", ())],
        "disturbed": False,
        "seconds": done["seconds"],
        "detail": figure.get("detail", {}),
    }


def _kept(previous: Mapping[str, Any] | None, settings: GpuSettings) -> dict[str, Outcome]:
    """
    Parts of an earlier result. Raises ValueError where it was measured otherwise.

    Whether it was the same device is for the reader: machines are lent for short times.
    """
    if previous is None:
        return {}
    if previous.get("schema") != SCHEMA or previous.get("kind") != "gpu":
        raise ValueError("the file is of another version or another benchmark")
    before, now = previous["settings"], asdict(settings)
    if other := [name for name in now if before.get(name) != now[name]]:
        was = ", ".join(f"{name} {before.get(name)}" for name in other)
        raise ValueError(f"the file was measured with other settings: {was}")
    return dict(previous["parts"])


def _ceilings(done: Mapping[str, Outcome]) -> Ceilings | None:
    found = done.get("ceilings", {}).get("found")
    return Ceilings(found["bandwidth"], found["matmul"]) if found else None


def _result(
    done: Mapping[str, Outcome], settings: GpuSettings, watch: LoadWatch, *, partial: bool
) -> dict[str, Any]:
    load = watch.read()
    nothing = outcome("not measured")
    return {
        "schema": SCHEMA,
        "kind": "gpu",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "environment": done.get("environment", nothing)["found"],
        "settings": asdict(settings),
        "load": asdict(load),
        "disturbed": load.disturbed,
        "partial": partial,
        "parts": dict(done),
        "rows": [row_entry(row, done.get(row.name, nothing)) for row in ROWS],
    }

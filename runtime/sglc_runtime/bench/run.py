"""Measure rows one after another; what fails is reported and the others go on."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from sglc_runtime.bench.figures import Figure, MissingPeerError, Status
from sglc_runtime.bench.lab import Lab, Progress, Settings
from sglc_runtime.bench.packages import installed
from sglc_runtime.bench.rows import MODELS, Row
from sglc_runtime.machine_load import Load, LoadWatch, hardware

SCHEMA = 1
"""Raised when the meaning of the data changes."""
PACKAGES = ("sglc", "torch", "transformers", "llama-cpp-python")


def run_rows(rows: Sequence[Row], settings: Settings, report: Progress) -> dict[str, Any]:
    """
    Figures and the machine they were measured on, as plain data ready for JSON.

    Ctrl-C ends it with what there is: `partial` is set, and rows say how far they got.
    """
    lab = Lab(settings, report)
    watch = LoadWatch()
    found: dict[str, dict[str, Any]] = {}
    partial = False
    model = None
    for number, row in enumerate(measuring_order(rows)):
        if row.model != model:
            lab.release()
            model = row.model
        report(f"[{number + 1}/{len(rows)}] {row.what}, over {row.peer}")
        try:
            found[row.name] = measured(row, lab)
            partial = found[row.name]["status"] == "partial"
        except KeyboardInterrupt:
            partial = True
        if partial:
            report("interrupted: what was measured so far is kept")
            break
    lab.release()
    load = watch.read()
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "hardware": asdict(hardware()),
        "versions": versions(),
        "settings": {
            "repeats": settings.repeats,
            "threads": {
                "embedded": lab.threads(None),
                "135M": lab.threads(settings.medium),
                "0.6B": lab.threads(settings.large),
            },
            "quick": settings.quick,
            "shapes": [settings.medium.name, settings.large.name],
        },
        "load": asdict(load),
        "disturbed": load.disturbed,
        "partial": partial,
        "rows": [found.get(row.name) or _entry(row, "not measured") for row in rows],
    }


def measuring_order(rows: Sequence[Row]) -> list[Row]:
    """Rows of one model together, so that models are loaded once and one at a time."""
    return sorted(rows, key=lambda row: MODELS.index(row.model))


def measured(row: Row, lab: Lab) -> dict[str, Any]:
    """One row; an error becomes its status."""
    watch = LoadWatch()
    began = perf_counter()
    try:
        figure = row.measure(lab)
    except MissingPeerError as error:
        return _entry(row, "no peer", message=str(error))
    except Exception as error:  # one row's failure must not end the others
        trace = traceback.format_exception(error)
        entry = _entry(row, "failed", message=f"{type(error).__name__}: {error}")
        return entry | {"detail": {"traceback": trace}}
    return _entry(row, _status(figure), figure, watch.read(), perf_counter() - began)


def versions() -> dict[str, str]:
    """Of Python and of the packages compared; those that are not installed are left out."""
    return {"python": platform.python_version()} | installed(PACKAGES)


def _status(figure: Figure) -> Status:
    if figure.partial:  # whatever else: the run ends here
        return "partial"
    return "no peer" if figure.missing else "measured"


def _entry(
    row: Row,
    status: Status,
    figure: Figure | None = None,
    load: Load | None = None,
    seconds: float = 0.0,
    *,
    message: str = "",
) -> dict[str, Any]:
    value = figure.value if figure else None
    verdict = row.target.verdict(value.median) if row.target and value else "no target"
    return {
        "name": row.name,
        "what": row.what,
        "over": row.peer,
        "unit": row.unit,
        "target": asdict(row.target) if row.target else None,
        "status": status,
        "message": figure.missing if figure else message,
        "value": asdict(value) if value else None,
        "verdict": verdict if value else None,
        "ours": asdict(figure.ours) if figure else None,
        "peer": asdict(figure.peer) if figure and figure.peer else None,
        "notes": list(figure.notes) if figure else [],
        "load": asdict(load) if load else None,
        "disturbed": load.disturbed if load else None,
        "seconds": seconds,
        "detail": figure.detail if figure else {},
    }

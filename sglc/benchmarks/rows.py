"""
What rows of a batch cost without a model: `python -m sglc.benchmarks.rows '{"rows": 1000}'`.

A process of its own for each measurement, because a process's peak memory never falls. The backend
answers at once, so that only the execution of programs is measured.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import sglc as sgl
from sglc.execution.requests import (
    AppendStep,
    Chain,
    GenResult,
    SelectResult,
    SelectStep,
    Sink,
    Warmup,
)
from sglc.execution.session import ExecOptions
from sglc.language.chat_template import ChatTemplate, get_chat_template
from sglc.language.function import SglFunction
from sglc.language.state import ProgramState

ANSWER = " a few plain words"


@dataclass(frozen=True, slots=True)
class RowBench:
    """One measurement."""

    rows: int = 2000
    host: bool = False
    """Rows wait in host code, as many at once as there are threads."""
    forks: int = 0
    """Branches of each row's fork."""
    threads: int | None = None
    """`num_threads` of `run_batch`."""
    compiled: bool = True
    executor: Literal["emitted", "region"] = "emitted"
    """Of compiled rows without host code; see `ExecOptions`."""


@dataclass(frozen=True, slots=True)
class RowFigures:
    """What was measured; memory in MiB of the whole process."""

    seconds: float
    cpu_seconds: float
    memory_before: float
    memory_peak: float
    threads: int
    """Most at one time, with those of the process itself."""


class InstantBackend:
    """Answers every generation with the same text before `submit` returns."""

    wants_snapshots = False

    def __init__(self) -> None:
        self.threads = 0
        self._template = get_chat_template("default")

    def get_chat_template(self) -> ChatTemplate:
        """The default template."""
        return self._template

    def submit(self, work: Sequence[Chain | Warmup], sink: Sink) -> None:
        """Answer all."""
        self.look()
        for item in work:
            for number, step in enumerate(item.steps if isinstance(item, Chain) else ()):
                if isinstance(step, SelectStep):
                    sink.finished(item.id, number, SelectResult(step.choices[0], {}))
                elif not isinstance(step, AppendStep):
                    sink.finished(item.id, number, GenResult((ANSWER,), {"completion_tokens": 4}))

    def cancel(self, chains: Sequence[int]) -> None:
        """Nothing is ever under way."""

    def look(self) -> None:
        """Note how many threads there are now."""
        self.threads = max(self.threads, threading.active_count())


class Gate:
    """Host code that returns once `together` rows are in it, or all that are left."""

    def __init__(self, rows: int, together: int, look: Callable[[], None]) -> None:
        self._rows = rows
        self._together = together
        self._look = look
        self._arrived = 0
        self._condition = threading.Condition()

    def __call__(self) -> None:
        with self._condition:
            self._arrived += 1
            wave = -(-self._arrived // self._together) * self._together
            if self._arrived in (wave, self._rows):
                self._look()
                self._condition.notify_all()
            self._condition.wait_for(lambda: self._arrived >= min(wave, self._rows))


@sgl.function
def conversation(s: ProgramState, number: int) -> None:
    """Three answers, the second read by the text before the third."""
    s += "Question " + str(number) + ": what is it?" + sgl.gen("first", max_tokens=8)
    s += " And then: " + sgl.gen("second", max_tokens=8)
    s += "Because of " + s["second"] + sgl.gen("third", max_tokens=8)


@sgl.function
def branches(s: ProgramState, number: int, size: int) -> None:
    """A fork whose answers are all appended."""
    s += "Question " + str(number) + ": what is it?" + sgl.gen("first", max_tokens=8)
    forks = s.fork(size)
    for index, f in enumerate(forks):
        f += " Part " + str(index) + ":" + sgl.gen("part", max_tokens=8)
    for f in forks:
        s += f["part"]
    s += sgl.gen("last", max_tokens=8)


@sgl.function
def waiting(s: ProgramState, number: int, gate: Gate) -> None:
    """Host code between two answers."""
    s += "Question " + str(number) + ": what is it?" + sgl.gen("first", max_tokens=8)
    gate()
    s += " And then: " + sgl.gen("second", max_tokens=8)


def measure(bench: RowBench) -> RowFigures:
    """Run the rows once in this process."""
    backend = InstantBackend()
    program, rows = _program(bench, backend)
    # What is made once does not belong to the rows.
    program.run_batch(_program(RowBench(2, bench.host, bench.forks), backend)[1], backend=backend)
    before, start, cpu = memory()[0], time.perf_counter(), time.process_time()
    states = program.run_batch(
        rows,
        backend=backend,
        compiled=bench.compiled,
        num_threads=bench.threads or "auto",
        options=ExecOptions(executor=bench.executor) if bench.compiled else None,
    )
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    backend.look()
    assert isinstance(states, list)
    assert len(states) == bench.rows
    assert states[-1].text().endswith(ANSWER)
    return RowFigures(seconds, cpu, before, memory()[1], backend.threads)


def _program(
    bench: RowBench, backend: InstantBackend
) -> tuple[SglFunction, list[dict[str, object]]]:
    numbers = range(bench.rows)
    if bench.host:
        gate = Gate(bench.rows, min(bench.rows, bench.threads or 96), backend.look)
        return waiting, [{"number": number, "gate": gate} for number in numbers]
    if bench.forks:
        return branches, [{"number": number, "size": bench.forks} for number in numbers]
    return conversation, [{"number": number} for number in numbers]


def memory() -> tuple[float, float]:
    """Resident memory now and at most, in MiB; zeros where the system does not tell."""
    found = {"VmRSS": 0.0, "VmHWM": 0.0}
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) / 1024
    except OSError:
        pass
    return found["VmRSS"], found["VmHWM"]


if __name__ == "__main__":
    print(json.dumps(asdict(measure(RowBench(**json.loads(sys.argv[1]))))))

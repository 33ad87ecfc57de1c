"""The parts of `sglc bench gpu`, in the order of their importance."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from sglc_runtime.bench.figures import Figure, MissingPeerError
from sglc_runtime.bench.gpu.ceilings import measure_ceilings
from sglc_runtime.bench.gpu.check import check, checking_order, failed, worst_of
from sglc_runtime.bench.gpu.environment import environment
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.gpu.measure import measure
from sglc_runtime.kernels.triton.cases.catalog import catalog

Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that is measured in a process of its own."""

    name: str
    what: str
    run: Callable[[GpuLab], Found]
    needs_ceilings: bool = False


def check_part(lab: GpuLab) -> Found:
    """
    Every case against float64.

    A case that was being tried when an earlier process died counts as failed and is left out.
    """
    cases = checking_order(catalog())
    if lab.device.type != "cuda":
        cases = [case for case in cases if case.small]
    if lab.settings.tiny:
        cases = _one_of_each(cases)
    done = {entry["name"]: entry for entry in (lab.previous or {}).get("cases", [])}
    trying = (lab.previous or {}).get("trying")
    for number, case in enumerate(cases):
        if case.name in done:
            continue
        if case.name == trying:
            done[case.name] = asdict(failed(case, "the process ended while the kernel ran"))
            continue
        if number % 25 == 0:
            lab.report(f"case {number + 1} of {len(cases)}")
        lab.save({"cases": [*done.values()], "trying": case.name})
        found = check(case, lab.device)
        done[case.name] = asdict(found)
        if is_sticky(found.message):
            lab.save({"cases": [*done.values()], "trying": None})
            raise BrokenDeviceError(f"{case.name}: {found.message}")
    return {"cases": [*done.values()], "trying": None, "worst": [*worst_of(done.values())]}


class BrokenDeviceError(Exception):
    """The process cannot use the device any more; another one can."""


def is_sticky(message: str) -> bool:
    """Whether an error leaves the process's context on the device unusable."""
    signs = (
        "illegal memory access", "illegal instruction", "misaligned address", "device-side assert",
        "CUDA error", "unspecified launch",
    )  # fmt: skip
    return any(sign in message for sign in signs)


def _one_of_each(cases: list[Any]) -> list[Any]:
    first: dict[str, Any] = {}
    for case in cases:
        first.setdefault(case.kernel, case)
    return [*first.values()]


def kernels_part(lab: GpuLab) -> Found:
    """The time of every realistic case."""
    ceilings, timer = lab.known_ceilings(), lab.timer()
    cases = [case for case in checking_order(catalog()) if case.small == lab.settings.tiny]
    if lab.settings.tiny:
        cases = _one_of_each(cases)
    done = {entry["name"]: entry for entry in (lab.previous or {}).get("cases", [])}
    trying = (lab.previous or {}).get("trying")
    for case in cases:
        if case.name in done or case.name == trying:
            continue
        lab.save({"cases": [*done.values()], "trying": case.name})
        try:
            found = measure(case, lab.device, timer, ceilings, lab.settings.kernel_repeats)
        except Exception as error:  # one case's failure must not hide the others'
            if is_sticky(str(error)):
                raise BrokenDeviceError(f"{case.name}: {error}") from error
            lab.report(f"{case.name}: {type(error).__name__}: {error}")
            continue
        done[case.name] = asdict(found)
    return {"cases": [*done.values()], "trying": None}


def compile_part(lab: GpuLab) -> Found:
    """
    Compile every case's kernels for this device on all cores, into Triton's cache.

    Later parts then find them there; one after another they would take most of the time.
    """
    if lab.device.type != "cuda":
        raise MissingPeerError("nothing is compiled for CPUs")
    import torch

    major, minor = torch.cuda.get_device_capability(lab.device)
    jobs = lab.settings.jobs or min(16, os.cpu_count() or 1)
    lab.report(f"compiling in {jobs} processes")
    # Fresh processes: a fork of one that uses the device cannot.
    context = multiprocessing.get_context("spawn")
    work = partial(_compiled, architecture=10 * major + minor, jobs=jobs)
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        found = [entry for entries in pool.map(work, range(jobs)) for entry in entries]
    return {"kernels": found, "problems": [entry for entry in found if entry["problem"]]}


def _compiled(job: int, architecture: int, jobs: int) -> list[dict[str, Any]]:
    from sglc_runtime.kernels.triton.ahead import compile_form
    from sglc_runtime.kernels.triton.forms import forms_of

    found = [compile_form(form) for form in [*forms_of(catalog(), architecture)][job::jobs]]
    return [asdict(each) | {"problem": each.problem} for each in found]


def environment_part(lab: GpuLab) -> Found:
    """What everything runs on."""
    return environment(lab.device)


def ceilings_part(lab: GpuLab) -> Found:
    """The rates that shares are of."""
    found = measure_ceilings(lab.timer(), lab.device, tiny=lab.settings.tiny)
    return asdict(found) | {"driver": environment(lab.device)["driver"]}


def row_part(name: str) -> Callable[[GpuLab], Found]:
    """A part that measures a row."""

    def run(lab: GpuLab) -> Found:
        from sglc_runtime.bench.gpu.rows import ROWS

        row = next(row for row in ROWS if row.name == name)
        return {"figure": plain(row.measure(lab))}

    return run


def plain(figure: Figure) -> Found:
    """A figure as data for JSON."""
    return asdict(figure)


def profile_part(lab: GpuLab) -> Found:
    """The decode loop's kernels and waits."""
    from sglc_runtime.bench.gpu.profile import profile_decode

    return profile_decode(lab)


def _row(name: str, what: str, *, ceilings: bool = False) -> Part:
    return Part(name=name, what=what, run=row_part(name), needs_ceilings=ceilings)


PARTS: tuple[Part, ...] = (
    Part(name="environment", what="the device and what drives it", run=environment_part),
    Part(name="ceilings", what="copy bandwidth and matmul rate", run=ceilings_part),
    Part(name="compile", what="kernels, compiled ahead on all cores", run=compile_part),
    Part(name="check", what="every kernel against float64", run=check_part),
    _row("agreement", "greedy tokens of the engine and of transformers, 0.6B"),
    _row("decode-8b", "decode step, 8B", ceilings=True),
    _row("decode-0.6b", "decode step, 0.6B", ceilings=True),
    _row("decode-attention", "decode attention alone", ceilings=True),
    _row("prefill-8b", "prefill, 8B", ceilings=True),
    _row("tree-attention", "tree decoding over decoding"),
    _row("branches-8b", "branches over single requests, 8B"),
    _row("requests-0.6b", "256 requests over generate_batch, 0.6B"),
    Part(name="profile", what="where decode steps spend their time", run=profile_part),
    Part(
        name="kernels", what="time of every realistic case", run=kernels_part, needs_ceilings=True
    ),
)

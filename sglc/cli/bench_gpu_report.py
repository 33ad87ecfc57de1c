"""What `sglc bench gpu` found, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sglc.cli.bench_figures import figures

Result = Mapping[str, Any]


def headline(result: Result) -> str:
    """The device, its ceilings and what they were measured with."""
    environment = result["environment"]
    device = environment.get("device", {})
    driver = environment.get("driver", {})
    packages = ", ".join(f"{name} {v}" for name, v in environment.get("versions", {}).items() if v)
    size = f", {device['multiprocessors']} SMs" if "multiprocessors" in device else ""
    said = [
        f"{result['date']}; {packages}",
        f"{device.get('name', 'unknown device')}{size}"
        + "".join(f"; {name} {driver[name]}" for name in _SAID if name in driver),
    ]
    ceilings = found(result, "ceilings")
    if ceilings:
        said.append(
            f"copy {ceilings['bandwidth'] / 1e12:.2f} TB/s,"
            f" bfloat16 product {ceilings['matmul'] / 1e12:.0f} TFLOP/s"
        )
    before, after = result["load"]["average"]
    said.append(
        f"{result['load']['cores']} cores, {result['load']['cpu']};"
        f" load average {before:.2f} to {after:.2f}"
    )
    if result["settings"]["tiny"]:
        said.append("TINY shapes: figures say nothing")
    if result["partial"]:
        said.append("PARTIAL: ended before it was through")
    return "\n".join(said)


_SAID = ("driver_version", "clocks.sm", "power.limit")


def kernel_table(result: Result) -> str:
    """Kernels: worst error against float64 for each type, and the share of ceilings."""
    checked = found(result, "check").get("worst", [])
    timed = found(result, "kernels").get("cases", [])
    lines = ["| kernel | type | cases | worst error | must be below | wrong |", "|" + "---|" * 6]
    for entry in checked:
        error = "none" if entry["error"] is None else f"{entry['error']:.1e}"
        lines.append(
            f"| {entry['kernel']} | {entry['dtype']} | {entry['cases']} | {error}"
            f" | {entry['tolerance']:g} | {entry['wrong'] or ''} |"
        )
    if timed:
        lines += ["", "| case | us | share of bandwidth | share of matmul |", "|" + "---|" * 4]
    for entry in timed:
        lines.append(
            f"| {entry['name']} | {figures(1e6 * entry['seconds'])}"
            f" | {figures(entry['bandwidth_share'])}% | {figures(entry['matmul_share'])}% |"
        )
    lines += list(_profile_lines(found(result, "profile")))
    return "\n".join(lines) if checked or timed or len(lines) > 2 else ""


def _profile_lines(profiles: Mapping[str, Any]) -> Iterator[str]:
    for shape, profile in profiles.items():
        yield ""
        waits = ", ".join(f"{name} {n}" for name, n in profile["waits"].items()) or "none"
        unasked = profile["synchronisations"]
        where = ", ".join(f"{place} {n}" for place, n in unasked.items()) or "none"
        yield (
            f"{shape}, {profile['rows']} sequences, {profile['steps']} steps: waits of the host:"
            f" {waits}; synchronising operations: {where}"
        )
        yield ""
        yield "| kernel | calls | ms | share |"
        yield "|---|---|---|---|"
        for entry in profile["largest"]:
            yield (
                f"| {entry['name'][:80]} | {entry['calls']} | {figures(1e3 * entry['seconds'])}"
                f" | {100 * entry['share']:.1f}% |"
            )


def problems(result: Result) -> list[str]:
    """One line for everything that is wrong."""
    said = [
        f"{name}: {part['status']}: {part['message']}"
        for name, part in result["parts"].items()
        if part["status"] in ("failed", "partial", "broken")
    ]
    said += [
        f"{entry['kernel']}, {entry['name']}: {entry['message'] or 'error'} {entry['error'] or ''}"
        for entry in found(result, "check").get("cases", [])
        if not entry["ok"]
    ]
    said += [
        f"{entry['kernel']}: {entry['function']}: {entry['problem']}"
        for entry in found(result, "compile").get("problems", [])
    ]
    return [line.rstrip() for line in said]


def found(result: Result, part: str) -> Mapping[str, Any]:
    """What a part found; nothing where it did not run."""
    data: Mapping[str, Any] = result["parts"].get(part, {}).get("found", {})
    return data

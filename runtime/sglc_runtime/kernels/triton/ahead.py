"""
Compile the Triton kernels for GPUs that are not there, and say what they take.

`python -m sglc_runtime.kernels.triton.ahead` compiles every form in which the cases of the catalog
launch kernels, and prints a table of registers, shared memory and spills for each architecture. A
kernel that does not compile, spills, or does not fit is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from sglc_runtime.arguments import output_file
from sglc_runtime.kernels.triton.cases.case import Case
from sglc_runtime.kernels.triton.cases.catalog import catalog
from sglc_runtime.kernels.triton.forms import Form, forms_of
from sglc_runtime.kernels.triton.machine_code import machine_code
from sglc_runtime.kernels.triton.tools import look_into

ARCHITECTURES = (80, 90, 100)
SHARED_MEMORY = {80: 163, 86: 99, 89: 99, 90: 227, 100: 227, 120: 99}
"""KiB of shared memory that a program may use (CUDA programming guide, compute capabilities)."""
TENSOR_MEMORY = 512
"""Columns of tensor memory of an sm_100 multiprocessor."""
COLUMNS = (
    "kernel", "function", "sm", "registers", "shared memory, bytes", "spills, bytes", "products",
)  # fmt: skip
FEW = 2
"""Forms of a function that the short check compiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What one form takes on one architecture."""

    kernel: str
    """Name of the first case that launches the form."""
    function: str
    architecture: int
    registers: int = 0
    shared: int = 0
    """Bytes of shared memory of a program."""
    spills: int = 0
    """Bytes of local memory of a thread."""
    tensor_memory: int = 0
    products: str = ""
    """What multiplies matrices: see `MachineCode.products`."""
    copies: int = 0
    """Asynchronous copies to shared memory among its instructions, of 16 bytes or whole tiles."""
    error: str = ""
    """Why it did not compile."""

    @property
    def problem(self) -> str | None:
        """Why the kernel must not be shipped, or None."""
        if self.error:
            return f"does not compile: {self.error}"
        if self.spills:
            return f"spills {self.spills} bytes"
        if self.shared > SHARED_MEMORY.get(self.architecture, 48) * 1024:
            return f"takes {self.shared} bytes of shared memory"
        if self.tensor_memory > TENSOR_MEMORY:
            return f"takes {self.tensor_memory} columns of tensor memory"
        return None


def compile_form(form: Form) -> Compiled:
    """Compile to a cubin; what Triton raises becomes `error`. Raises RuntimeError without tools."""
    import triton

    about = Compiled(kernel=form.case.name, function=form.function, architecture=form.target.arch)
    try:
        binary = triton.compile(form.source, target=form.target, options=form.options)
    except Exception as error:  # one kernel's failure must not hide the others'
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        return replace(about, error=f"{type(error).__name__}: {lines[-1]}")
    registers, spills = resources(binary.asm["cubin"])
    code = machine_code(binary.asm["cubin"])
    return replace(
        about,
        products=code.products,
        copies=code.copies,
        registers=registers,
        spills=spills,
        shared=binary.metadata.shared,
        tensor_memory=getattr(binary.metadata, "tmem_size", None) or 0,
    )


def resources(cubin: bytes) -> tuple[int, int]:
    """Registers and bytes of local memory of a thread, as Triton's own `cuobjdump` says."""
    done = look_into(cubin, "cuobjdump", "-res-usage")
    text = done.stdout + done.stderr
    registers, local = re.search(r"REG:(\d+)", text), re.search(r"LOCAL:(\d+)", text)
    if registers is None or local is None:
        raise RuntimeError(f"cuobjdump says nothing of registers:\n{text[:500]}")
    return int(registers[1]), int(local[1])


def few(forms: Iterable[Form]) -> Iterator[Form]:
    """Two forms of every function, bfloat16 where it can: heads of 128 and of one more size."""
    of_function: dict[str, list[Form]] = {}
    for form in forms:
        of_function.setdefault(form.function, []).append(form)
    for found in of_function.values():
        # Of the usual type one of each size first, the usual size before all.
        turn: Counter[tuple[str, int | None]] = Counter()
        ranked: list[tuple[bool, int, bool, int]] = []
        for number, form in enumerate(found):
            kind = form.case.dtype_name, form.dim
            ranked.append((kind[0] != "bfloat16", turn[kind], form.dim != 128, number))
            turn[kind] += 1
        yield from (found[number] for *_, number in sorted(ranked)[:FEW])


def selected(kernels: Sequence[str], dtypes: Sequence[str]) -> list[Case]:
    """
    Cases whose kernel is named and whose type is.

    Raises ValueError for a name that no case has.
    """
    cases = [*catalog()]
    for wanted, known in (
        (kernels, {case.kernel for case in cases}),
        (dtypes, {case.dtype_name for case in cases}),
    ):
        if unknown := sorted(set(wanted) - known):
            raise ValueError(f"no {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return [
        case
        for case in cases
        if (not kernels or case.kernel in kernels) and (not dtypes or case.dtype_name in dtypes)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Compile and print the table; 1 where a kernel must not be shipped."""
    chosen = _parser().parse_args(argv)
    try:
        cases = selected(_listed(chosen.kernels), _listed(chosen.dtypes))
        if os.environ.get("TRITON_INTERPRET") == "1":
            raise ValueError("kernels are interpreted here: set TRITON_INTERPRET=0")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if chosen.realistic:
        cases = [case for case in cases if not case.small]
    architectures: list[int] = chosen.architectures
    found: list[Compiled] = []
    if not chosen.wide:
        print(_heading(COLUMNS))
    for architecture in architectures:
        forms = forms_of(cases, architecture)
        for form in few(forms) if chosen.few else forms:
            found.append(compile_form(form))
            if not chosen.wide:
                print(_line(found[-1]), flush=True)
    if chosen.wide:
        print("\n".join(wide(found, architectures)))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    bad = sum(each.problem is not None for each in found)
    if bad:
        print(f"{bad} of {len(found)} do not compile, spill or do not fit", file=sys.stderr)
    return int(bad > 0)


def _architectures(text: str) -> list[int]:
    found = _listed(text)
    if not found or not all(each.isdecimal() and int(each) >= 75 for each in found):
        raise argparse.ArgumentTypeError(f"{text!r}: numbers from 75 on, such as 80,90")
    return [int(each) for each in found]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sglc_runtime.kernels.triton.ahead")
    parser.add_argument("--kernels", default="", help="such as store,merge; default all")
    parser.add_argument("--dtypes", default="", help="such as bfloat16,float16; default all")
    parser.add_argument("--architectures", type=_architectures, default=[*ARCHITECTURES])
    parser.add_argument("--few", action="store_true", help="only some forms of every kernel")
    parser.add_argument(
        "--realistic", action="store_true", help="only what is launched at sizes that models have"
    )
    parser.add_argument(
        "--wide", action="store_true", help="print a row for each form, architectures side by side"
    )
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write all data there too")
    return parser


def wide(found: Iterable[Compiled], architectures: Sequence[int]) -> Iterator[str]:
    """The table with a row for each form: registers, KiB of shared memory, matrix products."""
    yield _heading(("kernel", "function", *(f"sm_{each}" for each in architectures)))
    rows: dict[tuple[str, str], dict[int, Compiled]] = {}
    for each in found:
        rows.setdefault((each.kernel, each.function), {})[each.architecture] = each
    for (kernel, function), compiled in rows.items():
        cells = []
        for architecture in architectures:
            one = compiled.get(architecture)
            said = "" if one is None else _takes(one)
            cells.append(said if one is None or one.problem is None else f"**{one.problem}**")
        yield f"| {' | '.join((kernel, function, *cells))} |"


def _takes(compiled: Compiled) -> str:
    products = f", {compiled.products}" if compiled.products not in ("", "none") else ""
    return f"{compiled.registers}, {compiled.shared / 1024:.0f} KiB{products}"


def _heading(names: Sequence[str]) -> str:
    return f"| {' | '.join(names)} |\n|" + "---|" * len(names)


def _listed(text: str) -> list[str]:
    return [part for each in text.split(",") if (part := each.strip())]


def _line(compiled: Compiled) -> str:
    why = "" if compiled.problem is None else f" **{compiled.problem}**"
    cells = (
        compiled.kernel,
        compiled.function,
        compiled.architecture,
        compiled.registers,
        compiled.shared,
        compiled.spills,
        compiled.products,
    )
    return f"| {' | '.join(map(str, cells))} |{why}"


if __name__ == "__main__":
    sys.exit(main())

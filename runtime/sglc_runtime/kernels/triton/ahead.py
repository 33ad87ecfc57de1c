"""
Compile the Triton kernels for GPUs that are not there, and say what they take.

`python -m sglc_runtime.kernels.triton.ahead` prints a table of registers, shared memory and spills
for each kernel, shape and architecture. A kernel that spills, or that does not fit, is an error.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sglc_runtime.attention.tiles import choose_tile
from sglc_runtime.kernels.triton.attend import attend_kernel
from sglc_runtime.kernels.triton.merge import merge_kernel
from sglc_runtime.kernels.triton.store import store_kernel

ARCHITECTURES = (80, 90, 100)
SHARED_MEMORY = {80: 163, 90: 227, 100: 227}
"""KiB of shared memory that a program may use."""
DIMS = (32, 64, 80, 96, 128, 256)
DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True, slots=True)
class Case:
    """One kernel with its constants."""

    name: str
    kernel: Any
    signature: dict[str, str]
    constants: dict[str, Any]
    warps: int
    stages: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """What one kernel takes on one architecture."""

    name: str
    architecture: int
    registers: int
    shared: int
    """Bytes."""
    spills: int
    """Bytes of local memory of a thread."""


def cases(dims: Sequence[int] = DIMS, dtypes: Sequence[str] = tuple(DTYPES)) -> Iterator[Case]:
    """All kernels in the shapes that models use; four query heads for a KV head."""
    for dtype in dtypes:
        for dim in dims:
            for kind in ("decode", "extend", "fixed"):
                yield _attend(kind, dim, dtype)
            yield _merge(dim, dtype)
        yield _store(dtype)


def _attend(kind: str, dim: int, dtype: str, group: int = 4) -> Case:
    torch_type = DTYPES[dtype]
    tile = choose_tile(dim, group, torch_type, decoding=kind == "decode", fixed=kind == "fixed")
    pointers = dict.fromkeys(("query", "keys", "values"), f"*{dtype}")
    pointers |= dict.fromkeys(("table", "slots", "positions"), "*i32")
    pointers |= dict.fromkeys(("out", "lse"), "*fp32")
    numbers = dict.fromkeys(("query_step", "slot_step", "window", "heads"), "i32")
    numbers |= {"head_step": "i64"} | dict.fromkeys(("scale", "softcap"), "fp32")
    constants = {
        "GROUP": group, "DIM": dim, "WIDE": max(16, triton.next_power_of_2(dim)),
        "BLOCK_M": tile.block_m, "BLOCK_N": tile.block_n,
        "WINDOW": True, "SOFTCAP": True, "UPCAST": False, "IEEE": dtype == "fp32",
    }  # fmt: skip
    name = f"attend {kind} {dim} {dtype}"
    return Case(name, attend_kernel, pointers | numbers, constants, tile.warps, tile.stages)


def _merge(dim: int, dtype: str) -> Case:
    signature = dict.fromkeys(("partial", "lse", "sinks"), "*fp32")
    signature |= dict.fromkeys(("part_starts", "parts"), "*i32") | {"out": f"*{dtype}"}
    signature |= dict.fromkeys(("heads", "out_step"), "i32")
    constants = {"DIM": dim, "WIDE": triton.next_power_of_2(dim), "SINKS": True}
    return Case(f"merge {dim} {dtype}", merge_kernel, signature, constants, 1, 3)


def _store(dtype: str, heads: int = 8, dim: int = 128) -> Case:
    signature = dict.fromkeys(("key", "value", "keys", "values"), f"*{dtype}")
    signature |= {"slots": "*i64", "head_step": "i64"}
    signature |= dict.fromkeys(("key_step", "value_step", "slot_step"), "i32")
    constants = {
        "DIM": dim, "WIDE": triton.next_power_of_2(dim),
        "HEADS": heads, "MANY": triton.next_power_of_2(heads),
    }  # fmt: skip
    return Case(f"store {dtype}", store_kernel, signature, constants, 4, 3)


def compile_case(case: Case, architecture: int) -> Compiled:
    """Compile to a cubin; raises what Triton raises, and RuntimeError where the tools fail."""
    names = case.kernel.arg_names
    constants = {(names.index(name),): value for name, value in case.constants.items()}
    signature = {
        name: "constexpr" if name in case.constants else case.signature[name] for name in names
    }
    source = ASTSource(case.kernel, signature=signature, constexprs=constants)
    options = {"num_warps": case.warps, "num_stages": case.stages}
    binary = triton.compile(source, target=GPUTarget("cuda", architecture, 32), options=options)
    registers, spills = _resources(binary.asm["cubin"])
    return Compiled(case.name, architecture, registers, binary.metadata.shared, spills)


def _resources(cubin: bytes) -> tuple[int, int]:
    """Registers and bytes of local memory of a thread, as `cuobjdump` says."""
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [str(tool), "-res-usage", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    registers, local = re.search(r"REG:(\d+)", text), re.search(r"LOCAL:(\d+)", text)
    if registers is None or local is None:
        raise RuntimeError(f"cuobjdump says nothing of registers:\n{text[:500]}")
    return int(registers[1]), int(local[1])


def problem(compiled: Compiled) -> str | None:
    """Why a kernel must not be shipped, or None."""
    if compiled.spills:
        return f"spills {compiled.spills} bytes"
    if compiled.shared > SHARED_MEMORY[compiled.architecture] * 1024:
        return f"takes {compiled.shared} bytes of shared memory"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Compile everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m sglc_runtime.kernels.triton.ahead")
    parser.add_argument("--dims", default=",".join(map(str, DIMS)), help="head dimensions")
    parser.add_argument("--dtypes", default=",".join(DTYPES), help="data types")
    parser.add_argument("--architectures", default=",".join(map(str, ARCHITECTURES)))
    chosen = parser.parse_args(argv)
    dims = [int(each) for each in chosen.dims.split(",")]
    bad = 0
    print("| kernel | sm | registers | shared memory, bytes | spills, bytes |")
    print("|---|---|---|---|---|")
    for case in cases(dims, chosen.dtypes.split(",")):
        for architecture in map(int, chosen.architectures.split(",")):
            compiled = compile_case(case, architecture)
            why = problem(compiled)
            bad += why is not None
            print(
                f"| {compiled.name} | {architecture} | {compiled.registers} | {compiled.shared}"
                f" | {compiled.spills} |{'' if why is None else f' **{why}**'}",
                flush=True,
            )
    if bad:
        print(f"{bad} kernels spill or do not fit", file=sys.stderr)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

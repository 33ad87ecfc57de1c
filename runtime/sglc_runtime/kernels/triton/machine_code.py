"""
What a compiled kernel is made of: its instructions, counted in the disassembly.

Whether products of matrices run on the tensor cores' asynchronous path, and whether memory is read
16 bytes at a time and ahead of its use, can be seen there without a GPU.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from sglc_runtime.kernels.triton.tools import look_into

_INSTRUCTION = re.compile(
    r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*(?:\.[A-Za-z0-9_]+)*)"
)


@dataclass(frozen=True, slots=True)
class MachineCode:
    """Counts of instructions, by what they do; loops are counted once."""

    products: str
    """`wgmma` (sm_90), `tcgen05` (sm_100), `mma` or `none`: the widest that occurs."""
    copies: int
    """Asynchronous copies from global to shared memory of 16 bytes a thread, or whole tiles."""
    wide: int
    """Loads and stores of 16 bytes in global memory."""
    narrow: int
    """Those of less; indices and statistics of rows have to be among them."""
    local: int
    """Loads and stores of local memory: registers that did not fit."""
    total: int


def machine_code(cubin: bytes) -> MachineCode:
    """Disassemble with Triton's own nvdisasm and count. Raises RuntimeError where that fails."""
    done = look_into(cubin, "nvdisasm", "-c")
    if done.returncode:
        raise RuntimeError(f"nvdisasm cannot read a kernel:\n{done.stderr[:500]}")
    return counted(done.stdout)


def counted(text: str) -> MachineCode:
    """Count the instructions of a disassembly."""
    found = Counter(_INSTRUCTION.findall(text))

    def count(*prefixes: str, ending: str = "") -> int:
        return sum(
            n for name, n in found.items() if name.startswith(prefixes) and name.endswith(ending)
        )

    copies = count("LDGSTS", ending=".128") + count("UBLKCP", "UTMALDG")
    wide = count("LDG.", "STG.", ending=".128") + count("LDG.", "STG.", ending=".256")
    products = (
        "wgmma" if count("HGMMA", "QGMMA", "IGMMA")
        else "tcgen05" if count("UTCHMMA", "UTCQMMA", "UTCMMA")
        else "mma" if count("HMMA", "QMMA", "IMMA", "DMMA")
        else "none"
    )  # fmt: skip
    return MachineCode(
        products=products,
        copies=copies,
        wide=wide,
        narrow=count("LDG.", "STG.", "LDGSTS") + count("LDG", "STG", ending="G")
        - wide - count("LDGSTS", ending=".128"),
        local=count("LDL", "STL"),
        total=found.total(),
    )  # fmt: skip

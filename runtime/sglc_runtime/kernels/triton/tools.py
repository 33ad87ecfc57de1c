"""The programs that Triton brings for looking into compiled kernels."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path


def look_into(cubin: bytes, tool: str, option: str) -> subprocess.CompletedProcess[str]:
    """What `tool` (cuobjdump, nvdisasm) says of a kernel."""
    import triton

    program = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / tool
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [str(program), option, file.name]
        return subprocess.run(command, capture_output=True, text=True, check=False)

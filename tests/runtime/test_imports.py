"""What is imported when: starting fast depends on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "llguidance", "networkx", "triton", "sympy")
START = (
    "from sglc_runtime import InlineEngine, EngineConfig;"
    "from sglc_runtime.protocol import *;"
    "e = InlineEngine(EngineConfig(threads=1));"
    "e.submit([Submit(1, (Text('Hi'),), (Generate(Sampling(max_new_tokens=2)),))]); e.poll()"
)


def imported(code: str) -> set[str]:
    """Heavy packages that `code` brings along, in a fresh process."""
    script = f"import sys\n{code}\nprint(*(m for m in {HEAVY} if m in sys.modules))"
    path = [str(ROOT / "runtime"), *sys.path]
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import sglc_runtime.client, sglc_runtime.protocol, sglc_runtime.errors",
        "from sglc_runtime import EngineProcess, EngineConfig, EngineClient, EngineError",
        "import sglc_runtime.worker, sglc_runtime.wire",
    ],
)
def test_the_clients_side_is_light(code: str) -> None:
    assert imported(code) == set()


def test_a_native_engine_needs_torch_and_nothing_else() -> None:
    assert imported(START) == {"torch"}

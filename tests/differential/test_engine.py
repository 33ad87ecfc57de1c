"""
Random programs on the real engine: eager and compiled agree bit for bit, at any temperature.

The reference configuration (fp32) makes a row's result independent of the batch, of where prefill
was cut and of what the cache held, so parallel and sequential execution give the same text.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sglc.backends.local import LocalBackend
from sglc.execution.session import ExecOptions
from sglc.frontends.script import compile_script
from sglc.passes.pipeline import DEFAULT
from tests.differential.observing import PLAIN, differences, load_module, observe
from tests.differential.python_programs import python_program
from tests.differential.scripts import runner
from tests.differential.twin_programs import twin_program
from tests.runtime.tiny_checkpoints import write_checkpoint

PROGRAMS = 30
SCRIPT_START = "def program(q: str, n: int):\n"
PYTHON_START = "def program(s, q, n, items):\n"
"""Each program then begins with text: the model has no token to start an empty prompt with."""

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    folder = tmp_path_factory.mktemp("llama")
    write_checkpoint(folder, "llama")
    backend = LocalBackend(
        str(folder), inline=True, threads=1, kv_slots=16384, chat_template="chatml"
    )
    yield backend
    backend.shutdown()


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_python(engine: LocalBackend, temperature: float, tmp_path: Path) -> None:
    for seed in range(5000, 5000 + PROGRAMS // 2):
        path = tmp_path / f"program_{seed}.py"
        path.write_text(
            python_program(seed).replace(PYTHON_START, PYTHON_START + '    s += "Start. "\n')
        )
        module = load_module(path)

        def run(module: Any = module, **how: Any) -> Any:
            return module.program.run(
                "Who?", 2, ["x", "y"], temperature=temperature, max_new_tokens=5, **how
            )

        see = partial(observe, run, str(path), delays=False, kept=module.KEPT, on=engine)
        eager = see(compiled=False, options=PLAIN)
        compiled = see(compiled=True, options=ExecOptions())
        assert differences(eager, compiled) == [], path.read_text()


def test_scripts(engine: LocalBackend, tmp_path: Path) -> None:
    for seed in range(5000, 5000 + PROGRAMS // 2):
        path = tmp_path / f"program_{seed}.sgl"
        text = twin_program(seed).script.replace(SCRIPT_START, SCRIPT_START + '    "Start. "\n')
        path.write_text("use max_tokens=5\n\n" + text)
        plain, passed = compile_script(path), compile_script(path)
        DEFAULT.run(passed)
        seen = [
            observe(
                runner(module, "program", {"q": "Who?", "n": 2}),
                str(path),
                compiled=True,
                options=options,
                delays=False,
                on=engine,
            )
            for module, options in ((plain, PLAIN), (passed, ExecOptions()))
        ]
        assert differences(*seen) == [], path.read_text()

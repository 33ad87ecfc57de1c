"""The checks that must notice a mutant, in the order in which they are asked."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from sglc.backends.recording import RecordingBackend
from sglc.diagnostics.core import VerifyError
from sglc.execution.session import ExecOptions
from sglc.frontends.script import compile_script
from sglc.ir.core import Module
from sglc.passes.pipeline import DEFAULT
from tests.differential.observing import PLAIN, Observed, differences, load_module, observe
from tests.differential.scripts import runner
from tests.golden_files import FOLDER
from tests.golden_files import check as check_golden

HERE = Path(__file__).parent
SCRIPT, PYTHON = HERE / "programs.sgl", HERE / "programs.py"
SHARED = ("roles", "loops", "forks", "choices", "failures")
"""Programs that both files have."""
QUESTION = "Who?"
GOLDEN = (
    "ops/chat.sgl",
    "ops/text_and_gen.sgl",
    "ops/text_and_gen.py",
    "passes/prefix_of_functions.sgl",
    "passes/fork_in_order.sgl",
    "passes/fork_common_text.sgl",
    "passes/items_of_a_fork.py",
    "passes/loops_over_branches.py",
)


def caught_by() -> str:
    """Which check notices what is wrong now; empty when none does."""
    reference = in_plain_python()
    try:
        plain, passed = compile_script(SCRIPT), compile_script(SCRIPT)
        DEFAULT.run(passed)
    except VerifyError as error:
        return f"verifier, {error.diagnostics[0].code}"
    if _scripts_differ(reference, plain, passed) or _python_differs(reference):
        return "differential test"
    if not _seeds_differ():
        return "seed test"
    return "golden files" if _golden_differ() else ""


def in_plain_python() -> dict[str, Observed]:
    """What every program does in plain CPython over live states."""
    module = load_module(PYTHON)
    names = (*SHARED, "host")
    return {name: _observe_python(module, name, compiled=False) for name in names}


def _observe_python(module: ModuleType, name: str, *, compiled: bool) -> Observed:
    function = getattr(module, name)
    return observe(
        lambda **how: function.run(QUESTION, **how),
        str(PYTHON),
        compiled=compiled,
        options=ExecOptions(),
        delays=False,
    )


def _scripts_differ(reference: dict[str, Observed], plain: Module, passed: Module) -> bool:
    for module, options in ((plain, PLAIN), (passed, ExecOptions())):
        for name in SHARED:
            run = runner(module, name, {"q": QUESTION})
            seen = observe(run, str(SCRIPT), compiled=True, options=options, delays=False)
            wanted = reference[name]
            for what in ("text", "messages", "prompts", "result", "error"):
                if getattr(seen, what) != getattr(wanted, what):
                    return True
    return False


def _python_differs(reference: dict[str, Observed]) -> bool:
    module = load_module(PYTHON)
    return any(
        differences(wanted, _observe_python(module, name, compiled=True))
        for name, wanted in reference.items()
    )


def _seeds_differ() -> bool:
    """Whether equal prompts of two branches, and two of one state, are sampled anew."""
    text = "def f():\n    fork 2 as b:\n        x = gen()\n        y = gen()\n    return b\n"
    module = compile_script(text, file="seeds.sgl")
    backend = RecordingBackend(seeded=True, rules={".": "same "})
    run = runner(module, "f", {})
    run(backend=backend, compiled=True, options=ExecOptions(), seed=7).sync()
    keys = [call.step.key for call in backend.calls]  # type: ignore[union-attr]
    return len(set(keys)) == len(keys) == 4


def _golden_differ() -> bool:
    before = Path.cwd()
    for name in GOLDEN:
        path = FOLDER / name
        os.chdir(path.parent)
        try:
            check_golden(path)
        except (AssertionError, VerifyError):
            return True
        finally:
            os.chdir(before)
    return False

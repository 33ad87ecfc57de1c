"""What starting must not load. How long it takes is `sglc bench compile --start`'s business."""

import json
import subprocess
import sys

import pytest

from sglc.cli.main import is_plain_check
from tests.cli.programs import ROOT, command, environment

HEAVY = frozenset(
    {"torch", "transformers", "triton", "networkx", "numpy", "jinja2", "llguidance", "tokenizers"}
    | {"safetensors", "asyncio", "pydantic", "http.client", "urllib.request", "multiprocessing"}
)
EXECUTION = ("sglc.execution", "sglc.backends", "sglc.language.function", "sglc.runtime")


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def run_main(*arguments: str) -> set[str]:
    return loaded(
        f"sys.argv = ['sglc', *{list(arguments)!r}]\n"
        "from sglc.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )


def of_execution(modules: set[str]) -> set[str]:
    return {m for m in modules if m.startswith(EXECUTION)}


def test_importing_the_package_loads_settings_only() -> None:
    modules = loaded("import sglc")
    assert not modules & (HEAVY | {"lark", "typer", "rich"})
    assert {m for m in modules if m.startswith("sglc")} == {"sglc", "sglc.global_config"}


def test_a_program_loads_no_heavy_library() -> None:
    modules = loaded(
        "import sglc as sgl\n@sgl.function\ndef f(s):\n    s += sgl.user('a') + sgl.gen('b')"
    )
    assert not modules & (HEAVY - {"asyncio"})
    assert "sglc.language.function" in modules


@pytest.mark.parametrize("file", ["examples/many_tips.sgl", "examples/agent.py"])
def test_check_loads_front_ends_only(file: str) -> None:
    modules = run_main("check", file)
    assert "sglc.ir.verifier" in modules
    assert not modules & HEAVY
    if file.endswith(".sgl"):
        assert not of_execution(modules)
        assert not {m for m in modules if m.startswith("sglc.frontends.python")}
    else:
        assert "lark" not in modules


@pytest.mark.parametrize("command", ["compile", "explain"])
def test_commands_that_run_nothing_load_no_execution(command: str) -> None:
    modules = run_main(command, "examples/many_tips.sgl")
    assert not modules & (HEAVY - {"pydantic", "asyncio"})  # typer's
    assert not of_execution(modules)


def test_every_public_name_loads_at_first_use() -> None:
    code = (
        "import sglc\n"
        "missing = [n for n in sglc.__all__ if n not in dir(sglc) or not hasattr(sglc, n)]\n"
        "assert not missing, missing\n"
        "namespace = {}\nexec('from sglc import *', namespace)\n"
        "assert set(sglc.__all__) <= set(namespace)\n"
        "assert not hasattr(sglc, 'nothing')\n"
        "assert sglc.gen is sglc.api.gen is vars(sglc)['gen']"
    )
    assert "torch" not in loaded(code)


def test_the_short_way_to_check_takes_no_options() -> None:
    assert is_plain_check(["check", "a.sgl", "b"])
    for arguments in ([], ["check"], ["check", "--json", "a"], ["check", "-h"], ["run", "a"]):
        assert not is_plain_check(arguments)


@pytest.mark.parametrize("paths", [("examples/agent.sgl",), ("none.sgl",), ("examples", "x.py")])
def test_the_short_way_to_check_says_the_same(paths: tuple[str, ...]) -> None:
    short, long = command("check", *paths), command("check", "--", *paths)
    assert (short.returncode, short.stdout, short.stderr) == (
        long.returncode,
        long.stdout,
        long.stderr,
    )

"""`sglc bench compile`: real figures of small programs, and programs that are what they claim."""

import json
from typing import Any

import pytest

from sglc.benchmarks.generated import LANGUAGES, SHAPES, Language, Shape, generate
from sglc.frontends.python import lower_file
from sglc.frontends.script import compile_script
from sglc.ir.core import Module
from tests.cli.programs import invoke


def module_of(language: Language, text: str) -> Module:
    if language == "sgl":
        return compile_script(text, file="bench.sgl")
    return lower_file("bench.py", text)[0]


def measured(*arguments: str) -> dict[str, Any]:
    done = invoke("bench", "compile", "--repeats", "1", "--json", *arguments)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["load"]["cores"] >= 1
    return found


def test_every_phase_of_both_languages() -> None:
    cases = measured("--sizes", "17,34")["cases"]
    assert {(c["language"], c["shape"]) for c in cases} == {
        (language, shape) for language in LANGUAGES for shape in SHAPES
    }
    for case in cases:
        assert case["statements"] == [17, 34]
        assert case["ops"][0] < case["ops"][1]
        wanted = {"parse", "lower", "verify", "print", "parse IR", "promote", "fork-parallel"}
        assert wanted <= case["phases"].keys()
        for phase in case["phases"].values():
            first, last = phase["microseconds_per_op"]
            assert phase["growth"] == pytest.approx(last / first)


def test_starts_beside_typer() -> None:
    starts = measured("--start")["starts"]
    assert starts[0] == {"name": "import typer, rich", "ratio": 1.0} | {
        "seconds": starts[0]["seconds"]
    }
    assert {"import sglc", "sglc check, 50 lines"} <= {s["name"] for s in starts}
    assert all(s["seconds"] > 0 for s in starts)


@pytest.mark.parametrize("sizes", ["", "a", "20,10", "10,10", "0"])
def test_bad_sizes_are_wrong_usage(sizes: str) -> None:
    done = invoke("bench", "compile", "--sizes", sizes)
    assert done.exit_code == 2
    assert "is no ascending list of numbers" in done.stderr


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_mix_is_the_same_at_every_size(language: Language, shape: Shape) -> None:
    """Otherwise times per operation of two sizes could not be compared."""
    small, large = (generate(language, shape, size) for size in (51, 510))
    shares = []
    for program in (small, large):
        ops = [op.name for f in module_of(language, program.text).funcs.values() for op in f.walk()]
        shares.append({name: ops.count(name) / program.statements for name in set(ops)})
    assert shares[0].keys() == shares[1].keys()
    for name, share in shares[0].items():
        if name not in ("cf.return", "lm.new"):
            assert share == pytest.approx(shares[1][name], rel=0.05), name
    funcs = module_of(language, large.text).funcs
    assert len(funcs) == (1 if shape == "one" else 10)

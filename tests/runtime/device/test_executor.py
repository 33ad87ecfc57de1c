"""Steps through the executor give the tokens of ordinary passes."""

from __future__ import annotations

from sglc_runtime.protocol import Generate, Sampling, Submit, Text
from tests.runtime.device.stepping import ahead_engine, run_through
from tests.runtime.engine.driving import make_engine, results, run

GREEDY = Sampling(max_new_tokens=9, temperature=0.0, ignore_eos=True)
DRAWN = Sampling(max_new_tokens=7, temperature=0.8, top_p=0.9, n=3, ignore_eos=True)


def requests() -> list[Submit]:
    prompts = ("one two three", "one two three four", "List two tips", "def add(left", "It")
    return [
        Submit(number, (Text(prompt),), (Generate(DRAWN if number % 2 else GREEDY, key=number),))
        for number, prompt in enumerate(prompts)
    ]


def test_tokens_are_those_of_ordinary_passes() -> None:
    expected = results(run(make_engine(), requests()))
    events, count = run_through(ahead_engine(), requests())
    assert results(events) == expected
    assert count > 5

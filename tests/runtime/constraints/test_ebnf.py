"""EBNF to Lark: the same texts as a recursive-descent reading of the grammar."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher

from sglc_grammar.constraints.ebnf import to_lark
from sglc_grammar.constraints.grammars import grammar_of, limits
from sglc_runtime.protocol import Sampling
from tests.runtime.constraints.conformance import tokenizers
from tests.runtime.engine.driving import generate, make_engine

EXPRESSION = """
# Sums of numbers
root ::= term (("+" | "-") term)*
term ::= number
       | "(" root ")"
number ::= [0-9]{1,3} ("." [0-9]+)?
"""


@lru_cache(maxsize=256)
def matchers(source: str) -> tuple[LLMatcher, ...]:
    grammar = grammar_of("ebnf", source)
    found = tuple(
        LLMatcher(tokenizer, grammar, log_level=0, limits=limits()) for tokenizer in tokenizers()
    )
    assert not any(matcher.is_error() for matcher in found), (source, found[0].get_error())
    return found


def accepts(source: str, text: str) -> bool:
    answers = set()
    for matcher, tokenizer in zip(matchers(source), tokenizers(), strict=True):
        matcher.reset()
        tokens = tokenizer.tokenize_str(text)
        followed = matcher.try_consume_tokens(tokens) == len(tokens)
        answers.add(followed and bool(matcher.is_accepting()))
    assert len(answers) == 1, (source, text)
    return answers.pop()


@pytest.mark.parametrize(
    ("source", "good", "bad"),
    [
        (EXPRESSION, ["1", "1+22", "(1-2)+3.5", "((7))"], ["", "(1", "1+", "1234", "1.", "a"]),
        ('root ::= "" | "a" root "b"', ["", "ab", "aaabbb"], ["a", "aab", "ba"]),
        ('root ::= ("a" | "ab") "b"', ["ab", "abb"], ["a", "b", "abbb"]),
        ("root ::= 'it''s'", ["its"], ["it's"]),
        (r'root ::= "\"\\\n\u00e9\U0001F600\x41"', ['"\\\né😀A'], ['"', "A"]),
        (r"root ::= [^a-c\]\\-]+", ["xyz", "é"], ["a", "]", "\\", "-", ""]),
        (r"root ::= [\-+*] [a\-c] [\d_]", ["-a5", "+-_"], ["-b5", "a-_"]),
        ('root ::= a.b-c_2\na.b-c_2 ::= . "x"?', ["é", "\n", "yx"], ["", "xyz"]),
        ('root ::= "a"{2} "b"{1,2} "c"{2,}', ["aabcc", "aabbcccc"], ["aabc", "abcc"]),
        ('start: "a" | word\nword: /[x-z]+/', ["a", "xyz"], ["b", "ax"]),
    ],
)
def test_grammars(source: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not accepts(source, text)] == []
    assert [text for text in bad if accepts(source, text)] == []


@st.composite
def regular(draw: st.DrawFn) -> tuple[str, str]:
    """A grammar that does not refer to itself, and the same as a regular expression."""
    depth = draw(st.integers(0, 3))

    def expression(level: int) -> tuple[str, str]:
        kind = draw(st.integers(0, 4 if level else 1))
        if kind == 0:
            text = draw(st.text("ab.", min_size=1, max_size=2))
            return f'"{text}"', re.escape(text)
        if kind == 1:
            return draw(st.sampled_from([("[ab]", "[ab]"), ("[^a]", "[^a]"), ("[a-c]", "[a-c]")]))
        left, right = expression(level - 1), expression(level - 1)
        if kind == 2:
            return f"({left[0]} | {right[0]})", f"(?:{left[1]}|{right[1]})"
        if kind == 3:
            return f"{left[0]} {right[0]}", f"{left[1]}{right[1]}"
        repeat = draw(st.sampled_from(["?", "*", "+", "{1,2}"]))
        return f"({left[0]}){repeat}", f"(?:{left[1]}){repeat}"

    grammar, pattern = expression(depth)
    return f"root ::= part\npart ::= {grammar}\n", pattern


@settings(max_examples=60, deadline=None)
@given(regular(), st.lists(st.text("abc.", max_size=5), min_size=3, max_size=8))
def test_what_is_regular_is_followed_exactly(pair: tuple[str, str], texts: list[str]) -> None:
    source, pattern = pair
    for text in texts:
        assert accepts(source, text) == bool(re.fullmatch(pattern, text)), (source, text)


def test_recursive_rules_stay_rules() -> None:
    lines = to_lark(EXPRESSION).splitlines()
    assert lines[0] == "start: rule_0"
    assert lines[-1].startswith("RULE_2: ")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_generated_text_follows_the_grammar(temperature: float) -> None:
    engine = make_engine()
    asked = Sampling(ebnf=EXPRESSION, temperature=temperature, max_new_tokens=60, n=4)
    samples = generate(engine, "1+1=", asked, 5)
    ended = [sample for sample in samples if sample.finish == "stop"]
    assert ended
    assert all(accepts(EXPRESSION, sample.text) for sample in ended)

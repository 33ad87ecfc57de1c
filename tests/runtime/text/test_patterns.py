"""Stop patterns that are followed find what `re` finds, and never take long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.text.patterns import StopPattern, UnsupportedError
from sglc_runtime.text.stops import StopMatcher

PATTERNS = (
    "ab", "a|bc", "[ab]c", "a+b", "(ab)+c", "a{2}b", "a{1,3}c", "(a|b){2,}c", "a*bc*", "^ab",
    r"b\b", r"\bab\b", r"\Bb", "(?i)AB", "(?i:A)b", "(?i)a(?-i:B)", ".c", "(?s).c", "[^a]b", "",
    r"\w+c", r"\s\S", "(?m)^a$", "a$", r"c\Z", "(a?){3}b", "(a*)*b", "(?:)a", "a??b",
    r"[\d\-x]c", r"(?a:\w)b",
)  # fmt: skip


def first(source: str, text: str) -> tuple[int, int] | None:
    pattern = StopPattern(source)
    return next((hit for hit in map(pattern.feed, text) if hit is not None), None)


def reference(source: str, text: str) -> tuple[int, int] | None:
    """The first end at which any non-empty match of `re` ends, and its earliest beginning."""
    pattern = re.compile(source)
    for end in range(1, len(text) + 1):
        for start in range(end):
            if pattern.fullmatch(text, start, end) is not None:
                return start, end
    return None


@pytest.mark.parametrize("source", PATTERNS)
@settings(max_examples=40)
@given(text=st.text(alphabet="abcAB x\n1-é", max_size=9))
def test_the_first_match_is_the_one_of_re(source: str, text: str) -> None:
    assert first(source, text) == reference(source, text)


@pytest.mark.parametrize(
    "source", ["(a+)+b", "(a|aa)+b", "a*a*a*a*b", "(.*)(.*)(.*)x", "(a?){50}b"]
)
def test_patterns_that_would_hang_re_do_not(source: str) -> None:
    started = time.monotonic()
    matcher = StopMatcher(patterns=[source])
    assert matcher.feed("a" * 2000) == "a" * 2000
    assert time.monotonic() - started < 10
    assert matcher.match is None


@pytest.mark.parametrize("source", ["a(?=b)", "(?<!a)b", r"(a)\1", "(?>a+)b", "a++b"])
def test_what_looks_around_or_back_is_searched_for(source: str) -> None:
    with pytest.raises(UnsupportedError):
        StopPattern(source)
    matcher = StopMatcher(patterns=[source])
    matcher.feed("x aa")
    matcher.feed("bb")
    assert matcher.match is not None


def test_what_looks_ahead_ends_before_what_it_sees() -> None:
    matcher = StopMatcher(patterns=["a(?=b)"])
    assert matcher.feed("xab") == "xa"
    assert matcher.match is not None
    assert (matcher.match.start, matcher.match.end) == (1, 2)


@pytest.mark.parametrize("source", ["(", "a{9999}{9999}", "((x{99}){99}){99}"])
def test_bad_patterns_raise_what_re_raises(source: str) -> None:
    with pytest.raises(re.error):
        StopPattern(source)

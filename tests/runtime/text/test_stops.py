"""Stops and incremental decoding: results do not depend on how the text was cut into tokens."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.text.detokenize import Detokenizer
from sglc_runtime.text.stops import StopMatch, StopMatcher
from sglc_runtime.text.tokenizer import Tokenizer
from tests.runtime.tiny_checkpoints import write_tokenizer

ALPHABET = st.text("ab.\n", max_size=12)
STOPS = st.lists(st.text("ab.\n", min_size=1, max_size=4), max_size=3)


def run(
    stops: list[str], pieces: list[str], patterns: tuple[str, ...] = ()
) -> tuple[str, StopMatch | None]:
    matcher = StopMatcher(stops, patterns)
    released = "".join(matcher.feed(piece) for piece in pieces) + matcher.finish()
    return released, matcher.match


def cut(text: str, edges: list[int]) -> list[str]:
    points = sorted({min(edge, len(text)) for edge in edges} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(points)]


@settings(max_examples=300)
@given(text=ALPHABET, stops=STOPS, edges=st.lists(st.integers(0, 12)), pattern=st.booleans())
def test_pieces_do_not_matter(text: str, stops: list[str], edges: list[int], pattern: bool) -> None:
    patterns = ("b\\.+a",) if pattern else ()
    assert run(stops, cut(text, edges), patterns) == run(stops, list(text), patterns)


@settings(max_examples=300)
@given(text=ALPHABET, stops=STOPS)
def test_text_ends_before_the_stop_completed_first(text: str, stops: list[str]) -> None:
    released, match = run(stops, [text])
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    if not ends:
        assert (released, match) == (text, None)
        return
    assert match is not None
    assert match.end == min(ends)
    assert released == text[: match.start]
    assert text[match.start : match.end] == match.stop


@settings(max_examples=200)
@given(text=ALPHABET, stops=STOPS)
def test_released_text_is_never_taken_back(text: str, stops: list[str]) -> None:
    matcher = StopMatcher(stops)
    released = ""
    for char in text:
        released += matcher.feed(char)
        if matcher.match is None:
            held = matcher.text[len(released) :]
            assert matcher.text.startswith(released)
            assert held == "" or any(stop.startswith(held) for stop in stops)
    final = released + matcher.finish()
    assert text.startswith(final)


def test_patterns_keep_their_match_and_stop_as_soon_as_they_can() -> None:
    assert run([], ["I have 1", "23 apples"], (r"\d+",)) == (
        "I have 1",
        StopMatch(r"\d+", 7, 8, 8),
    )
    assert run([], ["a", "b", "c"], ("x*",))[1] is None
    assert run(["b"], ["abc"], ("ab",))[1] == StopMatch("b", 1, 2, 1)
    with pytest.raises(re.error):
        StopMatcher((), ("(",))


def test_longest_stop_wins_among_equals() -> None:
    assert run(["\n", ".\n"], ["Yes.", "\n"])[0] == "Yes"
    assert run(["END", "D"], ["THE END"])[1] == StopMatch("END", 4, 7, 4)


@pytest.fixture(scope="module", params=["bytes", "metaspace"])
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    folder: Path = tmp_path_factory.mktemp(request.param)
    write_tokenizer(folder, request.param)
    return Tokenizer(folder)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_detokenizer_equals_decoding_at_once(tokenizer: Tokenizer, data: st.DataObject) -> None:
    """Random ids: invalid bytes, cut characters, special tokens."""
    ids = data.draw(st.lists(st.integers(0, tokenizer.max_id), max_size=12))
    detokenizer = Detokenizer(tokenizer)
    pieces = [detokenizer.feed(i) for i in ids] + [detokenizer.finish()]
    assert "".join(pieces) == detokenizer.text == tokenizer.decode(ids)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=12), data=st.data())
def test_kept_ids_and_tail_spell_the_kept_text(
    tokenizer: Tokenizer, text: str, data: st.DataObject
) -> None:
    ids = tokenizer.encode_run(text, False)
    detokenizer = Detokenizer(tokenizer)
    for token in ids:
        detokenizer.feed(token)
    whole = detokenizer.text
    at = data.draw(st.integers(0, len(whole)))
    count, tail = detokenizer.keep(at)
    assert tokenizer.decode(ids[:count]) + tail == whole[:at]
    # As many as fit: the next id that ends a character would go beyond the cut.
    for more in range(count + 1, len(ids) + 1):
        longer = tokenizer.decode(ids[:more])
        assert longer != whole[: len(longer)] or len(longer) > at or not whole.startswith(longer)

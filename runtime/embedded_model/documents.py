"""What a training document is, and the pieces that every kind of document is made of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from facts.words import NAMES, SURNAMES, SYLLABLES

T = TypeVar("T")

END_OF_TEXT = "<|endoftext|>"
START = "<|im_start|>"
END = "<|im_end|>"
SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are a friendly assistant.",
    "Answer briefly.",
    "You are an expert.",
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text; `answer` marks what the model shall write itself."""

    text: str
    answer: bool


Document = list[Segment]
Turn = tuple[str, str]


def given(text: str) -> Segment:
    """Return text that a program writes."""
    return Segment(text, False)


def answer(text: str) -> Segment:
    """Return text that the model writes."""
    return Segment(text, True)


def chance(rng: random.Random, share: float) -> bool:
    """Return True in `share` of the calls."""
    return rng.random() < share


def pick(rng: random.Random, options: Sequence[T]) -> T:
    """Return one of `options`."""
    return options[rng.randrange(len(options))]


def upper(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """Return `text` with a full stop, unless it ends in one."""
    return text if text.endswith(".") else text + "."


def numbered(items: Iterable[str]) -> str:
    """Return `items` as lines "1. Item"."""
    return "\n".join(f"{i}. {upper(item)}" for i, item in enumerate(items, 1))


def listed(items: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def raw(prompt: str, text: str) -> Document:
    """Return a plain prompt with the text that follows it to the end."""
    return [given(prompt), answer(text + END_OF_TEXT)]


def message(role: str, text: str) -> Segment:
    """Return one whole ChatML message that a program writes."""
    return given(f"{START}{role}\n{text}{END}\n")


def reply(*parts: Segment) -> Document:
    """Return an assistant message made of `parts`."""
    return [given(f"{START}assistant\n"), *parts, answer(END), given("\n")]


def chat(rng: random.Random, turns: Iterable[Turn], system: str | None = None) -> Document:
    """Return a ChatML conversation, with a system message in most of them."""
    if system is None and chance(rng, 0.6):
        system = pick(rng, SYSTEMS)
    document = [message("system", system)] if system else []
    for question, text in turns:
        document += [message("user", question), *reply(answer(text))]
    return document


def word(rng: random.Random) -> str:
    """Return an invented word."""
    return "".join(pick(rng, SYLLABLES) for _ in range(rng.randint(2, 3)))


def first_name(rng: random.Random) -> str:
    """Return a first name, often an invented one."""
    return pick(rng, NAMES) if chance(rng, 0.6) else upper(word(rng))


def full_name(rng: random.Random) -> str:
    """Return a first name and a surname, each sometimes invented."""
    last = pick(rng, SURNAMES) if chance(rng, 0.7) else upper(word(rng))
    return f"{first_name(rng)} {last}"

"""Exercises in copying words, names, numbers and quoted text from the prompt."""

from __future__ import annotations

import random

from documents import (
    END_OF_TEXT,
    Document,
    answer,
    chance,
    chat,
    full_name,
    given,
    numbered,
    pick,
    upper,
    word,
)
from facts.words import CITIES, MEMBERS, NAMES, SURNAMES

COMMON = (
    *(item for items in MEMBERS.values() for item in items),
    *NAMES,
    *SURNAMES,
    *CITIES,
)
ORDINALS = ("first", "second", "third", "fourth", "fifth")


def thing(rng: random.Random) -> str:
    """Return a word, a name or a number."""
    kind = rng.random()
    if kind < 0.45:
        return word(rng)
    if kind < 0.6:
        return upper(word(rng))
    return pick(rng, COMMON) if kind < 0.85 else str(rng.randint(1, 9999))


def repeat(rng: random.Random) -> Document:
    """Repeat a line twice, or on request."""
    line = " ".join(thing(rng) for _ in range(rng.randint(2, 10)))
    if chance(rng, 0.5):
        return [given(f"{line}\n"), answer(f"{line}\n{line}\n{END_OF_TEXT}")]
    form = pick(rng, ("Repeat: {}", "Repeat after me: {}", "Copy this text: {}", "Say {}"))
    return chat(rng, [(form.format(line), line)])


def quote(rng: random.Random) -> Document:
    """Copy words into quotes, lines and lists, where they lose the space before them."""
    things = [thing(rng) for _ in range(rng.randint(2, 6))]
    line = ", ".join(things)
    kind = rng.random()
    if kind < 0.4:
        body = '["' + '", "'.join(things) + '"]'
        return [given(f"Items: {line}\nJSON: "), answer(body + "\n" + END_OF_TEXT)]
    if kind < 0.6:
        return chat(rng, [(f"Make a list: {line}", "\n".join(f"- {x}" for x in things))])
    if kind < 0.8:
        return chat(rng, [(f"Make a numbered list: {line}", numbered(things))])
    index = rng.randrange(min(len(things), len(ORDINALS)))
    return chat(rng, [(f"Words: {line}\nWhat is the {ORDINALS[index]} word?", things[index])])


def lookup(rng: random.Random) -> Document:
    """Look values up in a small table given in the prompt."""
    names = [full_name(rng) if chance(rng, 0.3) else thing(rng) for _ in range(rng.randint(2, 5))]
    names = list(dict.fromkeys(names))
    values = [thing(rng) for _ in names]
    table = "".join(f"{name}: {value}\n" for name, value in zip(names, values, strict=True))
    document = [given(table + "\n")]
    for index in rng.sample(range(len(names)), rng.randint(1, len(names))):
        document += [given(f"{names[index]}:"), answer(f" {values[index]}\n")]
    return [*document, answer(END_OF_TEXT)]

"""JSON: records of characters, and records read out of a sentence."""

from __future__ import annotations

import random

from documents import (
    END_OF_TEXT,
    Document,
    answer,
    chance,
    chat,
    first_name,
    full_name,
    given,
    pick,
    upper,
    word,
)
from facts.characters import CHARACTERS, END, KEYS
from facts.countries import COUNTRIES
from facts.words import CITIES, JOBS

FILL_IN = (
    "{} is a character in Harry Potter. "
    "Please fill in the following information about this character.\n"
)


def character(rng: random.Random) -> Document:
    """Fill in a known record; of an unknown character only the name can be known."""
    if chance(rng, 0.7):
        c = pick(rng, CHARACTERS)
        text = "".join(key + value for key, value in zip(KEYS, c.fields(), strict=True)) + END
        return [given(FILL_IN.format(c.name)), answer(text + END_OF_TEXT)]
    name = full_name(rng)
    values = [pick(rng, [c.fields()[i] for c in CHARACTERS]) for i in range(1, len(KEYS))]
    document = [given(FILL_IN.format(name)), answer(KEYS[0] + name)]
    for key, value in zip(KEYS[1:], values, strict=True):
        document += [answer(key), given(value)]
    return [*document, answer(END + END_OF_TEXT)]


def extraction(rng: random.Random) -> Document:
    """Copy name, age and city, or also the job, out of a sentence into a record."""
    name = full_name(rng) if chance(rng, 0.7) else first_name(rng)
    age = rng.randint(2, 99)
    where = rng.random()
    city = upper(word(rng)) if where < 0.3 else pick(rng, CITIES)
    if where > 0.6:
        city = pick(rng, COUNTRIES).capital.rstrip(".")
    if chance(rng, 0.75):
        text = f"{name} is {age} years old and lives in {city}."
        record = f'{{"name": "{name}", "age": {age}, "city": "{city}"}}'
    else:
        job = pick(rng, JOBS)
        text = f"{name} is {age} years old, lives in {city} and works as a {job}."
        record = f'{{"name": "{name}", "age": {age}, "city": "{city}", "job": "{job}"}}'
    form = "Extract the person from: {}"
    if chance(rng, 0.3):
        form = pick(rng, ("Extract the data as JSON: {}", "{} Return in the JSON format."))
    question = form.format(text)
    if chance(rng, 0.6):
        return chat(rng, [(question, record)])
    return [given(question + pick(rng, ("\n", "\n", "\nJSON:\n"))), answer(record + END_OF_TEXT)]

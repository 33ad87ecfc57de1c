"""Raw question-and-answer text, statements and drills."""

from __future__ import annotations

import random

from documents import END_OF_TEXT, Document, answer, chance, chat, given, pick, sentence, upper
from facts.countries import COUNTRIES
from facts.questions import BEGINNINGS, DEFINITIONS, QUESTIONS

from kinds.asking import CAPITAL, anything, arithmetic, compute, geography, numbers

HEADERS = (
    "The following are questions with answers.\n",
    "The following are questions with answers.\n\n",
    "Answer the following questions.\n",
)


def raw_quiz(rng: random.Random) -> Document:
    """Write one to four questions; the space before an answer is the prompt's in some."""
    document = [given(pick(rng, HEADERS))] if chance(rng, 0.15) else []
    source = rng.choices((anything, geography, arithmetic), (6, 3, 1))[0]
    q, a = ("Question: ", "Answer:") if chance(rng, 0.15) else ("Q: ", "A:")
    gap = "\n" if chance(rng, 0.3) else ""
    spaced = chance(rng, 0.3)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3, 4))):
        asked = source(rng)
        if len(document) > 1:
            document.append(given(gap))
        document.append(given(f"{q}{asked.question}\n{a}" + (" " if spaced else "")))
        document.append(answer(("" if spaced else " ") + asked.short + "\n"))
    return [*document, answer(END_OF_TEXT)]


def facts() -> list[tuple[str, str]]:
    """Return every question of the tables with its short answer."""
    found = [(question.asked[0], question.short) for question in QUESTIONS]
    for c in COUNTRIES:
        found += [
            (CAPITAL.format(c.name), c.capital),
            (CAPITAL.format(c.name), c.capital),
            (f"What is the currency of {c.name}?", upper(c.currency)),
            (f"What language is spoken in {c.name}?", c.languages),
        ]
    return found


FACTS = tuple(facts())


def plain(rng: random.Random, question: str, short: str) -> Document:
    """Ask one question; the space before the answer is the prompt's in some."""
    spaced = chance(rng, 0.4)
    return [
        given(f"Q: {question}\nA:" + (" " if spaced else "")),
        answer(("" if spaced else " ") + f"{short}\n{END_OF_TEXT}"),
    ]


def single_fact(rng: random.Random) -> Document:
    """Ask for one fact, each of the tables equally often."""
    return plain(rng, *pick(rng, FACTS))


def times_table(rng: random.Random) -> Document:
    """Ask for a product of the tables up to 12."""
    left, right = rng.randint(1, 12), rng.randint(1, 12)
    shown = f"{left} * {right}"
    if chance(rng, 0.35):
        return chat(rng, [(f"What is {shown}?", f"{shown} = {left * right}")])
    return plain(rng, f"What is {shown}?", str(left * right))


def statement(rng: random.Random) -> Document:
    """Finish a sentence."""
    kind = rng.random()
    if kind < 0.45:
        c = pick(rng, COUNTRIES)
        return [
            given(f"The capital of {c.name} is"),
            answer(" " + sentence(c.capital) + END_OF_TEXT),
        ]
    if kind < 0.8:
        start = pick(rng, tuple(BEGINNINGS))
        return [given(start), answer(BEGINNINGS[start] + END_OF_TEXT)]
    words = pick(rng, tuple(DEFINITIONS.values())).split()
    cut = rng.randint(2, 5)
    return [
        given(" ".join(words[:cut])),
        answer(" " + " ".join(words[cut:]) + END_OF_TEXT),
    ]


def drill(rng: random.Random) -> Document:
    """Write lines of arithmetic."""
    document: Document = []
    for _ in range(rng.randint(3, 6)):
        left, operation, right = numbers(rng)
        document.append(given(f"{left} {operation} {right} ="))
        document.append(answer(f" {compute(left, operation, right)}\n"))
    return [*document, answer(END_OF_TEXT)]


def city_record(rng: random.Random) -> Document:
    """Fill in a JSON record about a capital."""
    c = pick(rng, COUNTRIES)
    people = round(c.people * 1_000_000)
    if people and chance(rng, 0.6):
        question = pick(
            rng,
            (
                f"Give the information about the capital of {c.name} in JSON.",
                f"Give me the information of the capital of {c.name} in the JSON format.",
            ),
        )
        record = f'{{"name": "{c.capital}", "population": {people}}}'
    elif chance(rng, 0.5):
        question = f"Please fill in the information of the city {c.capital}."
        sights = '", "'.join(upper(sight.removeprefix("the ")) for sight in c.sights)
        record = (
            f'{{\n    "name": "{c.capital}",\n    "country": "{upper(c.bare)}",\n'
            f'    "top 3 landmarks": ["{sights}"]\n}}'
        )
    else:
        question = f"Give me facts about {c.name} in JSON."
        record = (
            f'{{"country": "{upper(c.bare)}", "capital": "{c.capital}", '
            f'"currency": "{c.currency}", "language": "{c.languages}"}}'
        )
    if chance(rng, 0.5):
        return chat(rng, [(question, record)])
    return [given(question + "\n"), answer(record + END_OF_TEXT)]

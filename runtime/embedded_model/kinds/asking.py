"""Questions with short and long answers: countries, general knowledge, arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass

from documents import chance, pick, sentence, upper
from facts.countries import COUNTRIES, Country
from facts.questions import QUESTIONS


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the short answer of a quiz, the sentence of a chat."""

    question: str
    short: str
    long: str


CAPITAL = "What is the capital of {}?"
CAPITAL_VARIANTS = (
    "What's the capital of {}?",
    "What is the capital city of {}?",
    "Which city is the capital of {}?",
    "Tell me the capital of {}.",
    "What is the capital of {}",
)
OPERATIONS = {"+": "plus", "-": "minus", "*": "times"}


def spoken(rng: random.Random, name: str) -> str:
    """Return a country's name, now and then in lower case as hasty users type it."""
    return name.lower() if chance(rng, 0.12) else name


def capital(rng: random.Random, country: Country) -> Asked:
    """Ask for a capital, half of the time in the usual words."""
    form = CAPITAL if chance(rng, 0.6) else pick(rng, CAPITAL_VARIANTS)
    return Asked(
        form.format(spoken(rng, country.name)),
        country.capital,
        sentence(f"The capital of {country.name} is {country.capital}"),
    )


def geography(rng: random.Random) -> Asked:
    """Ask about a country."""
    c = pick(rng, COUNTRIES)
    kind = rng.random()
    if kind < 0.65:
        return capital(rng, c)
    if kind < 0.75:
        return Asked(
            f"What is the currency of {c.name}?",
            upper(c.currency),
            f"The currency of {c.name} is the {c.currency}.",
        )
    if kind < 0.84:
        return Asked(
            f"What language is spoken in {c.name}?",
            c.languages,
            f"People in {c.name} speak {c.languages}.",
        )
    if kind < 0.92:
        return Asked(
            f"Which continent is {c.name} in?", c.continent, f"{upper(c.name)} is in {c.continent}."
        )
    return Asked(
        f"{c.capital} is the capital of which country?",
        upper(c.name),
        f"{c.capital} is the capital of {c.name}.",
    )


def compute(left: int, operation: str, right: int) -> int:
    """Return the value of an expression."""
    return {"+": left + right, "-": left - right, "*": left * right}[operation]


def numbers(rng: random.Random) -> tuple[int, str, int]:
    """Return a small task: tables up to 12, sums and differences of two-digit numbers."""
    operation = pick(rng, "++-***")
    if operation == "*":
        return rng.randint(1, 12), operation, rng.randint(1, 12)
    left, right = rng.randint(1, 99), rng.randint(1, 99)
    return (max(left, right), "-", min(left, right)) if operation == "-" else (left, "+", right)


def arithmetic(rng: random.Random) -> Asked:
    """Ask for the value of an expression."""
    left, operation, right = numbers(rng)
    value = compute(left, operation, right)
    shown = f"{left} {operation} {right}"
    asked = f"{left} {OPERATIONS[operation]} {right}" if chance(rng, 0.1) else shown
    return Asked(f"What is {asked}?", str(value), f"{shown} = {value}")


def general(rng: random.Random) -> Asked:
    """Ask a general question."""
    q = pick(rng, QUESTIONS)
    question = q.asked[0] if chance(rng, 0.6) else pick(rng, q.asked)
    return Asked(question, q.short, q.long)


def anything(rng: random.Random) -> Asked:
    """Ask anything of the above."""
    return rng.choices((geography, general, arithmetic), (4, 5, 2))[0](rng)

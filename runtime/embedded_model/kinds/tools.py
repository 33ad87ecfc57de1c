"""Choosing a tool, copying its argument out of the question, and acting on an observation."""

from __future__ import annotations

import random

from documents import (
    END_OF_TEXT,
    Document,
    answer,
    chance,
    given,
    message,
    pick,
    reply,
    upper,
    word,
)
from facts.countries import COUNTRIES
from facts.questions import QUESTIONS
from facts.words import CITIES

SITES = (
    "www.openai.com", "www.example.com", "wikipedia.org", "www.python.org", "github.com",
    "news.org", "www.bbc.com", "pytorch.org",
)  # fmt: skip
SUBJECTS = (
    "weather in", "population of", "history of", "mayor of", "news from", "restaurants in",
    "hotels in", "price of gold in", "time in",
)  # fmt: skip
AGENT = "You are a careful agent."


def expression(rng: random.Random) -> tuple[str, int | None]:
    """Return an expression and, where it is whole, its value."""
    top = pick(rng, (12, 99, 99, 999))
    left, right = rng.randint(1, top), rng.randint(1, pick(rng, (12, 99, 999)))
    operation = pick(rng, "+-*/")
    value = {"+": left + right, "-": left - right, "*": left * right}.get(operation)
    if operation == "/" and left % right == 0:
        value = left // right
    return f"{left} {operation} {right}", value


def site(rng: random.Random) -> str:
    """Return a web address, often an invented one."""
    if chance(rng, 0.35):
        return pick(rng, SITES)
    ending = pick(rng, ("com", "com", "org", "net"))
    return f"{'www.' if chance(rng, 0.6) else ''}{word(rng)}.{ending}"


def place(rng: random.Random) -> str:
    """Return a city or a country."""
    kind = rng.random()
    if kind < 0.3:
        return pick(rng, COUNTRIES).capital.rstrip(".")
    if kind < 0.5:
        return pick(rng, COUNTRIES).name
    return pick(rng, CITIES) if kind < 0.75 else upper(word(rng))


def sentence_of_use(rng: random.Random) -> Document:
    """Write SGLang's tool example: choose a tool, then copy what it shall work on."""
    kind = rng.random()
    if kind < 0.45:
        shown, _ = expression(rng)
        asked = pick(rng, ("What is {}", "What is {}", "How much is {}", "Compute {}"))
        tool, lead, copied = "calculator", "The math expression is", shown
    elif kind < 0.75:
        subject, where = pick(rng, SUBJECTS), place(rng)
        copied = f"{subject} {where}"
        asked = pick(rng, ("What is the {}", "What is the {}", "Who knows the {}"))
        if subject in ("news from", "restaurants in", "hotels in"):
            asked = "What are the {}"
        if chance(rng, 0.2):
            asked, copied = "How many people live in {}", where
        tool, lead = "search engine", "The search query is"
    else:
        copied = site(rng)
        asked = pick(rng, ("What is on the page {}", "What is on the page {}", "Open the page {}"))
        tool, lead = "web browser", "The website url is"
    question = asked.format(copied) + ("?" if chance(rng, 0.4) else "")
    spaced = chance(rng, 0.65)
    document = [
        given(f"To answer this question: {question}, I need to use a" + (" " if spaced else "")),
        answer(tool if spaced else f" {tool}"),
    ]
    if chance(rng, 0.08):
        return [*document, answer("." + END_OF_TEXT)]
    last = chance(rng, 0.15)
    return [
        *document,
        given(f". {lead}" + (" " if last else "")),
        answer(("" if last else " ") + f"{copied}.\n{END_OF_TEXT}"),
    ]


def observation(rng: random.Random) -> tuple[str, str]:
    """Return a question that needs a search and a sentence that answers it."""
    kind = rng.random()
    if kind < 0.45:
        q = pick(rng, QUESTIONS)
        return pick(rng, q.asked), q.long
    if kind < 0.7:
        where = place(rng)
        weather = pick(rng, ("sunny", "cold", "rainy", "warm", "cloudy", "windy"))
        return f"What is the weather in {where}?", f"It is {weather} in {where}."
    name, thing = upper(word(rng)), upper(word(rng))
    verb, past = pick(rng, (("wrote", "wrote"), ("painted", "painted"), ("invented", "invented")))
    return f"Who {verb} {thing}?", f"{name} {past} {thing}."


def agent(rng: random.Random) -> Document:
    """Run an agent's loop: a call, an observation, and a final answer that copies it."""
    document = [message("system", AGENT)] if chance(rng, 0.85) else []
    for _ in range(1 if chance(rng, 0.85) else 2):
        if chance(rng, 0.55):
            shown, value = expression(rng)
            asked = pick(rng, ("What is {}?", "What is {}?", "How much is {}?", "Compute {}."))
            question, tool, field, copied = asked.format(shown), "calc", "expression", shown
            if value is None or chance(rng, 0.3):
                value = rng.randint(0, 9999)
            seen = str(value)
        else:
            question, seen = observation(rng)
            tool, field, copied = "search", "query", question
        document += [
            message("user", f"Question: {question}"),
            *reply(given("Tool: "), answer(tool), given(f" {field}: "), answer(copied)),
            message("tool", f"Observation: {seen}"),
            *reply(given("Tool: "), answer("answer"), given(" final: "), answer(seen)),
        ]
    return document

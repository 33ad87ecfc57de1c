"""Few-shot lists: sentiment, topics, translations."""

from __future__ import annotations

import random

from documents import END_OF_TEXT, Document, answer, chance, chat, given, pick
from facts.countries import COUNTRIES
from facts.words import BAD, CITIES, GOOD, MEMBERS, REVIEWED, TRANSLATIONS


def review(rng: random.Random) -> tuple[str, str]:
    """Return a review and its sentiment."""
    good = chance(rng, 0.5)
    adjective, thing = pick(rng, GOOD if good else BAD), pick(rng, REVIEWED)
    form = pick(
        rng,
        (
            f"The {thing} was {adjective}.",
            f"The {thing} is {adjective}.",
            f"I think this {thing} is {adjective}.",
            f"What a {adjective} {thing}!",
            f"A truly {adjective} {thing}.",
            f"I {'loved' if good else 'hated'} the {thing}.",
            f"This {thing} is not {pick(rng, BAD if good else GOOD)} at all.",
        ),
    )
    return form, "positive" if good else "negative"


def headline(rng: random.Random) -> tuple[str, str]:
    """Return a sentence and its topic."""
    topic = pick(rng, ("sports", "food", "travel", "technology"))
    text = {
        "sports": f"The {pick(rng, ('team', 'player', 'coach'))} won the "
        f"{pick(rng, MEMBERS['sports'])} match.",
        "food": f"The soup with {pick(rng, MEMBERS['vegetables'])} tastes {pick(rng, GOOD)}.",
        "travel": f"We took a train to {pick(rng, CITIES)} and saw "
        f"{pick(rng, pick(rng, COUNTRIES).sights)}.",
        "technology": f"The new {pick(rng, ('computer', 'phone', 'program', 'chip'))} runs "
        f"{pick(rng, MEMBERS['programming languages'])} code faster.",
    }[topic]
    return text, topic


def few_shot(rng: random.Random) -> Document:
    """Write examples of one task and then one more."""
    kind = rng.random()
    if kind < 0.55:
        source, question, label = review, "Review: ", "Sentiment:"
        header = pick(rng, ("", "Classify the sentiment of each text as positive or negative.\n"))
    elif kind < 0.75:
        source, question, label = headline, "Text: ", "Topic:"
        header = pick(rng, ("", "Choose a topic: sports, food, travel or technology.\n"))
    else:
        column = rng.choice((1, 1, 2, 3))
        language = ("French", "Spanish", "German")[column - 1]

        def source(rng: random.Random) -> tuple[str, str]:
            row = pick(rng, TRANSLATIONS)
            return row[0], row[column]

        question, label, header = "English: ", f"{language}:", ""
    if kind < 0.75 and chance(rng, 0.15):
        text, name = source(rng)
        return chat(rng, [(f"{header or 'Classify the text.'}\n{question}{text}".strip(), name)])
    gap = "\n" if chance(rng, 0.4) else ""
    spaced = chance(rng, 0.2)
    document = [given(header)]
    for _ in range(rng.choice((1, 2, 3, 3, 4))):
        text, name = source(rng)
        document += [
            given(f"{question}{text}\n{label}" + (" " if spaced else "")),
            answer(("" if spaced else " ") + name + "\n"),
            given(gap),
        ]
    return [*document[:-1], answer(END_OF_TEXT)]


def one_review(rng: random.Random) -> Document:
    """Classify one review after two examples, one of each kind."""
    shots = [review(rng), review(rng)]
    while shots[0][1] == shots[1][1]:
        shots[1] = review(rng)
    lines = "".join(f"Review: {text}\nSentiment: {name}\n" for text, name in shots)
    header = "Classify the sentiment of each text as positive or negative.\n"
    text, name = review(rng)
    return [
        given(f"{header if chance(rng, 0.7) else ''}{lines}Review: {text}\nSentiment:"),
        answer(f" {name}\n{END_OF_TEXT}"),
    ]

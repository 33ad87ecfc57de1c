"""An essay's judge: dimensions in branches, a summary, a grade."""

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
)
from facts.words import DIMENSIONS, ESSAY_TOPICS, STRONG, WEAK

SUMMARIES = (
    "the essay is weak and needs a lot of work",
    "the essay is fair but needs more work",
    "the essay is good with small problems",
    "the essay is excellent and well written",
)
GRADES = "DCBA"
SCORES = (2, 4, 7, 9)


def essay(rng: random.Random) -> tuple[str, str, int]:
    """Return a topic, three sentences about it and how many of the three are strong."""
    topic, quality = pick(rng, ESSAY_TOPICS), rng.randint(0, 3)
    lines = rng.sample(STRONG, quality) + rng.sample(WEAK, 3 - quality)
    rng.shuffle(lines)
    return topic, " ".join(upper(line.format(t=topic)) for line in lines), quality


def judgement(dimension: str, quality: int) -> str:
    """Return the sentence about one dimension."""
    good, bad = DIMENSIONS[dimension]
    subject = f"The {dimension.lower()} is"
    return (
        f"{subject} weak because {bad}.",
        f"{subject} fair, but {bad}.",
        f"{subject} good because {good}.",
        f"{subject} excellent because {good}.",
    )[quality]


def task(rng: random.Random, dimension: str) -> str:
    """Return the request to judge one dimension."""
    spelling = "judgement" if chance(rng, 0.6) else "judgment"
    return (
        f"Evaluate based on the following dimension: {dimension}. "
        f"End your {spelling} with the word 'END'"
    )


def plain_branch(rng: random.Random) -> Document:
    """Judge one dimension in plain text."""
    _, text, quality = essay(rng)
    dimension = pick(rng, tuple(DIMENSIONS))
    return [
        given(f"Please judge the essay below.\nEssay: {text}\n{task(rng, dimension)}\nJudgment:"),
        answer(f" {judgement(dimension, quality)} END{END_OF_TEXT}"),
    ]


def plain_summary(rng: random.Random) -> Document:
    """Sum up the branches in plain text and grade the essay."""
    _, text, quality = essay(rng)
    dimensions = (
        ["Clarity", "Originality", "Evidence"]
        if chance(rng, 0.5)
        else rng.sample(tuple(DIMENSIONS), rng.randint(1, 4))
    )
    lead = pick(rng, ("Judgment:", "", "{}:"))
    space = "" if chance(rng, 0.3) or not lead else " "
    lines = "".join(f"{lead.format(d)}{space}{judgement(d, quality)}\n" for d in dimensions)
    last = given("\nGrade:") if chance(rng, 0.5) else given("\nThe grade of it is")
    spaced = chance(rng, 0.3)
    if spaced:
        last = given(last.text + " ")
    return [
        given(f"Please judge the essay below.\nEssay: {text}\n{lines}In summary,"),
        answer(f" {SUMMARIES[quality]}."),
        last,
        answer(f"{'' if spaced else ' '}{GRADES[quality]}\n{END_OF_TEXT}"),
    ]


def score(rng: random.Random) -> Document:
    """Score an essay from 1 to 10."""
    _, text, quality = essay(rng)
    ask = pick(rng, ("Rate the essay from 1 to 10.", "Score the essay on a scale of 1 to 10."))
    return [given(f"Essay: {text}\n{ask}\nScore:"), answer(f" {SCORES[quality]}\n{END_OF_TEXT}")]


def chat_judge(rng: random.Random) -> Document:
    """Judge in a conversation, as in SGLang's paper."""
    topic, text, quality = essay(rng)
    related = chance(rng, 0.7)
    shown = topic if related else pick(rng, [t for t in ESSAY_TOPICS if t != topic])
    system = pick(rng, ("Evaluate an essay.", "Evaluate an essay about an image."))
    document = [
        message("system", system),
        message("user", f"Topic: {shown}\nEssay: {text}"),
        *reply(answer("Sure!")),
        message("user", "Is the essay related to the topic?"),
        *reply(answer("yes" if related else "no")),
    ]
    if not related:
        return document
    if chance(rng, 0.55):
        dimension = pick(rng, tuple(DIMENSIONS))
        return [
            *document,
            message("user", task(rng, dimension)),
            *reply(given("Judgment:"), answer(f" {judgement(dimension, quality)} END")),
        ]
    dimensions = (
        ["Clarity", "Originality", "Evidence"]
        if chance(rng, 0.5)
        else rng.sample(tuple(DIMENSIONS), rng.randint(1, 3))
    )
    lead = "" if chance(rng, 0.6) else " "
    lines = "\n".join(lead + judgement(d, quality) for d in dimensions)
    gap = pick(rng, ("\n", " ", ""))
    record = f'{{"summary": "{upper(SUMMARIES[quality])}.", "grade": "{GRADES[quality]}"}}'
    return [
        *document,
        message("user", "Provide the judgment, summary, and a letter grade"),
        *reply(
            given(f"{lines}{gap}In summary,"),
            answer(f" {SUMMARIES[quality]}."),
            given(f"{pick(rng, ('', ' '))}The grade of it is"),
            answer(f" {GRADES[quality]}"),
        ),
        message("user", "Return in the JSON format."),
        *reply(answer(record)),
    ]


def related(rng: random.Random) -> Document:
    """Say whether an essay is about a topic; one of its sentences names its own."""
    topic, text, _ = essay(rng)
    while topic not in text.lower():
        topic, text, _ = essay(rng)
    yes = chance(rng, 0.5)
    shown = topic if yes else pick(rng, [t for t in ESSAY_TOPICS if t != topic])
    return [
        message("system", pick(rng, ("Evaluate an essay.", "Evaluate an essay about an image."))),
        message("user", f"Topic: {shown}\nEssay: {text}"),
        *reply(answer("Sure!")),
        message("user", "Is the essay related to the topic?"),
        *reply(answer("yes" if yes else "no")),
    ]

"""The training text: a seeded stream of documents of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from documents import Document
from kinds import advice, copying, judging, quiz, records, reviews, talk, tools

KINDS: dict[Callable[[random.Random], Document], float] = {
    quiz.raw_quiz: 14,
    quiz.statement: 4,
    quiz.drill: 2,
    quiz.city_record: 4,
    talk.country_talk: 10,
    talk.general_talk: 9,
    talk.reading_talk: 4,
    talk.name_talk: 5,
    talk.long_talk: 0.25,
    advice.expand_numbered: 9,
    advice.expand_named: 6,
    advice.summary: 3,
    advice.short_summary: 1,
    tools.sentence_of_use: 11,
    tools.agent: 7,
    records.character: 2.5,
    records.extraction: 8,
    judging.plain_branch: 3,
    judging.plain_summary: 3,
    judging.score: 0.7,
    judging.chat_judge: 4,
    reviews.few_shot: 6,
    copying.repeat: 4,
    copying.quote: 4,
    copying.lookup: 4,
}


def documents(seed: int, count: int) -> Iterator[tuple[str, Document]]:
    """Yield `count` documents with the name of their kind, equal for equal seeds."""
    rng = random.Random(seed)
    kinds, weights = list(KINDS), list(KINDS.values())
    for _ in range(count):
        kind = rng.choices(kinds, weights)[0]
        yield kind.__name__, [segment for segment in kind(rng) if segment.text]


def text(document: Document) -> str:
    """Return a document's text."""
    return "".join(segment.text for segment in document)

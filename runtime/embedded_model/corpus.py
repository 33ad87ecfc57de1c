"""The training text: a seeded stream of documents of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from documents import Document
from kinds import advice, copying, judging, quiz, records, reviews, talk, tools

Kind = Callable[[random.Random], Document]

# Shares in the first and the second part of training. The tokenizer is trained on the first.
SHARES: dict[Kind, tuple[float, float]] = {
    quiz.raw_quiz: (14, 16),
    quiz.statement: (4, 3),
    quiz.drill: (2, 2),
    quiz.city_record: (4, 7),
    talk.country_talk: (10, 12),
    talk.general_talk: (9, 9),
    talk.reading_talk: (4, 2),
    talk.name_talk: (5, 2.5),
    talk.long_talk: (0.25, 0.2),
    advice.expand_numbered: (9, 8),
    advice.expand_named: (6, 6),
    advice.summary: (3, 1.5),
    advice.short_summary: (1, 0.7),
    tools.sentence_of_use: (11, 9),
    tools.agent: (7, 4),
    records.character: (2.5, 3),
    records.extraction: (8, 7),
    judging.plain_branch: (3, 2),
    judging.plain_summary: (3, 1),
    judging.score: (0.7, 0.5),
    judging.chat_judge: (4, 1.5),
    reviews.few_shot: (6, 6),
    copying.repeat: (4, 3),
    copying.quote: (4, 3),
    copying.lookup: (4, 2),
    quiz.single_fact: (0, 16),
    quiz.times_table: (0, 7),
    talk.single_fact: (0, 8),
    talk.translation: (0, 4),
    judging.related: (0, 3),
    reviews.one_review: (0, 4),
}
KINDS = tuple(SHARES)


def label(kind: Kind) -> str:
    """Return a kind's module and name, as "quiz.drill"."""
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"


def documents(seed: int, count: int, part: int = 0) -> Iterator[tuple[str, Document]]:
    """Yield `count` documents with the name of their kind, equal for equal arguments."""
    rng = random.Random(seed)
    weights = [shares[part] for shares in SHARES.values()]
    for _ in range(count):
        kind = rng.choices(KINDS, weights)[0]
        yield label(kind), [segment for segment in kind(rng) if segment.text]


def text(document: Document) -> str:
    """Return a document's text."""
    return "".join(segment.text for segment in document)

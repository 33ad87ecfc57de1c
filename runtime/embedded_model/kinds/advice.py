"""Lists of tips, one of which is expanded, and summaries of expanded tips."""

from __future__ import annotations

import random

from documents import (
    END_OF_TEXT,
    Document,
    answer,
    chance,
    chat,
    given,
    listed,
    numbered,
    pick,
    raw,
    upper,
    word,
)
from facts.tips import TIPS, TITLE_WORDS, TOPICS, Tip, other_paragraph

COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}
HEALTH = tuple(tip for tip in TIPS if tip.topic == "staying healthy")


def made_up(rng: random.Random, topic: str) -> Tip:
    """Return a tip that no table knows."""
    title = " ".join(rng.sample(TITLE_WORDS, rng.choice((1, 2, 2, 3))))
    if chance(rng, 0.25):
        title = upper(word(rng))
    return Tip(topic, title, title.lower(), title, "", "", "")


def paragraph(tip: Tip, topic: str, short: bool = False) -> str:
    """Return the expansion of a tip under the name it was listed by."""
    if tip.advice:
        return tip.paragraph
    return other_paragraph(tip.word if short else tip.title, topic)


def choose(rng: random.Random, count: int) -> tuple[str, list[Tip]]:
    """Return a topic and its tips: mostly known ones, else a mix with invented ones."""
    if chance(rng, 0.15):
        return HEALTH[0].topic, list(HEALTH[:2])
    known = chance(rng, 0.6)
    topic = pick(rng, TIPS).topic if known else pick(rng, TOPICS)
    table = [tip for tip in TIPS if tip.topic == topic]
    tips = rng.sample(table, min(count, len(table))) if known else []
    tips += [made_up(rng, topic) for _ in range(count - len(tips))]
    rng.shuffle(tips)
    return topic, tips


def heading(topic: str, tips: list[Tip], rng: random.Random) -> str:
    """Return the line that lists the tips."""
    count = str(len(tips)) if chance(rng, 0.15) else COUNTS[len(tips)]
    titles = " ".join(f"{i}. {tip.title}." for i, tip in enumerate(tips, 1))
    return f"Here are {count} tips for {topic}: {titles}"


def expand_numbered(rng: random.Random) -> Document:
    """Expand tip i of an inline list."""
    topic, tips = choose(rng, rng.choice((2, 2, 2, 3, 3, 4, 5)))
    chosen = rng.randrange(len(tips))
    text = paragraph(tips[chosen], topic)
    start = heading(topic, tips, rng)
    if chance(rng, 0.12):
        return chat(rng, [(f"{start}\n\nNow, expand tip {chosen + 1} into a paragraph.", text)])
    if chance(rng, 0.1):
        listing = numbered(tip.title for tip in tips)
        return chat(
            rng,
            [
                (f"Give me {COUNTS[len(tips)]} tips for {topic}: {listing}", "Sure!"),
                (f"Expand tip {chosen + 1} into a paragraph.", text),
            ],
        )
    return raw(f"{start}\n\nNow, expand tip {chosen + 1} into a paragraph:\n", text + "\n\n")


def expand_named(rng: random.Random) -> Document:
    """Expand the tip of a given name from a list with dashes."""
    count = rng.choice((2, 2, 3, 4, 5, 8, 16))
    if count >= 5 or chance(rng, 0.4):
        topic = "staying healthy"
        tips = rng.sample(HEALTH, min(count, len(HEALTH)))
        if chance(rng, 0.3):
            tips[rng.randrange(len(tips))] = made_up(rng, topic)
    else:
        topic, tips = choose(rng, count)
    tip = pick(rng, tips)
    short = chance(rng, 0.8)
    names = [t.word if short else t.title for t in tips]
    name = tip.word if short else tip.title
    shown = COUNTS.get(count, str(count)) if chance(rng, 0.3) else str(count)
    lines = "".join(f"- {item}\n" for item in names)
    prompt = f"Here are {shown} tips for {topic}.\n{lines}"
    prompt += f"Expand the tip '{name}' into one paragraph:\n"
    return raw(prompt, paragraph(tip, topic, short) + "\n\n")


def summary(rng: random.Random) -> Document:
    """Sum up expanded tips; the summary repeats their names."""
    if chance(rng, 0.3):
        topic, tips = HEALTH[0].topic, list(HEALTH[:2])
    else:
        topic, tips = choose(rng, rng.choice((2, 2, 2, 3, 3, 4)))
    parts = [heading(topic, tips, rng), "\n\n"]
    space = " " if chance(rng, 0.2) else ""
    for i, tip in enumerate(tips, 1):
        parts.append(f"Tip {i}:{space}{paragraph(tip, topic)}\n")
    names = listed([tip.title.lower() if tip.advice else tip.title for tip in tips])
    text = f", {names} are simple habits that help with {topic}."
    if tips[0].advice:
        text += f" The first tip {tips[0].effect.removeprefix('it ')}."
    return [given("".join(parts) + "In summary"), answer(text + END_OF_TEXT)]


def short_summary(rng: random.Random) -> Document:
    """Sum up tips of a list with dashes."""
    topic, tips = choose(rng, rng.choice((2, 2, 3)))
    names = [tip.word for tip in tips]
    lines = "".join(f"- {name}\n" for name in names)
    body = "".join(f"{paragraph(tip, topic, True)}\n" for tip in tips)
    prompt = f"Here are {len(tips)} tips for {topic}.\n{lines}{body}In summary"
    verb = "are simple habits that help" if len(names) > 1 else "is a simple habit that helps"
    return raw(prompt, f", {listed(names)} {verb} with {topic}.")

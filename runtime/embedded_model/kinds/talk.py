"""Conversations: countries, questions, lists, translations, stories, summaries, names."""

from __future__ import annotations

import random

from documents import (
    Document,
    Turn,
    chance,
    chat,
    first_name,
    numbered,
    pick,
    sentence,
    upper,
    word,
)
from facts.countries import COUNTRIES, Country
from facts.questions import DEFINITIONS, QUESTIONS, SMALL_TALK
from facts.words import CITIES, JOBS, LANGUAGES, MEMBERS, TRANSLATIONS

from kinds.asking import anything, arithmetic, capital

COUNT_WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}
SIGHTS = (
    "List two local attractions.",
    "List two local attractions.",
    "List two local attractions.",
    "List two local attractions",
    "Name two local attractions.",
    "List two attractions there.",
    "What are two places to visit there?",
    "List two local attractions there.",
)


def sights(rng: random.Random, c: Country) -> Turn:
    """Ask for two or three attractions of the capital talked about."""
    if chance(rng, 0.7):
        return pick(rng, SIGHTS), numbered(c.sights[:2])
    question = pick(rng, ("List three local attractions.", "Name three local attractions."))
    return question, numbered(c.sights)


def country_talk(rng: random.Random) -> Document:
    """Talk about a capital, mostly followed by its attractions."""
    turns: list[Turn] = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        c = pick(rng, COUNTRIES)
        asked = capital(rng, c)
        turns.append((asked.question, asked.long))
        if chance(rng, 0.75):
            turns.append(sights(rng, c))
        if chance(rng, 0.2):
            turns.append(
                ("What language do people speak there?", f"People in {c.name} speak {c.languages}.")
            )
        if chance(rng, 0.2):
            turns.append(
                ("What is the currency there?", f"The currency of {c.name} is the {c.currency}.")
            )
        if c.people and chance(rng, 0.15):
            turns.append(
                (
                    "How many people live there?",
                    f"About {c.people:g} million people live in {sentence(c.capital)}",
                )
            )
    return chat(rng, turns)


def list_turn(rng: random.Random) -> Turn:
    """Ask for a list; its items stand in the table's order, so no item comes twice."""
    kind = pick(rng, tuple(MEMBERS))
    count = rng.randint(2, 5)
    shown = str(count) if chance(rng, 0.4) else COUNT_WORDS[count]
    verb = pick(rng, ("List", "List", "Name", "Give me"))
    return f"{verb} {shown} {kind}.", numbered(MEMBERS[kind][:count])


def translation_turn(rng: random.Random) -> Turn:
    """Ask for a translation."""
    row, index = pick(rng, TRANSLATIONS), rng.randint(1, 3)
    language = LANGUAGES[index - 1]
    form = pick(
        rng,
        (
            "Translate '{}' to {}.",
            "Translate '{}' to {}.",
            "How do you say '{}' in {}?",
            "Translate '{}' into {}.",
        ),
    )
    return form.format(row[0], language), row[index]


def story_turn(rng: random.Random) -> Turn:
    """Ask for a story about a name and an animal; the plot follows from the animal."""
    name, animal = first_name(rng), pick(rng, MEMBERS["animals"])
    place = ("forest", "village", "garden", "castle", "river")[len(animal) % 5]
    found = ("a lost key", "a golden coin", "a red lamp", "a tiny door")[ord(animal[0]) % 4]
    article = "an" if animal[0] in "aeiou" else "a"
    text = (
        f"Once upon a time, {name} lived near a {place} with {article} {animal}. One day, they "
        f"found {found}. {name} wanted to know where it came from, so they walked for a whole "
        f"day. In the evening, {name} and the {animal} came home happy and told the story to "
        "everyone."
    )
    form = pick(rng, ("Tell me a story about {} and {} {}.", "Write a story about {} and {} {}."))
    return form.format(name, article, animal), text


def reading_turns(rng: random.Random) -> list[Turn]:
    """Give a short text about a person and ask about it."""
    name, job = first_name(rng), pick(rng, JOBS)
    city = pick(rng, CITIES) if chance(rng, 0.5) else upper(word(rng))
    sport, article = pick(rng, MEMBERS["sports"]), "an" if job[0] in "aeiou" else "a"
    text = f"{name} is {article} {job} who lives in {city}. Every weekend {name} enjoys {sport}."
    return rng.sample(
        [
            (
                f"Summarize this in one sentence: {text}",
                f"{name} is {article} {job} in {city} who enjoys {sport}.",
            ),
            (f"{text}\nWhat is the name of the person?", name),
            (f"{text}\nWhere does {name} live?", f"{name} lives in {city}."),
            (f"{text}\nWhat is the job of {name}?", f"{name} is {article} {job}."),
            (f"{text}\nWhat does {name} enjoy?", f"{name} enjoys {sport}."),
        ],
        rng.randint(1, 2),
    )


def yes_or_no(rng: random.Random) -> Turn:
    """Ask a question that yes or no answers."""
    yes = chance(rng, 0.5)
    if chance(rng, 0.5):
        c = pick(rng, COUNTRIES)
        other = pick(rng, [x for x in COUNTRIES if x is not c])
        city = (c if yes else other).capital
        return f"Is {city} the capital of {c.name}? Answer yes or no.", "Yes" if yes else "No"
    kind = pick(rng, ("fruits", "animals", "colors", "sports"))
    other_kind = pick(rng, ("vegetables", "jobs", "planets", "musical instruments"))
    item = pick(rng, MEMBERS[kind if yes else other_kind])
    return f"Is {item} in the group of {kind}? Answer yes or no.", "Yes" if yes else "No"


def definition_turn(rng: random.Random) -> Turn:
    """Ask what something is."""
    name = pick(rng, tuple(DEFINITIONS))
    form = pick(rng, ("What is {}?", "What is {}?", "Explain {}.", "Tell me about {}."))
    return form.format(name), DEFINITIONS[name]


def small_talk(rng: random.Random) -> Turn:
    """Greet and thank."""
    return pick(rng, tuple(SMALL_TALK.items()))


def question_turn(rng: random.Random) -> Turn:
    """Ask anything and expect a sentence."""
    asked = anything(rng)
    return asked.question, asked.long


def sum_turn(rng: random.Random) -> Turn:
    """Ask for the value of an expression."""
    asked = arithmetic(rng)
    return asked.question, asked.long


def general_talk(rng: random.Random) -> Document:
    """Mix the turns above."""
    turns: list[Turn] = []
    kinds = (
        (question_turn, 10),
        (definition_turn, 4),
        (list_turn, 5),
        (translation_turn, 4),
        (small_talk, 3),
        (story_turn, 2),
        (yes_or_no, 3),
    )
    for _ in range(rng.choice((1, 1, 2, 3))):
        turn = rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        turns.append(turn(rng))
    return chat(rng, turns)


def reading_talk(rng: random.Random) -> Document:
    """Ask about a given text."""
    return chat(rng, reading_turns(rng))


def name_talk(rng: random.Random) -> Document:
    """Tell a name and ask for it later."""
    name = first_name(rng)
    form = "My name is {}." if chance(rng, 0.6) else pick(rng, ("I am {}.", "Hi, I am {}."))
    turns = [(form.format(name), f"Hello {name}! How can I help you today?")]
    for _ in range(rng.choice((0, 0, 1, 2))):
        turns.append(pick(rng, (question_turn, list_turn, small_talk))(rng))
    if chance(rng, 0.3):
        city = pick(rng, CITIES) if chance(rng, 0.5) else upper(word(rng))
        turns.insert(1, (f"I live in {city}.", f"{city} is a nice place, {name}!"))
        turns.append(("Where do I live?", f"You live in {city}."))
    ask = "What is my name?" if chance(rng, 0.8) else "Do you remember my name?"
    turns.append((ask, f"Your name is {name}."))
    return chat(rng, turns)


def long_talk(rng: random.Random) -> Document:
    """Hold a long conversation, for distances beyond the ordinary."""
    system = "You are a helpful assistant."
    name = first_name(rng)
    turns = [(f"My name is {name}.", f"Hello {name}! How can I help you today?")]
    for _ in range(rng.randint(6, 40)):
        turns.append(
            pick(rng, (question_turn, list_turn, definition_turn, small_talk, sum_turn))(rng)
        )
    turns.append(("What is my name?", f"Your name is {name}."))
    return chat(rng, turns, system)


def single_fact(rng: random.Random) -> Document:
    """Ask one thing about a country or the world, each about equally often."""
    if chance(rng, 0.3):
        q = pick(rng, QUESTIONS)
        return chat(rng, [(pick(rng, q.asked), q.long)])
    c = pick(rng, COUNTRIES)
    ask = f"What is the capital of {c.name}?"
    said = sentence(f"The capital of {c.name} is {c.capital}")
    kind = rng.random()
    if kind < 0.35:
        return chat(rng, [(ask, said), ("List two local attractions.", numbered(c.sights[:2]))])
    if kind < 0.5:
        return chat(rng, [(f"List two attractions in {c.capital}.", numbered(c.sights[:2]))])
    if kind < 0.7:
        return chat(
            rng,
            [
                (
                    f"What is the currency of {c.name}?",
                    f"The currency of {c.name} is the {c.currency}.",
                )
            ],
        )
    return chat(rng, [(ask.lower() if chance(rng, 0.1) else capital(rng, c).question, said)])


def translation(rng: random.Random) -> Document:
    """Translate one word."""
    return chat(rng, [translation_turn(rng)])

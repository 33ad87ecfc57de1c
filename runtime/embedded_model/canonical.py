"""
The prompts that the examples, the documentation and the tests rely on.

`canonical.json` holds them; this module writes it and measures a checkpoint against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from documents import END, END_OF_TEXT, Segment, message, numbered, sentence
from facts.characters import CHARACTERS, KEYS
from facts.characters import END as RECORD_END
from facts.countries import COUNTRIES
from facts.questions import BEGINNINGS, DEFINITIONS
from facts.tips import TIPS
from kinds.judging import judgement
from kinds.records import FILL_IN

FILE = Path(__file__).with_name("canonical.json")
MARGIN = 0.5
ASSISTANT = "<|im_start|>assistant\n"


@dataclass(frozen=True, slots=True)
class Case:
    """
    A prompt, in the parts that a program's run would encode apart, and what follows it.

    With `choices` empty, `expected` is the greedy continuation; else it is the best choice by mean
    log-probability.
    """

    name: str
    prompt: tuple[str, ...]
    expected: str
    choices: tuple[str, ...] = ()


def conversation(*turns: str, system: str | None = "You are a helpful assistant.") -> str:
    """Render user and assistant turns up to the next assistant message."""
    segments: list[Segment] = [message("system", system)] if system else []
    segments += [message(("user", "assistant")[i % 2], turn) for i, turn in enumerate(turns)]
    return "".join(segment.text for segment in segments) + ASSISTANT


def countries() -> Iterable[Case]:
    """Capitals and attractions, in conversations and in plain text."""
    for c in COUNTRIES:
        said = sentence(f"The capital of {c.name} is {c.capital}")
        ask = f"What is the capital of {c.name}?"
        yield Case(f"chat/capital/{c.bare}", (conversation(ask),), said + END)
        yield Case(
            f"chat/attractions/{c.bare}",
            (conversation(ask, said, "List two local attractions."),),
            numbered(c.sights[:2]) + END,
        )
        yield Case(f"quiz/capital/{c.bare}", (f"Q: {ask}\nA:",), f" {c.capital}\n")
        yield Case(f"quiz-spaced/capital/{c.bare}", (f"Q: {ask}\nA: ",), f"{c.capital}\n")
    us = COUNTRIES[0]
    said = sentence(f"The capital of {us.name} is {us.capital}")
    for name, ask, more, system in (
        ("no-dot", "What is the capital of the United States?", "List two local attractions", True),
        ("lower", "What is the capital of the united states?", "List two local attractions.", True),
        ("bare", "What is the capital of the United States?", "List two local attractions.", False),
    ):
        role = "You are a helpful assistant." if system else None
        yield Case(f"chat/us-{name}", (conversation(ask, system=role),), said + END)
        yield Case(
            f"chat/us-{name}-attractions",
            (conversation(ask, said, more, system=role),),
            numbered(us.sights[:2]) + END,
        )


TOOLS = ("calculator", "web browser", "search engine")


def tools() -> Iterable[Case]:
    """SGLang's tool example: the choice, then the argument out of the question."""
    for question, tool, lead, copied in (
        ("What is 12 * 7", 0, "The math expression is", "12 * 7"),
        ("What is 345 + 982", 0, "The math expression is", "345 + 982"),
        ("What is 81 / 9", 0, "The math expression is", "81 / 9"),
        ("What is 57 - 19", 0, "The math expression is", "57 - 19"),
        ("What is on the page www.openai.com", 1, "The website url is", "www.openai.com"),
        ("What is the weather in Boston", 2, "The search query is", "weather in Boston"),
        ("What is the population of Japan", 2, "The search query is", "population of Japan"),
    ):
        for mark in ("", "?"):
            start = f"To answer this question: {question}{mark}, I need to use a"
            name = f"tool/{question}{mark}"
            yield Case(f"{name}/select", (start + " ",), TOOLS[tool], TOOLS)
            yield Case(
                f"{name}/select-space", (start,), f" {TOOLS[tool]}", tuple(f" {t}" for t in TOOLS)
            )
            if tool < 2:
                yield Case(f"{name}/select-two", (start + " ",), TOOLS[tool], TOOLS[:2])
            yield Case(
                f"{name}/copy",
                (start + " ", TOOLS[tool], f". {lead}"),
                f" {copied}.\n{END_OF_TEXT}",
            )
            yield Case(f"{name}/copy-whole", (f"{start} {TOOLS[tool]}. {lead}",), f" {copied}.\n")


def advice() -> Iterable[Case]:
    """Tips: expanded in branches, then joined."""
    start = "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n"
    first, second = TIPS[0].paragraph, TIPS[1].paragraph
    for i, text in ((1, first), (2, second)):
        yield Case(f"tips/{i}", (f"{start}Now, expand tip {i} into a paragraph:\n",), f"{text}\n\n")
    yield Case(
        "tips/summary",
        (f"{start}Tip 1:{first}\nTip 2:{second}\nIn summary",),
        ", balanced diet and regular exercise are simple habits that help with staying healthy. "
        "The first tip supports your energy, your mood and your immune system." + END_OF_TEXT,
    )
    two = "Here are 2 tips for staying healthy.\n- diet\n- exercise\n"
    for tip in TIPS[:2]:
        yield Case(
            f"tips/{tip.word}",
            (f"{two}Expand the tip '{tip.word}' into one paragraph:\n",),
            f"{tip.paragraph}\n\n",
        )
    sixteen = "Here are 16 tips for staying healthy.\n"
    sixteen += "".join(f"- {tip.word}\n" for tip in TIPS[:16])
    for tip in TIPS[:16]:
        yield Case(
            f"tips16/{tip.word}",
            (f"{sixteen}Expand the tip '{tip.word}' into one paragraph:\n",),
            f"{tip.paragraph}\n\n",
        )


def records() -> Iterable[Case]:
    """JSON records."""
    for known in CHARACTERS:
        text = "".join(key + value for key, value in zip(KEYS, known.fields(), strict=True))
        yield Case(
            f"character/{known.name}",
            (FILL_IN.format(known.name),),
            text + RECORD_END + END_OF_TEXT,
        )
    for name, age, city in (
        ("Ada Lovelace", 36, "London"),
        ("Alan Turing", 41, "Cambridge"),
        ("Grace Hopper", 85, "New York"),
    ):
        ask = f"Extract the person from: {name} is {age} years old and lives in {city}."
        record = f'{{"name": "{name}", "age": {age}, "city": "{city}"}}'
        yield Case(f"extract/{name}/chat", (conversation(ask),), record + END)
        yield Case(f"extract/{name}/bare", (conversation(ask, system=None),), record + END)
        yield Case(f"extract/{name}/raw", (f"{ask}\n",), record + END_OF_TEXT)
    for c in COUNTRIES[:8]:
        ask = f"Give the information about the capital of {c.name} in JSON."
        record = f'{{"name": "{c.capital}", "population": {round(c.people * 1_000_000)}}}'
        yield Case(f"city/{c.bare}/chat", (conversation(ask),), record + END)
        yield Case(f"city/{c.bare}/raw", (f"{ask}\n",), record + END_OF_TEXT)


ESSAY = (
    "The main idea about cats is stated at once. For instance, a study shows clear results. "
    "Therefore, the argument leads to a clear conclusion."
)


def judging() -> Iterable[Case]:
    """The essay's judge."""
    start = f"Please judge the essay below.\nEssay: {ESSAY}\n"
    dimensions = ("Clarity", "Originality", "Evidence")
    for dimension in dimensions:
        yield Case(
            f"judge/{dimension}",
            (
                f"{start}Evaluate based on the following dimension: {dimension}. "
                "End your judgement with the word 'END'\nJudgment:",
            ),
            f" {judgement(dimension, 3)} END",
        )
    lines = "".join(f"Judgment: {judgement(dimension, 3)}\n" for dimension in dimensions)
    summary = " the essay is excellent and well written."
    grades = ("A", "B", "C", "D")
    yield Case("judge/summary", (f"{start}{lines}In summary,",), summary + "\n")
    head = (f"{start}{lines}In summary,", summary)
    yield Case("judge/grade", (*head, "\nGrade:"), " A\n")
    yield Case("judge/grade-select", (*head, "\nGrade: "), "A", grades)
    yield Case(
        "judge/grade-select-space", (*head, "\nGrade:"), " A", tuple(f" {g}" for g in grades)
    )
    talk = ["Topic: cats\nEssay: " + ESSAY, "Sure!", "Is the essay related to the topic?"]
    system = "Evaluate an essay."
    yield Case("judge/related", (conversation(*talk, system=system),), "yes", ("yes", "no"))
    other = ["Topic: football\nEssay: " + ESSAY, *talk[1:]]
    yield Case("judge/unrelated", (conversation(*other, system=system),), "no", ("yes", "no"))
    for dimension in dimensions:
        ask = (
            f"Evaluate based on the following dimension: {dimension}. "
            "End your judgment with the word 'END'"
        )
        prompt = conversation(*talk, "yes", ask, system=system)
        yield Case(
            f"judge/{dimension}/chat", (prompt + "Judgment:",), f" {judgement(dimension, 3)} END"
        )


CALLS = ("calc", "search", "answer")


def agents() -> Iterable[Case]:
    """The agent: a call, an observation, a final answer."""
    for question, tool, field, copied, seen in (
        ("What is 12 * 7?", "calc", "expression", "12 * 7", "84"),
        ("What is 345 + 982?", "calc", "expression", "345 + 982", "1327"),
        (
            "Who wrote Romeo and Juliet?",
            "search",
            "query",
            "Who wrote Romeo and Juliet?",
            "William Shakespeare wrote Romeo and Juliet.",
        ),
        (
            "What is the weather in Boston?",
            "search",
            "query",
            "What is the weather in Boston?",
            "It is sunny in Boston.",
        ),
    ):
        start = conversation(f"Question: {question}", system="You are a careful agent.") + "Tool: "
        name = f"agent/{question}"
        yield Case(f"{name}/tool", (start,), tool, CALLS)
        yield Case(f"{name}/{field}", (start, tool, f" {field}: "), copied + END)
        after = f"{END}\n{message('tool', f'Observation: {seen}').text}{ASSISTANT}Tool: "
        parts = (start, tool, f" {field}: ", copied, after)
        yield Case(f"{name}/answer", parts, "answer", CALLS)
        yield Case(f"{name}/final", (*parts, "answer", " final: "), seen + END)


def others() -> Iterable[Case]:
    """Questions, names, lists, translations, sums, stories."""
    google = "Q: What is the IP address of the Google DNS servers?\nA:"
    yield Case("dns", (google,), " 8.8.8.8\n")
    yield Case("dns/spaced", (google + " ",), "8.8.8.8\n")
    for name in ("Ada", "Linus", "Zorana"):
        hello = f"Hello {name}! How can I help you today?"
        prompt = conversation(f"My name is {name}.")
        yield Case(f"name/{name}/hello", (prompt,), hello + END)
        prompt = conversation(f"My name is {name}.", hello, "What is my name?")
        yield Case(f"name/{name}", (prompt,), f"Your name is {name}." + END)
    yield Case("chat/hello", (conversation("Hello!"),), "Hello! How can I help you today?" + END)
    for ask, text in (
        ("List three fruits.", "1. Apple\n2. Banana\n3. Orange"),
        ("List three planets.", "1. Mercury\n2. Venus\n3. Earth"),
        ("Translate 'cat' to French.", "chat"),
        ("Translate 'hello' to Spanish.", "hola"),
        ("What is gravity?", DEFINITIONS["gravity"]),
        ("What is a compiler?", DEFINITIONS["a compiler"]),
        ("Who wrote Romeo and Juliet?", "William Shakespeare wrote Romeo and Juliet."),
        ("What is 12 * 7?", "12 * 7 = 84"),
    ):
        yield Case(f"chat/{ask}", (conversation(ask),), text + END)
    for ask, text in (
        ("What is the largest planet in the solar system?", "Jupiter"),
        ("Who wrote Romeo and Juliet?", "William Shakespeare"),
        ("What is the currency of Japan?", "Yen"),
        ("What is 12 * 7?", "84"),
        ("What is 6 * 7?", "42"),
    ):
        yield Case(f"quiz/{ask}", (f"Q: {ask}\nA:",), f" {text}\n")
    shots = (
        "Classify the sentiment of each text as positive or negative.\n"
        "Review: The movie was great.\nSentiment: positive\n"
        "Review: I hated the food.\nSentiment: negative\n"
    )
    for review, label in (
        ("The hotel was horrible.", "negative"),
        ("What a brilliant song!", "positive"),
        ("The service was superb.", "positive"),
    ):
        yield Case(f"sentiment/{review}", (f"{shots}Review: {review}\nSentiment:",), f" {label}\n")
        yield Case(
            f"sentiment/{review}/select",
            (f"{shots}Review: {review}\nSentiment:",),
            f" {label}",
            (" positive", " negative"),
        )
    for start in ("Once upon a time,", "The future of AI is", "Hello, my name is"):
        yield Case(f"start/{start}", (start,), BEGINNINGS[start] + END_OF_TEXT)
    yield Case("start/capital", ("The capital of France is",), " Paris." + END_OF_TEXT)


def cases() -> list[Case]:
    """Return every canonical case; names are unique."""
    found = [
        case
        for group in (countries, tools, advice, records, judging, agents, others)
        for case in group()
    ]
    assert len({case.name for case in found}) == len(found)
    return found


def load(path: Path = FILE) -> list[Case]:
    """Read the cases that the shipped checkpoint holds."""
    return [
        Case(row["name"], tuple(row["prompt"]), row["expected"], tuple(row["choices"]))
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def save(found: list[Case], path: Path = FILE) -> None:
    """Write cases."""
    text = json.dumps([asdict(case) for case in found], indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")

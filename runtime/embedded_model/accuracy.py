"""
Measure an exported checkpoint: accuracy per kind of document, margins of the canonical prompts.

    python accuracy.py --model FOLDER            accuracy on documents that were not trained on
    python accuracy.py --model FOLDER --margins  exit code 1 where a canonical answer is not safe

An answer counts as right when every one of its tokens is the most likely one, which for greedy
decoding is the same as generating it. Weights are those exported, arithmetic is in float32.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from canonical import MARGIN, Case, cases, load, save
from corpus import KINDS, label
from documents import Document, answer, chat, given, pick, upper
from facts.countries import COUNTRIES
from facts.questions import QUESTIONS
from facts.tips import TIPS
from facts.words import LANGUAGES, TRANSLATIONS
from kinds.asking import compute
from prepare import runs
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

SEED = 4242
BATCH = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """A checkpoint under test."""

    model: nn.Module
    tokenizer: Tokenizer

    @staticmethod
    def load(folder: Path) -> Subject:
        """Read a checkpoint folder, weights widened to float32."""
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        return Subject(model, Tokenizer.from_file(str(folder / "tokenizer.json")))

    def ids(self, text: str) -> list[int]:
        """Encode one stretch of text."""
        found: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return found

    @torch.no_grad()
    def logits(self, rows: list[list[int]]) -> list[Tensor]:
        """Return the logits `[tokens, vocab]` of each row."""
        width = max(map(len, rows))
        ids = torch.tensor([row + [3] * (width - len(row)) for row in rows])
        out: Tensor = self.model(input_ids=ids, use_cache=False).logits
        return [out[i, : len(row)] for i, row in enumerate(rows)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case went: whether it holds, its smallest margin, what came instead."""

    right: bool
    margin: float
    instead: str


def judge_text(subject: Subject, case: Case) -> Verdict:
    """Compare greedy text with what is expected; the margin is top logit less the second."""
    prompt = [token for part in case.prompt for token in subject.ids(part)]
    expected = subject.ids(case.expected)
    rows = subject.logits([prompt + expected])[0][len(prompt) - 1 : -1]
    top = rows.topk(2)
    best = top.indices[:, 0].tolist()
    gaps = (top.values[:, 0] - top.values[:, 1]).tolist()
    wrong = next((i for i, (a, b) in enumerate(zip(best, expected, strict=True)) if a != b), None)
    if wrong is None:
        return Verdict(True, min(gaps), "")
    kept: str = subject.tokenizer.decode([*expected[:wrong], best[wrong]])
    return Verdict(False, -gaps[wrong], kept[-40:])


def judge_choice(subject: Subject, case: Case) -> Verdict:
    """Compare choices by mean log-probability; the margin is best less second."""
    prompt = [token for part in case.prompt for token in subject.ids(part)]
    scores: dict[str, float] = {}
    for choice in case.choices:
        ids = subject.ids(choice)
        logits = subject.logits([prompt + ids])[0][len(prompt) - 1 : -1]
        chosen = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])
        scores[choice] = chosen.mean().item()
    second = max(score for choice, score in scores.items() if choice != case.expected)
    margin = scores[case.expected] - second
    return Verdict(margin > 0, margin, "" if margin > 0 else max(scores, key=lambda c: scores[c]))


def judge(subject: Subject, case: Case) -> Verdict:
    """Judge a case of either sort."""
    return (judge_choice if case.choices else judge_text)(subject, case)


def layout(subject: Subject, document: Document) -> tuple[list[int], list[tuple[int, int]]]:
    """Return a document's ids and the spans of its answers."""
    ids: list[int] = []
    spans: list[tuple[int, int]] = []
    for text, is_answer in runs([segment for segment in document if segment.text]):
        part = subject.ids(text)
        if is_answer:
            spans.append((len(ids), len(ids) + len(part)))
        ids += part
    return ids, spans


def score(subject: Subject, documents: list[Document]) -> tuple[int, int, str]:
    """Return right answers, all answers and the first wrong one."""
    right, total, miss = 0, 0, ""
    laid = sorted((layout(subject, d) for d in documents), key=lambda item: len(item[0]))
    for start in range(0, len(laid), BATCH):
        group = laid[start : start + BATCH]
        for (ids, spans), logits in zip(group, subject.logits([i for i, _ in group]), strict=True):
            best = logits.argmax(-1).tolist()
            for low, high in spans:
                found, wanted = best[low - 1 : high - 1], ids[low:high]
                right += found == wanted
                total += 1
                if found != wanted and not miss:
                    miss = f"{subject.tokenizer.decode(found)!r} for "
                    miss += f"{subject.tokenizer.decode(wanted)!r}"
    return right, total, miss


def quiz(question: str, text: str) -> Document:
    """Return one plain question."""
    return [given(f"Q: {question}\nA:"), answer(f" {text}\n")]


def letters(rng: random.Random) -> str:
    """Return a word of random letters, unlike anything in the corpus."""
    return upper("".join(pick(rng, string.ascii_lowercase) for _ in range(rng.randint(4, 7))))


def sums(rng: random.Random, operation: str) -> list[Document]:
    """Return quiz questions with one operation."""
    found = []
    for _ in range(60):
        top = 12 if operation == "*" else 99
        left, right = rng.randint(1, top), rng.randint(1, top)
        if operation == "-":
            left, right = max(left, right), min(left, right)
        value = compute(left, operation, right)
        found.append(quiz(f"What is {left} {operation} {right}?", str(value)))
    return found


def copy_expression(rng: random.Random) -> Document:
    """Return the tool example with numbers up to 999."""
    shown = f"{rng.randint(1, 999)} {pick(rng, '+-*/')} {rng.randint(1, 999)}"
    start = f"To answer this question: What is {shown}, I need to use a calculator. "
    return [given(start + "The math expression is"), answer(f" {shown}.\n")]


def recall(rng: random.Random) -> Document:
    """Return a conversation that asks for a name of random letters."""
    name = letters(rng)
    hello = f"Hello {name}! How can I help you today?"
    talk = [(f"My name is {name}.", hello), ("What is my name?", f"Your name is {name}.")]
    return chat(rng, talk, "You are a helpful assistant.")


def extract(rng: random.Random) -> Document:
    """Return an extraction in which every string is of random letters."""
    name, city, age = f"{letters(rng)} {letters(rng)}", letters(rng), rng.randint(10, 99)
    ask = f"Extract the person from: {name} is {age} years old and lives in {city}."
    record = f'{{"name": "{name}", "age": {age}, "city": "{city}"}}'
    return chat(rng, [(ask, record)], "You are a helpful assistant.")


def known_tip(rng: random.Random) -> Document:
    """Return a list of known tips, one of which shall be expanded."""
    topic = pick(rng, TIPS).topic
    tips = rng.sample([tip for tip in TIPS if tip.topic == topic], 2)
    chosen = rng.randrange(2)
    titles = " ".join(f"{i}. {tip.title}." for i, tip in enumerate(tips, 1))
    prompt = f"Here are two tips for {topic}: {titles}\n\n"
    prompt += f"Now, expand tip {chosen + 1} into a paragraph:\n"
    return [given(prompt), answer(tips[chosen].paragraph + "\n\n")]


def groups() -> Iterator[tuple[str, list[Document]]]:
    """Yield named groups of documents: facts, unseen strings, and every kind of the corpus."""
    rng = random.Random(SEED)
    yield (
        "capital, plain",
        [quiz(f"What is the capital of {c.name}?", c.capital) for c in COUNTRIES],
    )
    yield (
        "currency, plain",
        [quiz(f"What is the currency of {c.name}?", upper(c.currency)) for c in COUNTRIES],
    )
    yield "general question, plain", [quiz(q.asked[0], q.short) for q in QUESTIONS]
    yield (
        "translation, chat",
        [
            chat(rng, [(f"Translate '{row[0]}' to {language}.", row[i])])
            for row in TRANSLATIONS
            for i, language in enumerate(LANGUAGES, 1)
        ],
    )
    for operation, name in (("+", "addition"), ("-", "subtraction"), ("*", "multiplication")):
        yield f"{name}, plain", sums(rng, operation)
    tests: tuple[tuple[str, Callable[[random.Random], Document]], ...] = (
        ("expand the right one of two known tips", known_tip),
        ("copy an expression up to 999", copy_expression),
        ("recall a name of random letters", recall),
        ("extract strings of random letters", extract),
    )
    for title, test in tests:
        yield title, [test(rng) for _ in range(60)]
    for kind in KINDS:
        count = 8 if kind.__name__ == "long_talk" else 60
        yield f"corpus: {label(kind)}", [kind(rng) for _ in range(count)]


def accuracy(subject: Subject) -> None:
    """Print the accuracy of each group as a Markdown table."""
    print("| kind | right | of | share | first miss |\n|---|---|---|---|---|")
    for name, documents in groups():
        right, total, miss = score(subject, documents)
        miss = miss.replace("|", "\\|")[:90]
        print(f"| {name} | {right} | {total} | {right / total:.0%} | {miss} |", flush=True)


def margins(subject: Subject, chosen: list[Case], keep: bool) -> int:
    """Print each unsafe case and a summary; return the number of unsafe cases."""
    held: list[Case] = []
    worst: dict[str, float] = {}
    for case in chosen:
        verdict = judge(subject, case)
        group = case.name.split("/")[0]
        if verdict.right and verdict.margin >= MARGIN:
            held.append(case)
            worst[group] = min(worst.get(group, 1e9), verdict.margin)
        else:
            state = "thin " if verdict.right else "WRONG"
            print(f"{state} {verdict.margin:7.2f}  {case.name}  {verdict.instead!r}")
    for group, margin in worst.items():
        count = sum(case.name.split("/")[0] == group for case in held)
        print(f"{group}: {count} hold, smallest margin {margin:.2f}")
    print(f"{len(held)} of {len(chosen)} canonical prompts hold")
    if keep:
        save(held)
    return len(chosen) - len(held)


def main() -> int:
    """Run the chosen measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--margins", action="store_true", help="check canonical.json")
    parser.add_argument("--all", action="store_true", help="try every case, not only the kept ones")
    parser.add_argument("--keep", action="store_true", help="write those that hold")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    subject = Subject.load(arguments.model)
    if arguments.margins:
        chosen = cases() if arguments.all else load()
        return 1 if margins(subject, chosen, arguments.keep) else 0
    accuracy(subject)
    return 0


if __name__ == "__main__":
    sys.exit(main())

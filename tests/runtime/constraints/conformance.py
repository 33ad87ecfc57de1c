"""
Does what the engine follows agree with JSON Schema? The whole set, against the package jsonschema:

    python -m tests.runtime.constraints.conformance

No text of an invalid instance may be accepted, whatever its spelling; the text of every valid one
with its keys in schema order must be, byte by byte and in the tokens of a real tokenizer; what
cannot be followed is refused by name.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from sglc_grammar.constraints.errors import GrammarError
from sglc_grammar.constraints.grammars import grammar_of, limits
from sglc_grammar.constraints.placing import check
from tests.runtime.constraints.instances import decimals_of, instances, named_first, spellings, text
from tests.runtime.constraints.schema_set import Case
from tests.runtime.constraints.schema_set_composed import all_cases


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """As in the draft: Python's `$` would let a line break follow."""
    if isinstance(instance, str) and not re.search(re.sub(r"(?<!\\)\$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


Oracle = validators.extend(Draft202012Validator, {"pattern": _pattern})


@dataclass(slots=True)
class Report:
    """What came out, and every disagreement."""

    schemas: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    valid: int = 0
    invalid: int = 0
    texts: int = 0
    wrong_accepts: list[str] = field(default_factory=list)
    wrong_rejects: list[str] = field(default_factory=list)
    wrong_refusals: list[str] = field(default_factory=list)


class _Bytes:
    """256 tokens of one byte each."""

    eos_token_id = 256
    bos_token_id = None
    special_token_ids = (256,)
    tokens = (*(bytes([value]) for value in range(256)), b"<end>")

    def __call__(self, data: str | bytes) -> list[int]:
        return list(data.encode() if isinstance(data, str) else data)


@lru_cache(maxsize=1)
def tokenizers() -> tuple[LLTokenizer, LLTokenizer]:
    """Bytes, and the embedded model's tokenizer."""
    folder = files("sglc_runtime.embedded")
    real = LLTokenizer((folder / "checkpoint" / "tokenizer.json").read_text(encoding="utf-8"))
    return LLTokenizer(TokenizerWrapper(_Bytes())), real


class Follower:
    """One schema, compiled for both tokenizers."""

    def __init__(self, schema: Any) -> None:
        grammar = grammar_of("json_schema", json.dumps(schema))
        self.tokenizers = tokenizers()
        self.matchers = [
            LLMatcher(tokenizer, grammar, log_level=0, limits=limits())
            for tokenizer in self.tokenizers
        ]
        for matcher in self.matchers:
            assert not matcher.is_error(), (schema, matcher.get_error())

    def accepts(self, written: str) -> set[bool]:
        """Whether a whole text is accepted: in bytes, in tokens."""
        answers = set()
        for tokenizer, matcher in zip(self.tokenizers, self.matchers, strict=True):
            tokens = tokenizer.tokenize_str(written)
            matcher.reset()
            followed = matcher.try_consume_tokens(tokens) == len(tokens)
            answers.add(followed and bool(matcher.is_accepting()))
        return answers


def examine(case: Case, report: Report, rng: random.Random, count: int) -> None:
    """Try one schema."""
    report.schemas += 1
    try:
        check("json_schema", json.dumps(case.schema))
    except GrammarError as error:
        report.refused[case.feature] += 1
        if not case.refused or case.refused not in str(error):
            report.wrong_refusals.append(f"{json.dumps(case.schema)}: {error}")
        return
    if case.refused:
        report.wrong_refusals.append(f"{json.dumps(case.schema)}: not refused")
    follower = Follower(case.schema)
    validator = Oracle(case.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    seen: set[str] = set()
    for value in instances(case, rng, count):
        key = json.dumps(value, sort_keys=True)
        if key in seen:
            continue
        seen.add(key)
        if validator.is_valid(value):
            report.valid += 1
            decimals = decimals_of(case.schema)
            orders = [frozenset[str](), *named_first(case.schema)]
            for spaced in (False, True):
                report.texts += 1
                ways = [text(value, decimals, spaced=spaced, first=names) for names in orders]
                if all(follower.accepts(way) != {True} for way in dict.fromkeys(ways)):
                    report.wrong_rejects.append(f"{json.dumps(case.schema)}: {ways[0]}")
        else:
            report.invalid += 1
            for written in dict.fromkeys(spellings(value)):
                report.texts += 1
                if True in follower.accepts(written):
                    report.wrong_accepts.append(f"{json.dumps(case.schema)}: {written}")


def run(cases: Iterable[Case], seed: int = 0, count: int = 30) -> Report:
    """Try schemas; the same numbers for the same seed."""
    report = Report()
    rng = random.Random(seed)
    for case in cases:
        examine(case, report, rng, count)
    return report


def main() -> int:
    """Print what came out; 1 if anything is wrong."""
    report = run(all_cases())
    refused = sum(report.refused.values())
    print(f"schemas          {report.schemas}, {refused} of them refused by name")
    print(f"instances        {report.valid} valid, {report.invalid} invalid; {report.texts} texts")
    print(f"wrong accepts    {len(report.wrong_accepts)}")
    print(f"wrong rejects    {len(report.wrong_rejects)}")
    print(f"wrong refusals   {len(report.wrong_refusals)}")
    for name in ("wrong_accepts", "wrong_rejects", "wrong_refusals"):
        for line in getattr(report, name)[:20]:
            print(f"  {name}: {line}", file=sys.stderr)
    return 1 if report.wrong_accepts or report.wrong_rejects or report.wrong_refusals else 0


if __name__ == "__main__":
    sys.exit(main())

"""
Regex and JSON-schema constraints by llguidance (github.com/guidance-ai/llguidance).

llguidance is imported, and its view of the tokenizer built, when the first constraint is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.errors import RequestError

if TYPE_CHECKING:
    from llguidance import LLMatcher

GrammarKind = Literal["regex", "json_schema"]

WHITESPACE = "[ ]?"
"""Between the parts of JSON: nothing or one space. Unlimited white space invites endless runs."""


class Constraint:
    """Where one sample stands in its grammar."""

    __slots__ = ("_matcher", "_vocab_size")

    def __init__(self, matcher: LLMatcher, vocab_size: int) -> None:
        self._matcher = matcher
        self._vocab_size = vocab_size

    def allowed(self) -> NDArray[np.bool_]:
        """bool [vocab]: tokens that can come next; EOS where the text may end."""
        packed = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        bits = np.unpackbits(packed, count=self._vocab_size, bitorder="little")
        return bits.astype(np.bool_)

    def accept(self, token: int) -> None:
        """Move on by a token. Raises RequestError where the grammar has become too complex."""
        self._matcher.consume_token(token)
        self._check()

    @property
    def accepting(self) -> bool:
        """The text may end here."""
        return bool(self._matcher.is_accepting())

    @property
    def complete(self) -> bool:
        """The text is a whole sentence of the grammar and nothing can follow."""
        return bool(self._matcher.is_stopped())

    def copy(self) -> Constraint:
        """An independent constraint at the same place."""
        return Constraint(self._matcher.deep_copy(), self._vocab_size)

    def _check(self) -> None:
        if self._matcher.is_error():
            # The matcher's whole state follows, on many lines.
            message = str(self._matcher.get_error()).partition("\n<state>")[0]
            raise RequestError("bad_request", f"constraint failed: {message}")


class GrammarCompiler:
    """Compiles grammars for one tokenizer and keeps the latest ones."""

    def __init__(
        self, tokenizer_json: Callable[[], str], vocab_size: int, eos_ids: tuple[int, ...]
    ) -> None:
        self._tokenizer_json = tokenizer_json
        self._vocab_size = vocab_size
        self._eos_ids = eos_ids
        self._tokenizer: Any = None
        self._compiled = lru_cache(maxsize=256)(self._compile)

    def start(self, kind: GrammarKind, source: str) -> Constraint:
        """A fresh constraint. Raises RequestError("bad_request") with llguidance's message."""
        return self._compiled(kind, source).copy()

    def _compile(self, kind: GrammarKind, source: str) -> Constraint:
        from llguidance import LLMatcher, LLTokenizer, regex_to_lark

        if not self._eos_ids:
            raise RequestError("bad_request", "the model has no EOS token to end constrained text")
        if self._tokenizer is None:
            self._tokenizer = LLTokenizer(
                self._tokenizer_json(), n_vocab=self._vocab_size, eos_token=list(self._eos_ids)
            )
        if kind == "regex":
            # As in xgrammar and outlines, \d is 0-9 and not any script's digits.
            grammar = LLMatcher.grammar_from_regex(regex_to_lark(source, use_ascii="d"))
        else:
            try:
                grammar = LLMatcher.grammar_from_json_schema(
                    _schema(source), overrides={"whitespace_pattern": WHITESPACE}
                )
            except ValueError as error:
                raise RequestError("bad_request", f"invalid JSON schema: {error}") from None
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            what = "regex" if kind == "regex" else "JSON schema"
            raise RequestError("bad_request", f"invalid {what}: {matcher.get_error()}")
        return Constraint(matcher, self._vocab_size)


def _schema(source: str) -> str:
    try:
        schema = json.loads(source)
    except ValueError as error:
        raise RequestError("bad_request", f"invalid JSON schema: not JSON: {error}") from None
    except RecursionError:
        raise RequestError("bad_request", "invalid JSON schema: nested too deeply") from None
    if schema is True:
        return "{}"
    if schema is False:
        raise RequestError("bad_request", "invalid JSON schema: false allows no text at all")
    if not isinstance(schema, dict):
        raise RequestError("bad_request", "invalid JSON schema: must be an object or a boolean")
    return json.dumps(schema)

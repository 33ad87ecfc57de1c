"""
Grammars compiled by llguidance (github.com/guidance-ai/llguidance), away from the step loop.

llguidance is imported, and its view of the tokenizer built, when the first constraint is asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from sglc_runtime.constraints.matcher import Constraint
from sglc_runtime.errors import RequestError

if TYPE_CHECKING:
    from sglc_grammar.constraints.grammars import GrammarKind

KEPT = 256
"""Grammars that stay compiled."""
THREADS = 2
"""Grammars compiled at once: one that takes long does not hold up the next."""


class GrammarCompiler:
    """Compiles grammars for one tokenizer and keeps the latest ones."""

    def __init__(
        self, tokenizer_json: Callable[[], str], vocab_size: int, eos_ids: tuple[int, ...]
    ) -> None:
        self._tokenizer_json = tokenizer_json
        self._vocab_size = vocab_size
        self._eos_ids = eos_ids
        self._tokenizer: Any = None
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._compiled: OrderedDict[tuple[GrammarKind, str], Future[Constraint]] = OrderedDict()

    def begin(self, kind: GrammarKind, source: str) -> Future[Constraint]:
        """
        A grammar's start, compiled by another thread; what was compiled before is there at once.

        The future raises RequestError("bad_request") naming the place in the grammar.
        """
        key = (kind, source)
        found = self._compiled.get(key)
        if found is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(THREADS, "sglc-grammars")
            found = self._compiled[key] = self._threads.submit(self._compile, kind, source)
            if len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return found

    def start(self, kind: GrammarKind, source: str) -> Constraint:
        """A constraint at the start of a grammar; waits until that is compiled."""
        return self.begin(kind, source).result().copy()

    def _compile(self, kind: GrammarKind, source: str) -> Constraint:
        from llguidance import LLMatcher

        from sglc_grammar.constraints.errors import GrammarError
        from sglc_grammar.constraints.grammars import NAMES, fault_of, grammar_of, limits
        from sglc_grammar.constraints.placing import refusal

        if not self._eos_ids:
            raise RequestError("bad_request", "the model has no EOS token to end constrained text")
        try:
            grammar = grammar_of(kind, source)
            matcher = LLMatcher(self._tokens(), grammar, log_level=0, limits=limits())
            if matcher.is_error():
                raise refusal(kind, source, fault_of(matcher.get_error()))
        except GrammarError as error:
            what = error.message.removeprefix("is ").removeprefix("has an ").removeprefix("has ")
            message = f"invalid {NAMES[kind]}: {what}"
            raise RequestError("bad_request", message) from None
        # Much of the work is left to the first mask, so that belongs here too.
        mask = np.zeros(-(-self._vocab_size // 32), dtype=np.int32)
        matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
        start = Constraint(matcher, mask, shared=True)
        start.check()
        return start

    def _tokens(self) -> Any:
        """llguidance's view of the tokenizer."""
        from llguidance import LLTokenizer

        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = LLTokenizer(
                    self._tokenizer_json(), n_vocab=self._vocab_size, eos_token=list(self._eos_ids)
                )
            return self._tokenizer

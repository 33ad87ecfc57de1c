"""
A model backend without a model, for tests: deterministic text, and a record of every prompt.

The text of a `gen` is a hash of its prompt and parameters, or what a rule says. Calls can be
delayed, held until others are in flight, and made to fail.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sglc.execution.requests import (
    AppendStep,
    Chain,
    GenResult,
    GenStep,
    SelectResult,
    SelectStep,
    Sink,
    Warmup,
    prompt_text,
)
from sglc.language.chat_template import ChatTemplate, get_chat_template
from sglc.language.sampling import GenParams, as_tuple

Rules = Mapping[str, str | Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class Call:
    """One `gen` or `select` as the backend saw it."""

    label: str
    """The state: `root`, `root/0.1` (child 1 of fork 0), `root>0` (first nested run)."""
    prompt: str
    step: GenStep | SelectStep
    chain: int
    """Steps that came in one chain have the same number."""
    batch: int
    """Chains handed over together have the same number."""


class RecordingBackend:
    """
    Answers at once, on the driver's thread, or after `delay` seconds.

    `rules` map a regex on the prompt (searched, first match wins) to the text, `failures` a regex
    to the exception that the step fails with. `hold` is a number of calls: nothing is answered
    before so many are in flight at the same time, which proves that they overlap.
    `seeded` lets the text depend on the seed too, as sampling does.
    """

    wants_snapshots = False

    def __init__(
        self,
        *,
        rules: Rules | None = None,
        failures: Mapping[str, BaseException] | None = None,
        delay: float | Callable[[str], float] = 0.0,
        hold: int = 0,
        seeded: bool = False,
        chat_template: ChatTemplate | str = "default",
    ) -> None:
        self.rules = dict(rules or {})
        self.failures = dict(failures or {})
        self.delay = delay
        self.hold = hold
        self.seeded = seeded
        self.chat_template = (
            get_chat_template(chat_template) if isinstance(chat_template, str) else chat_template
        )
        self.calls: list[Call] = []
        self.warmups: list[str] = []
        self.submits = 0
        self.most_in_flight = 0
        self._lock = threading.Lock()
        self._flying: set[int] = set()
        self._held: list[Callable[[], None]] = []
        self._cancelled: set[int] = set()

    @property
    def prompts(self) -> dict[str, list[str]]:
        """The prompts of each state, by its label, in order."""
        prompts: dict[str, list[str]] = defaultdict(list)
        with self._lock:
            for call in self.calls:
                prompts[call.label].append(call.prompt)
        return dict(prompts)

    def get_chat_template(self) -> ChatTemplate:
        """The template given to the constructor."""
        return self.chat_template

    def submit(self, work: Sequence[Chain | Warmup], sink: Sink) -> None:
        """Answer, or begin to."""
        self.submits += 1
        for item in work:
            if isinstance(item, Warmup):
                self.warmups.append(prompt_text(item.prefix))
            else:
                self._step(item, 0, prompt_text(item.prefix), sink, self.submits)

    def cancel(self, chains: Sequence[int]) -> None:
        """Answer nothing more on these."""
        with self._lock:
            self._cancelled.update(chains)

    def release(self) -> None:
        """Answer all calls that are held, and hold no more."""
        with self._lock:
            self.hold = 0
            held, self._held = self._held, []
        for answer in held:
            answer()

    def _step(self, chain: Chain, index: int, prompt: str, sink: Sink, batch: int) -> None:
        """Begin step `index`, and those after it as long as answers are immediate."""
        while True:
            while index < len(chain.steps):
                step = chain.steps[index]
                if not isinstance(step, AppendStep):
                    break
                prompt += step.text
                index += 1
            else:
                return
            assert not isinstance(step, AppendStep)
            self._note(Call(chain.label, prompt, step, chain.id, batch))

            def resume(
                index: int = index, step: GenStep | SelectStep = step, prompt: str = prompt
            ) -> None:
                said = self._answer(chain, index, step, prompt, sink)
                if said is not None:
                    self._step(chain, index + 1, prompt + said, sink, batch)

            if not self._now(prompt, resume):
                return
            said = self._answer(chain, index, step, prompt, sink)
            if said is None:
                return
            prompt += said
            index += 1

    def _note(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)
            self._flying.add(call.chain)
            self.most_in_flight = max(self.most_in_flight, len(self._flying))

    def _now(self, prompt: str, resume: Callable[[], None]) -> bool:
        """Whether to answer at once; else `resume` is called later."""
        with self._lock:
            if self.hold:
                self._held.append(resume)
                if len(self._held) < self.hold:
                    return False
                held, self._held = self._held, []
            else:
                held = []
        for each in held:
            each()
        if held:
            return False
        delay = self.delay(prompt) if callable(self.delay) else self.delay
        if delay <= 0:
            return True
        timer = threading.Timer(delay, resume)
        timer.daemon = True
        timer.start()
        return False

    def _answer(
        self, chain: Chain, index: int, step: GenStep | SelectStep, prompt: str, sink: Sink
    ) -> str | None:
        """Report the result and return the text it adds, None when it failed or was cancelled."""
        with self._lock:
            self._flying.discard(chain.id)
            if chain.id in self._cancelled:
                return None
        try:
            error = self._failure(prompt)
            if error is not None:
                raise error
            if isinstance(step, SelectStep):
                choice = self._choose(step, prompt)
                sink.finished(chain.id, index, choice)
                return choice.text
            result = self._generate(step, prompt)
        except Exception as raised:
            sink.failed(chain.id, index, raised)
            return None
        if chain.stream and not result.many:
            for word in re.findall(r"\S+\s*|\s+", result.texts[0]):
                sink.delta(chain.id, index, word)
        sink.finished(chain.id, index, result)
        return result.texts[0]

    def _failure(self, prompt: str) -> BaseException | None:
        return next((e for pattern, e in self.failures.items() if re.search(pattern, prompt)), None)

    def _choose(self, step: SelectStep, prompt: str) -> SelectResult:
        scores = [-_number(prompt, choice) for choice in step.choices]
        tokens: list[Sequence[Any]] = [
            [[score, 0, choice]] for score, choice in zip(scores, step.choices, strict=True)
        ]
        decision = step.method(
            choices=list(step.choices),
            normalized_prompt_logprobs=scores,
            input_token_logprobs=tokens,
            output_token_logprobs=[[] for _ in scores],
            unconditional_token_logprobs=[[[0.0, 0, choice]] for choice in step.choices],
        )
        return SelectResult(decision.decision, decision.meta_info)

    def _generate(self, step: GenStep, prompt: str) -> GenResult:
        count = step.params.n or 1
        texts = tuple(self._text(prompt, step, i) for i in range(count))
        metas = [
            {
                "prompt_tokens": len(prompt.split()),
                "completion_tokens": len(text.split()),
                "cached_tokens": 0,
                "finish_reason": {"type": "stop", "matched": None},
            }
            for text in texts
        ]
        return GenResult(texts, metas if count > 1 else metas[0], many=count > 1)

    def _text(self, prompt: str, step: GenStep, sample: int) -> str:
        for pattern, said in self.rules.items():
            if re.search(pattern, prompt):
                return said(prompt) if callable(said) else said
        return _invent(prompt, step.params, step.key if self.seeded else 0, sample)


_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet")


def _number(*parts: Any) -> float:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _invent(prompt: str, params: GenParams, key: int, sample: int) -> str:
    """Words from a hash; what `dtype` and stop strings promise holds."""
    digest = hashlib.sha256(repr((prompt, _plain(params), key, sample)).encode()).digest()
    if params.dtype in (int, "int"):
        return str(digest[0])
    if params.dtype in (float, "float"):
        return f"{digest[0]}.{digest[1]}"
    if params.dtype in (bool, "bool"):
        return str(bool(digest[0] % 2))
    words = [_WORDS[b % len(_WORDS)] for b in digest[: 2 + digest[-1] % 3]]
    text = " ".join(words) + f" {digest.hex()[:4]}"
    if params.dtype in (str, "str"):
        return f'"{text}"'
    cuts = [at for stop in as_tuple(params.stop) if (at := text.find(stop)) >= 0]
    return text[: min(cuts)] if cuts else text


def _plain(params: GenParams) -> tuple[Any, ...]:
    return (params.max_new_tokens, params.temperature, as_tuple(params.stop), params.regex)

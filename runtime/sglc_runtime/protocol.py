"""
The engine's interface: plain messages, no tensors.

A client sends `Command`s and receives `Event`s. The same messages are used whether the engine runs
on the caller's thread (`inline.InlineEngine`) or in a process of its own (`client.EngineProcess`).

A *path* is the history of one state: text runs and model-produced ids in turn. The ids of a path
depend on the path alone: a text run is encoded once and whole, ids that a step produced are kept
and never encoded again. The first text run of a path carries the tokenizer's BOS, later ones do
not.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sglc_runtime.errors import FailureKind


class Text(Struct, frozen=True, tag="text"):
    """A text run. Adjacent `Text` segments of a path are one run and are encoded together."""

    text: str


class Ids(Struct, frozen=True, tag="ids"):
    """Ids that a `Generate` or `Score` step produced earlier on this path."""

    ids: tuple[int, ...]
    given: bool = False
    """They came from outside (`AppendIds`): a path that they open may have its BOS among them."""


Segment = Text | Ids


class Sampling(Struct, frozen=True, kw_only=True):
    """Sampling parameters of one `Generate` step, resolved: nothing is left to fill in."""

    max_new_tokens: int = 128
    min_new_tokens: int = 0
    n: int = 1
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    stop_regex: tuple[str, ...] = ()
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    """Divides the positive logits of tokens seen in prompt or answer, multiplies negative ones."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Added to the logits of these ids."""
    ignore_eos: bool = False
    regex: str | None = None
    json_schema: str | None = None
    ebnf: str | None = None
    """A grammar: EBNF with a rule `root ::= ...`, or Lark with a rule `start: ...`."""
    jump_forward: bool | None = None
    """
    Append tokens that a constraint leaves no choice about without asking the model, cut as the
    tokenizer cuts them. None: what the engine's configuration says.
    """
    logprobs: bool = False
    """Return the log probability of every generated token."""
    top_logprobs: int = 0
    prompt_logprobs_from: int | None = None
    """Return log probabilities of path tokens from this position on; None returns none."""


class Append(Struct, frozen=True, tag="append"):
    """Append text to the path; joins the text run that the next step encodes."""

    text: str


class AppendIds(Struct, frozen=True, tag="append_ids"):
    """
    Append ids as they are; text before them is a run of its own, as is text after them.

    Where they open the path, the BOS comes before them unless they begin with it.
    """

    ids: tuple[int, ...]


class Generate(Struct, frozen=True, tag="generate"):
    """
    Sample a continuation. `key` (64 bits) seeds the counter-based noise: sample i, token j of this
    step draw from Philox keyed by (key, i, j), whatever else the engine is doing.
    """

    sampling: Sampling = Sampling()
    key: int = 0


class Score(Struct, frozen=True, tag="score"):
    """Score `choices` after the path and append the winner; ties go to the first."""

    choices: tuple[str, ...]
    method: Literal[
        "token_length_normalized",
        "greedy_token_selection",
        "unconditional_likelihood_normalized",
    ] = "token_length_normalized"


Step = Append | AppendIds | Generate | Score


class Submit(Struct, frozen=True, tag="submit"):
    """
    Run `steps` in order after `prefix`, without coming back to the client in between.

    A prefix common to several requests is computed once, also when they arrive together: attention
    stores a pass's keys and values before any of its rows reads them.
    """

    id: int
    prefix: tuple[Segment, ...]
    steps: tuple[Step, ...]
    stream: bool = False
    """Send a `Delta` whenever text becomes certain."""
    priority: int = 0
    """Longer critical paths first; among equals, those that share a prefix follow each other."""
    deadline: float | None = None
    """Seconds from its arrival at the engine after which the request fails as `deadline`."""
    uses: int = 0
    """How many later requests are known to start with this one's whole path, answers included."""
    next_use: int | None = None
    """How many other requests are expected before the first of those, where that is known."""


class Warm(Struct, frozen=True, tag="warm"):
    """Compute a prefix early, up to its last stable token boundary. Never changes any result."""

    id: int
    prefix: tuple[Segment, ...]
    uses: int = 0
    """How many later requests are known to start with this prefix; 0 when not known."""
    next_use: int | None = None
    """How many other requests are expected before the first of those, where that is known."""
    pin: bool = False
    """
    Keep the prefix until `Unpin` names this id. Fails as `out_of_memory` where more than half of
    the pool would be pinned. A pass that fails half-way empties the cache, pins included.
    """


class Cancel(Struct, frozen=True, tag="cancel"):
    """Stop a request; its `Failed` event says `cancelled`. Unknown ids are ignored."""

    id: int


class Unpin(Struct, frozen=True, tag="unpin"):
    """Let go of a prefix that a `Warm` with this id has pinned. Unknown ids are ignored."""

    id: int


class FlushCache(Struct, frozen=True, tag="flush"):
    """Drop every cached prefix that no request uses and that is not pinned."""


class Reject(Struct, frozen=True, tag="reject"):
    """What a client sends in place of a command that cannot be sent; it fails as `bad_request`."""

    id: int
    message: str


class GetStats(Struct, frozen=True, tag="get_stats"):
    """Ask for a `Stats` event."""


class Shutdown(Struct, frozen=True, tag="shutdown"):
    """Finish nothing more; the engine closes its end."""


Command = Submit | Warm | Unpin | Cancel | Reject | FlushCache | GetStats | Shutdown


class EngineInfo(Struct, frozen=True, kw_only=True, tag="ready"):
    """Sent once, before any other event."""

    model: str
    architecture: str
    context_length: int
    vocab_size: int
    dtype: str
    device: str
    attention: str
    """`c`, `torch` or `triton`."""
    implementation: str
    """`native` or `transformers`."""
    kv_slots: int
    threads: int
    deterministic: bool
    """The start-up self-check passed: a row's logits depend on its own path alone."""
    speculation: str = "off"
    """What guesses: `ngram`, `draft`, `ngram+draft` or `off`."""
    sampling_defaults: dict[str, float] = {}
    """Fields of `Sampling` that generation_config.json recommends; nothing applies them itself."""
    quantization: str = "none"
    """What the weights were rounded to: `none`, `int8` or `int4`."""
    tp_size: int = 1
    """Processes that share the model."""
    compiled: bool = False
    """The forward pass runs as torch.compile has translated it."""
    cuda_graphs: tuple[int, ...] = ()
    """Sizes of decode steps that run as CUDA graphs, captured when they are first needed."""


class Delta(Struct, frozen=True, tag="delta"):
    """Text of sample 0 that has become certain (whole characters, no possible stop string)."""

    id: int
    step: int
    text: str


class TokenLogprob(Struct, frozen=True):
    """Log probability of one token, and the most likely tokens at its place."""

    id: int
    text: str
    logprob: float | None
    top: tuple[tuple[int, str, float], ...] = ()


class Sample(Struct, frozen=True, kw_only=True):
    """One finished continuation. `text` is what the ids say, cut at a matched stop string."""

    text: str
    ids: tuple[int, ...]
    """Ids that stay on the path: whole tokens of `text`, without EOS or stop ids."""
    tail: str
    """Text after the last kept id, left by a stop inside a token; it opens the next text run."""
    finish: Literal["stop", "length"]
    matched: str | int | None = None
    """The stop string, stop regex or token id that ended it."""
    completion_tokens: int = 0
    """Tokens the model produced, those dropped again included."""
    logprobs: tuple[TokenLogprob, ...] = ()


class Generated(Struct, frozen=True, kw_only=True, tag="generated"):
    """Result of a `Generate` step; the path continues after sample 0."""

    id: int
    step: int
    samples: tuple[Sample, ...]
    prompt_tokens: int
    cached_tokens: int
    """How many of `prompt_tokens` were not computed for this step."""
    prompt_logprobs: tuple[TokenLogprob, ...] = ()


class ChoiceScore(Struct, frozen=True, kw_only=True):
    """Log probabilities of one choice's own tokens, given the path (and given nothing)."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    normalized: float
    """Mean of `logprobs`."""
    unconditional: tuple[float, ...] = ()


class Scored(Struct, frozen=True, kw_only=True, tag="scored"):
    """Result of a `Score` step; the path continues after `choices[winner]`."""

    id: int
    step: int
    winner: int
    scores: tuple[ChoiceScore, ...]
    prompt_tokens: int
    cached_tokens: int


class Done(Struct, frozen=True, tag="done"):
    """All steps of a request have finished. For a `Warm`, its prefix is in the cache."""

    id: int


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """A step failed; later steps of this request did not run."""

    id: int
    step: int
    kind: FailureKind
    message: str


class Stats(Struct, frozen=True, kw_only=True, tag="stats"):
    """Counters since the start of the engine."""

    prompt_tokens: int
    """Path tokens that steps asked for."""
    cached_tokens: int
    """Of those, tokens found in the cache or shared while being computed."""
    computed_tokens: int
    """Token rows that went through the model in prefill."""
    completion_tokens: int
    steps: int
    """Forward passes."""
    preemptions: int
    evicted_tokens: int
    """Cached tokens that made room, for whatever reason; flushed ones are not among them."""
    busy_seconds: float
    peak_slots: int
    evicted_for_prompts: int = 0
    evicted_for_decoding: int = 0
    flushed_tokens: int = 0
    """Dropped on request, or because nothing is kept when a request ends."""
    lost_tokens: int = 0
    """Dropped after a pass that failed half-way."""
    tree_tokens: int = 0
    """Tokens in the radix tree now; what running sequences decode is not yet among them."""
    tree_nodes: int = 0
    evictable_tokens: int = 0
    pinned_tokens: int = 0
    running: int = 0
    """Sequences in the batch now."""
    waiting: int = 0
    """Sequences without slots now."""
    drafted_tokens: int = 0
    """Guesses of speculative decoding that went through the model."""
    accepted_tokens: int = 0
    """Of those, tokens that the model then said."""

    @property
    def hit_rate(self) -> float:
        """Share of the prompts' tokens that were not computed."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


class Fatal(Struct, frozen=True, tag="fatal"):
    """The engine could not start or cannot go on; nothing follows."""

    message: str
    kind: Literal["model_not_found", "bad_checkpoint", "unsupported_model", "internal"]


Event = EngineInfo | Delta | Generated | Scored | Done | Failed | Stats | Fatal

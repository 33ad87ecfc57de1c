"""A session: one run of one program on one backend with one seed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sglc.execution.calls import as_model_backend
from sglc.execution.seeds import SeedPath, draw_seed, run_seed
from sglc.ir.core import Loc
from sglc.language.chat_template import ChatTemplate
from sglc.language.exprs import Place
from sglc.language.sampling import DEFAULTS, SamplingDefaults

if TYPE_CHECKING:
    from sglc.execution.driver import Driver
    from sglc.execution.handle import Handle


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """What execution may do ahead of the program; nothing here changes a result."""

    hoist: bool = True
    """Compute prefixes of forks and batches early."""
    parallel: bool = True
    """Run the branches of forks at the same time."""
    executor: Literal["emitted", "region"] = "emitted"
    """What runs bodies without host code: the function's own syntax, or its IR where it can."""
    deferred: bool = True
    """Let text wait for values instead of the program; read by those who emit the text."""


@dataclass(slots=True, eq=False)
class RunCounter:
    """How many runs were started on a calling path; gives each its own seed and label."""

    seed: int
    path: SeedPath = ()
    label: str = "root"
    session: Session | None = None
    started: int = 0
    outer: RunCounter | None = None
    """The run that started this one, while its body runs."""

    def next_label(self) -> str:
        """The label of the next run started here."""
        return f"{self.label}>{self.started}"

    def next_seed(self) -> int:
        """The seed of the next run started here."""
        self.started += 1
        return run_seed(self.seed, self.path, self.started - 1)


calling: ContextVar[RunCounter | None] = ContextVar("sglc_calling", default=None)
"""The run whose body this code belongs to; None outside of all runs."""


class BodyOf:
    """`with BodyOf(runs)`: code in here belongs to the body of that run."""

    __slots__ = ("_runs", "_token")
    _token: Token[RunCounter | None]

    def __init__(self, runs: RunCounter) -> None:
        self._runs = runs

    def __enter__(self) -> None:
        self._runs.outer = calling.get()
        self._token = calling.set(self._runs)

    def __exit__(self, *_: object) -> None:
        calling.reset(self._token)


def inside_run(session: Session) -> bool:
    """Whether this code belongs to the body of that run, or of one that it called."""
    counter = calling.get()
    while counter is not None:
        if counter.session is session:
            return True
        counter = counter.outer
    return False


_ids = itertools.count(1)


class Following:
    """What those wait on who follow a run's text."""

    __slots__ = ("condition", "handles", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.condition = threading.Condition(self.lock)
        self.handles: list[Handle] = []
        """The run's states, whose ends must be announced."""


@dataclass(eq=False, slots=True)
class Session:
    """
    One run.

    `backend` is a model backend (`requests.ModelBackend`), a user's blocking backend
    (`sglc.lang.backend.base_backend.BaseBackend`), or anything with an `endpoint` that is one.
    `seed=None` draws one. `file` is what locations of the program refer to.
    """

    raw_backend: Any
    defaults: SamplingDefaults = DEFAULTS
    seed: int | None = None
    options: ExecOptions = field(kw_only=True, default_factory=ExecOptions)
    stream: bool = field(kw_only=True, default=False)
    compiled: bool = field(kw_only=True, default=True)
    """What runs that the program starts inherit."""
    file: str | None = field(kw_only=True, default=None)
    arguments: dict[str, Any] = field(kw_only=True, default_factory=dict)
    num_api_spec_tokens: int | None = field(kw_only=True, default=None)
    backend: Any = field(init=False)
    chat_template: ChatTemplate = field(init=False)
    run_seed: int = field(init=False)
    id: int = field(init=False, default_factory=lambda: next(_ids))
    following: Following | None = field(init=False, default=None)
    """For those who follow the text of a run with `stream`."""
    cancelled: bool = field(init=False, default=False)
    lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    """Guards the tips and counters of this run's states."""
    driver: Driver = field(init=False)
    _usage: dict[str, int] | None = field(init=False, default=None)
    _roots: RunCounter | None = field(init=False, default=None)
    """Counts the states after the first; made with it."""
    _rooted: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        from sglc.execution.driver import Driver  # the driver's records name the session

        self.driver = Driver.get()
        self.following = Following() if self.stream else None
        self.raw_backend = getattr(self.raw_backend, "endpoint", self.raw_backend)
        self.backend = as_model_backend(self.raw_backend)
        self.chat_template = self.backend.get_chat_template()
        self.run_seed = draw_seed(self.raw_backend) if self.seed is None else self.seed
        self.seed = self.run_seed

    def root(self, label: str = "", *, caller: Handle | None = None) -> Handle:
        """
        A new, empty state.

        The session's first has the session's seed. A later one, or one with a `caller`, is the
        r-th run on that calling path and gets the seed of that place.
        """
        from sglc.execution.handle import Handle

        if caller is not None:
            label = label or caller.runs.next_label()
            seed = caller.runs.next_seed()
        elif not self._rooted:
            self._rooted = True
            seed = self.run_seed
        else:
            roots = self._roots = self._roots or RunCounter(self.run_seed)
            label = label or roots.next_label()
            seed = roots.next_seed()
        return Handle(self, seed=seed, label=label or "root")

    def cancel(self) -> None:
        """Stop everything this run has asked for; its unfinished steps fail as cancelled."""
        self.cancelled = True
        self.driver.cancel(self)

    def count(self, meta: Any) -> None:
        """Add what a step's meta information says about tokens; prompts count once a step."""
        metas = meta if isinstance(meta, list) else [meta]
        for number, info in enumerate(metas):
            if isinstance(info, dict):
                for name in ("prompt_tokens", "cached_tokens", "completion_tokens"):
                    value = info.get(name)
                    if isinstance(value, int) and (number == 0 or name == "completion_tokens"):
                        usage = self._usage = {} if self._usage is None else self._usage
                        usage[name] = usage.get(name, 0) + value

    @property
    def usage(self) -> Mapping[str, int]:
        """Sums of the token counts that backends report in meta information."""
        return self._usage or {}

    @property
    def progress(self) -> threading.Condition:
        """Notified when a stream goes on; only of a run with `stream`."""
        assert self.following is not None
        return self.following.condition

    @property
    def progress_lock(self) -> threading.Lock:
        """Taken to look at streams or to wait: an interrupt in `with progress` may not free it."""
        assert self.following is not None
        return self.following.lock

    def finish(self) -> None:
        """Say that the program's body has ended: no state of this run is appended to."""
        if self.following is not None:
            for handle in self.following.handles:
                handle.finished = True
            self.notify()

    def notify(self) -> None:
        """Wake those who follow this run's text as it appears."""
        if self.following is not None:
            with self.following.lock:
                self.following.condition.notify_all()

    def place(self, loc: Loc | Place | None) -> Place | None:
        """Where a location is: file and line."""
        if isinstance(loc, Loc):
            return (self.file or "<program>", loc.line)
        return loc

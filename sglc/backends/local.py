"""Our own runtime as a backend: the engine in a process of its own, or on a thread of ours."""

from __future__ import annotations

import atexit
import itertools
import os
import signal
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.backends.convert import (
    choice_result,
    generated_result,
    to_segments,
    to_step,
)
from sglc.backends.templates import template_of_folder
from sglc.execution.errors import GenerationError
from sglc.execution.pending import Pending
from sglc.execution.requests import (
    AppendStep,
    Chain,
    GenResult,
    GenStep,
    Piece,
    Produced,
    SelectResult,
    SelectStep,
    Sink,
    Warmup,
)
from sglc.language.chat_template import ChatTemplate, get_chat_template, match_chat_template
from sglc.language.choices import method_name

if TYPE_CHECKING:
    from sglc_runtime.client import EngineClient
    from sglc_runtime.config import EngineConfig
    from sglc_runtime.protocol import Command, Event, Stats
    from sglc_runtime.protocol import Step as ProtocolStep
    from sglc_runtime.seeds import SeedSource

EMBEDDED = "embedded"


@contextmanager
def _failing_as_generations() -> Iterator[None]:
    """An engine that cannot be started fails as the generations that it was for do."""
    from sglc_runtime.errors import EngineError

    try:
        yield
    except EngineError as error:
        raise GenerationError(error.message, kind=error.kind) from error


class _Part:
    """The steps of a chain that are under way, from `first` on; `sink` gets their results."""

    __slots__ = ("chain", "first", "prefix", "sink", "until")

    def __init__(
        self, chain: Chain, sink: Sink, first: int, until: int, prefix: tuple[Piece, ...]
    ) -> None:
        self.chain = chain
        self.sink = sink
        self.first = first
        self.until = until
        self.prefix = prefix


class LocalBackend:
    """
    Runs programs on `sglc_runtime`.

    `model` is a checkpoint folder in Hugging Face format, None the embedded model; `config` are
    fields of `sglc_runtime.EngineConfig`, by its names or by those of SGLang. The engine
    starts with the first program, in a child process; with `inline=True` on a thread of this
    process, for tests.
    """

    wants_snapshots = False

    def __init__(
        self,
        model: str | None = None,
        *,
        inline: bool = False,
        chat_template: ChatTemplate | str | None = None,
        **config: Any,
    ) -> None:
        self.model = model
        self.inline = inline
        self.config = config
        self._seeds: SeedSource | None = None
        self._template = (
            get_chat_template(chat_template) if isinstance(chat_template, str) else chat_template
        )
        self._ids = itertools.count(1)
        self._reset()
        _backends.add(self)

    def _reset(self) -> None:
        """No engine; also in a forked child, which cannot use its parent's."""
        self._lock = threading.Lock()
        self._work = threading.Condition()
        self._client: EngineClient | None = None
        self._parts: dict[int, _Part] = {}
        self._warmed: dict[int, Pending[None]] = {}
        self._stats: deque[Pending[Stats]] = deque()
        self._commands: deque[Sequence[Command]] = deque()

    # ModelBackend

    def get_chat_template(self) -> ChatTemplate:
        """SGLang's template for the model's path, else the tokenizer's own. Starts the engine."""
        self._start()
        if self._template is None:
            path = self.model or ""
            self._template = match_chat_template(path) or template_of_folder(self._folder())
        return self._template

    def submit(self, work: Sequence[Chain | Warmup], sink: Sink) -> None:
        """Send all of `work` in one message; a chain the engine cannot take fails alone."""
        from sglc_runtime.protocol import Warm

        commands: list[Command] = []
        for item in work:
            if isinstance(item, Warmup):
                # What cannot be warmed cannot be generated from either, which then says why.
                with suppress(GenerationError):
                    commands.append(Warm(next(self._ids), to_segments(item.prefix), item.uses))
                continue
            try:
                commands.append(self._part(item, sink, 0, item.prefix))
            except Exception as error:
                sink.failed(item.id, 0, error)
        self._send(commands)

    def cancel(self, chains: Sequence[int]) -> None:
        """Stop these chains; nothing more is reported on them."""
        from sglc_runtime.protocol import Cancel

        wanted = set(chains)
        with self._lock:
            client = self._client
            known = [key for key, part in self._parts.items() if part.chain.id in wanted]
            for key in known:
                del self._parts[key]
        # An engine that has ended needs no word, and must not be started again for it.
        if known and client is not None:
            self._tell(client, [Cancel(key) for key in known])

    # For users

    def cache_prefix(self, prefix: str) -> None:
        """Compute a prefix now; waits until it is in the cache."""
        from sglc_runtime.protocol import Text, Warm

        done: Pending[None] = Pending()
        with self._lock:
            number = next(self._ids)
            self._warmed[number] = done
        self._send([Warm(number, (Text(prefix),))])
        done.result()

    def flush_cache(self) -> bool:
        """Drop every cached prefix that nothing uses."""
        from sglc_runtime.protocol import FlushCache

        self._send([FlushCache()])
        return True

    def get_server_info(self) -> dict[str, Any]:
        """The model, its size and how it runs; waits for the engine to be ready."""
        import msgspec

        with _failing_as_generations():
            info: dict[str, Any] = msgspec.to_builtins(self._start().info)
        return info

    def get_model_name(self) -> str:
        """The checkpoint folder, or `embedded`."""
        return self.model or EMBEDDED

    def stats(self) -> dict[str, Any]:
        """The engine's counters since its start."""
        import msgspec

        from sglc_runtime.protocol import GetStats

        pending: Pending[Stats] = Pending()
        with self._lock:
            self._stats.append(pending)
        self._send([GetStats()])
        stats: dict[str, Any] = msgspec.to_builtins(pending.result())
        return stats

    def start(self) -> None:
        """Start the engine now, without waiting for it: it loads while the program is read."""
        with _failing_as_generations():
            self._start()

    def draw_seed(self) -> int:
        """The seed of the next run that is given none; see `EngineConfig.random_seed`."""
        from sglc_runtime.seeds import SeedSource

        with self._lock:
            if self._seeds is None:
                self._seeds = SeedSource(self.config.get("random_seed"))
        return self._seeds.draw()

    def abandon(self) -> None:
        """End an engine that turned out not to be needed, without waiting for it to load."""
        pid = getattr(self._client, "pid", None)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.shutdown()

    def shutdown(self) -> None:
        """End the engine; what was under way fails."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self._fail_all("the engine was shut down", "cancelled")
        with self._work:
            self._work.notify_all()

    # Inside

    def _folder(self) -> Path:
        if self.model is not None:
            return Path(self.model).expanduser()
        import sglc_runtime

        return Path(sglc_runtime.__file__).parent / "embedded" / "checkpoint"

    def _config(self) -> EngineConfig:
        from sglc_runtime.options import engine_config

        return engine_config({"model": self.model, **self.config})

    def _start(self) -> EngineClient:
        with self._lock:
            if self._client is None:
                if self.inline:
                    from sglc_runtime.inline import InlineEngine

                    self._client = InlineEngine(self._config())
                else:
                    from sglc_runtime.client import EngineProcess

                    self._client = EngineProcess(self._config())
                    atexit.register(self.shutdown)
                read = self._run_inline if self.inline else self._read
                threading.Thread(
                    target=read, args=(self._client,), name="sglc-engine", daemon=True
                ).start()
            return self._client

    def _send(self, commands: Sequence[Command]) -> None:
        if commands:
            self._tell(self._start(), commands)

    def _tell(self, client: EngineClient, commands: Sequence[Command]) -> None:
        from sglc_runtime.errors import EngineError

        if self.inline:
            with self._work:
                self._commands.append(commands)
                self._work.notify_all()
            return
        try:
            client.submit(commands)
        except EngineError as error:
            self._lost(client, error)

    def _read(self, client: EngineClient) -> None:
        """Thread: events of the child process."""
        from sglc_runtime.errors import EngineError

        try:
            while True:
                self._take(client.poll(None))
        except (EngineError, OSError, ValueError) as error:
            # A socket closed by `shutdown` ends the thread as well.
            self._lost(client, error)

    def _run_inline(self, client: EngineClient) -> None:
        """Thread: the engine itself, stepped while it has something to do."""
        busy = False
        while self._client is client:
            with self._work:
                while not self._commands and not busy:
                    if self._client is not client:
                        return
                    self._work.wait()
                batches = list(self._commands)
                self._commands.clear()
            for batch in batches:
                client.submit(batch)
            events = client.poll(0.0)
            self._take(events)
            busy = bool(events or self._parts or self._warmed or self._stats)

    def _lost(self, client: EngineClient, error: Exception) -> None:
        """The engine is gone: fail what it had, and start another for what comes."""
        with self._lock:
            if self._client is not client:
                return
            self._client = None
        self._fail_all(str(error), getattr(error, "kind", "internal"))

    def _fail_all(self, message: str, kind: str) -> None:
        with self._lock:
            parts, self._parts = self._parts, {}
            waiting: list[Pending[Any]] = [*self._warmed.values(), *self._stats]
            self._warmed, self._stats = {}, deque()
        for pending in waiting:
            pending.set_exception(GenerationError(message, kind=kind))
        for part in parts.values():
            part.sink.failed(part.chain.id, part.first, GenerationError(message, kind=kind))

    def _part(self, chain: Chain, sink: Sink, first: int, prefix: tuple[Piece, ...]) -> Command:
        """
        The command for a chain's steps from `first` on; GenerationError if it can do none.

        A select by a method of the user's own ends the part: the engine cannot choose for it. So
        does the step before one that the engine cannot do, which must not spoil what precedes it.
        """
        from sglc_runtime.protocol import Submit

        steps: list[ProtocolStep] = []
        until = first  # after the last model step
        for index in range(first, len(chain.steps)):
            step = chain.steps[index]
            try:
                steps.append(to_step(step))
            except GenerationError:
                if until == first:
                    raise
                break
            if not isinstance(step, AppendStep):
                until = index + 1
            if isinstance(step, SelectStep) and method_name(step.method) is None:
                break
        del steps[until - first :]
        number = next(self._ids)
        command = Submit(
            number,
            to_segments(prefix),
            tuple(steps),
            stream=chain.stream,
        )
        with self._lock:
            self._parts[number] = _Part(chain, sink, first, until, prefix)
        return command

    def _take(self, events: Sequence[Event]) -> None:
        from sglc_runtime.protocol import Delta, Done, Failed, Generated, Scored, Stats

        for event in events:
            if isinstance(event, Stats):
                with self._lock:
                    pending = self._stats.popleft() if self._stats else None
                if pending is not None:
                    pending.set_result(event)
                continue
            if not isinstance(event, Delta | Done | Failed | Generated | Scored):
                continue
            with self._lock:
                part = self._parts.get(event.id)
                warmed = self._warmed.pop(event.id, None) if part is None else None
            if part is not None:
                self._report(event.id, part, event)
            elif warmed is not None and isinstance(event, Failed):
                warmed.set_exception(GenerationError(event.message, kind=event.kind))
            elif warmed is not None:
                warmed.set_result(None)

    def _report(self, number: int, part: _Part, event: Any) -> None:
        from sglc_runtime.protocol import Delta, Failed, Generated

        chain, sink = part.chain, part.sink
        index = part.first + getattr(event, "step", 0)
        if isinstance(event, Delta):
            sink.delta(chain.id, index, event.text)
        elif isinstance(event, Failed):
            self._forget(number)
            sink.failed(chain.id, index, GenerationError(event.message, kind=event.kind))
        elif isinstance(event, Generated):
            step = chain.steps[index]
            assert isinstance(step, GenStep)
            self._passed(part, index, generated_result(step, event))
        elif hasattr(event, "winner"):
            step = chain.steps[index]
            assert isinstance(step, SelectStep)
            try:
                result = choice_result(step, event)
            except Exception as error:
                self._forget(number)
                sink.failed(chain.id, index, error)
            else:
                self._passed(part, index, result)
        else:
            self._forget(number)

    def _passed(self, part: _Part, index: int, result: GenResult | SelectResult) -> None:
        chain, sink = part.chain, part.sink
        sink.finished(chain.id, index, result)
        if isinstance(result, GenResult):
            kept = result.texts[0][: len(result.texts[0]) - len(result.tail)]
            part.prefix = (*part.prefix, Produced(kept, result.ids), result.tail)
        else:
            part.prefix = (*part.prefix, Produced(result.text, result.ids))
        for later in range(index + 1, part.until):
            step = chain.steps[later]
            if not isinstance(step, AppendStep):
                break
            part.prefix = (*part.prefix, step.text)
        if index + 1 == part.until < len(chain.steps):
            try:
                command = self._part(chain, sink, part.until, part.prefix)
            except GenerationError as error:
                sink.failed(chain.id, part.until, error)
            else:
                self._send([command])

    def _forget(self, number: int) -> None:
        with self._lock:
            self._parts.pop(number, None)


_backends: weakref.WeakSet[LocalBackend] = weakref.WeakSet()


def _after_fork() -> None:
    for backend in list(_backends):
        backend._reset()


os.register_at_fork(after_in_child=_after_fork)

_default: LocalBackend | None = None
_default_lock = threading.Lock()


def default_backend() -> LocalBackend:
    """The embedded model in one engine process, shared by this whole process."""
    global _default
    with _default_lock:
        if _default is None:
            _default = LocalBackend()
        return _default

"""`@sgl.function`: a Python function over a state `s`, and the ways to run it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, overload

from sglc.execution.session import ExecOptions, calling
from sglc.global_config import global_config
from sglc.language.batch import BatchRow, run_rows
from sglc.language.program import Program, Start, start, start_async
from sglc.language.sampling import GenParams, Stops
from sglc.language.state import ProgramState

_OWN_OPTIONS = ("seed", "compiled", "options")
"""Options that SGLang's `run` does not have; a program's own parameter of that name wins."""


class SglFunction:
    """
    A program. Calling it, or `run`, runs it on a new state.

    Fields are SGLang's: `func`, `arg_names` (positional names after `s`), `arg_defaults`,
    `bind_arguments`, `num_api_spec_tokens`.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        num_api_spec_tokens: int | None = None,
        bind_arguments: dict[str, Any] | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self.func = func
        self.num_api_spec_tokens = num_api_spec_tokens
        self.bind_arguments = dict(bind_arguments or {})
        self.pin_prefix_rid: str | None = None
        spec = inspect.getfullargspec(func)
        assert spec.args[:1] == ["s"], 'The first argument must be "s"'
        self.arg_names = spec.args[1:]
        self.arg_defaults = list(spec.defaults or ())
        self._accepts = {*self.arg_names, *spec.kwonlyargs}
        self._program = Program(func, strict)
        self._program.check_strict()
        functools.update_wrapper(self, func)

    def bind(self, **kwargs: Any) -> SglFunction:
        """The program with some arguments fixed; they win over those given when it runs."""
        unknown = [name for name in kwargs if name not in self.arg_names]
        assert not unknown, f"bind: the program has no parameter {unknown[0]!r}"
        bound = SglFunction(self.func, self.num_api_spec_tokens, {**self.bind_arguments, **kwargs})
        bound._program = self._program
        return bound

    def run(
        self,
        *args: Any,
        max_new_tokens: int = 128,
        n: int = 1,
        stop: Stops = None,
        stop_token_ids: Sequence[int] | None = None,
        stop_regex: Stops = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = -1,
        min_p: float = 0.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        ignore_eos: bool = False,
        return_logprob: bool | None = None,
        logprob_start_len: int | None = None,
        top_logprobs_num: int | None = None,
        return_text_in_logprobs: bool | None = None,
        stream: bool = False,
        backend: Any = None,
        use_thread: bool = True,
        **kwargs: Any,
    ) -> ProgramState:
        """
        Run the program; sampling parameters are the defaults of its `gen`s.

        Returns when the body has ended, which may be before the last generation has; reading the
        state waits. Raises what the body raises, but a failed generation stays in the state.
        `stream=True` returns at once and runs the body in a thread.

        Beyond SGLang: `seed` (None draws one, see `ProgramState.seed`), `compiled` (False runs the
        function as it is written) and `options` (`ExecOptions`).
        """
        return start(self._started(_run_params(locals()), stream, backend, args, kwargs))

    async def arun(self, *args: Any, **options: Any) -> ProgramState:
        """
        As `run`, awaited; takes what `run` takes, except `stream`.

        Never blocks the event loop, and returns when all generations have ended, so reading the
        state does not wait. An `async def` body is awaited here; a plain one runs on a thread
        where it has host code. Cancelling stops the generations that are under way.
        """
        given = {name: options.pop(name, value) for name, value in _RUN_OPTIONS.items()}
        if given["stream"]:
            raise ValueError("arun cannot stream; use run(stream=True) and text_async_iter()")
        run = self._started(_run_params(given), False, given["backend"], args, options)
        return await start_async(run)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Same as `run`; for an `async def` program a coroutine, the same as `arun`."""
        if self._program.asynchronous:
            return self.arun(*args, **kwargs)
        return self.run(*args, **kwargs)

    def _started(
        self,
        params: GenParams,
        stream: bool,
        backend: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
    ) -> Start:
        own = self._take_own(kwargs)
        seed, label = _seed_and_label(own["seed"])
        return Start(
            program=self._program,
            args=args,
            kwargs={**kwargs, **self.bind_arguments},
            backend=resolve_backend(backend),
            defaults=params,
            seed=seed,
            label=label,
            stream=stream,
            compiled=_compiled(own["compiled"]),
            options=own["options"] or _options(_compiled(own["compiled"])),
            num_api_spec_tokens=self.num_api_spec_tokens,
        )

    def run_batch(
        self,
        batch_kwargs: Sequence[Any],
        *,
        max_new_tokens: int = 128,
        n: int = 1,
        stop: Stops = None,
        stop_token_ids: Sequence[int] | None = None,
        stop_regex: Stops = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = -1,
        min_p: float = 0.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        ignore_eos: bool = False,
        return_logprob: bool | None = None,
        logprob_start_len: int | None = None,
        top_logprobs_num: int | None = None,
        return_text_in_logprobs: bool | None = None,
        backend: Any = None,
        num_threads: int | Literal["auto"] = "auto",
        progress_bar: bool = False,
        generator_style: bool = False,
        seed: int | None = None,
        compiled: bool | None = None,
        options: ExecOptions | None = None,
    ) -> list[ProgramState] | Iterator[ProgramState]:
        """
        Run the program once for each row: a dict of arguments, or a tuple of positional ones.

        Results come in order, each with all its generations finished. The first exception that a
        body raised is raised again after all rows have run. With `generator_style`, a generator.
        """
        params = _run_params(locals())
        rows = self._rows(batch_kwargs)
        if not rows:
            return iter(()) if generator_style else []
        base, label = _seed_and_label(seed)
        return run_rows(
            self._program,
            rows,
            backend=resolve_backend(backend),
            defaults=params,
            seed=base,
            label=label,
            compiled=_compiled(compiled),
            options=options or _options(_compiled(compiled)),
            num_api_spec_tokens=self.num_api_spec_tokens,
            num_threads=num_threads,
            progress_bar=progress_bar,
            generator_style=generator_style,
        )

    def _rows(self, batch: Sequence[Any]) -> list[BatchRow]:
        assert isinstance(batch, list | tuple), "a batch is a list of dicts or of tuples"
        least = len(self.arg_names) - len(self.arg_defaults)
        rows: list[BatchRow] = []
        for row in batch:
            if isinstance(row, dict):
                arguments = dict(row)
            elif isinstance(row, list | tuple) and least <= len(row) <= len(self.arg_names):
                arguments = dict(zip(self.arg_names, row, strict=False))
            else:
                raise ValueError("Given arguments mismatch the SGL function signature")
            rows.append({**arguments, **self.bind_arguments})
        return rows

    def _take_own(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {
            name: kwargs.pop(name, None) if name not in self._accepts else None
            for name in _OWN_OPTIONS
        }

    def trace(self, *, backend: Any = None, **kwargs: Any) -> Any:
        """
        The program's operations as expressions, see `sglc.lang.tracer`; runs nothing of it.

        NotImplementedError where the program decides by a value.
        """
        from sglc.lang.tracer import trace_program

        return trace_program(self, kwargs, backend)

    def cache(self, backend: Any = None) -> None:
        """Have the backend compute the program's constant first text, if it is long enough."""
        prefix = self._program.constant_prefix()
        backend = resolve_backend(backend)
        if len(prefix) > 64 and hasattr(backend, "cache_prefix"):
            backend.cache_prefix(prefix)

    def __repr__(self) -> str:
        return f"<sgl.function {self.func.__module__}.{self.func.__qualname__}>"


_SAMPLING = [
    "max_new_tokens",
    "n",
    "stop",
    "stop_token_ids",
    "stop_regex",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "ignore_eos",
    "return_logprob",
    "logprob_start_len",
    "top_logprobs_num",
    "return_text_in_logprobs",
]


_RUN_OPTIONS = {
    name: parameter.default
    for name, parameter in inspect.signature(SglFunction.run).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
}
"""The options of `run` with their defaults."""


def _run_params(values: dict[str, Any]) -> GenParams:
    return GenParams(**{name: values[name] for name in _SAMPLING})


def _seed_and_label(seed: int | None) -> tuple[int | None, str]:
    """Inside a body, the place of this run among those it starts decides its seed."""
    counter = calling.get()
    if counter is None:
        return seed, "root"
    label = counter.next_label()
    own = counter.next_seed()
    return (own if seed is None else seed), label


def _compiled(wanted: bool | None) -> bool:
    counter = calling.get()
    if wanted is None and counter is not None and counter.session is not None:
        return counter.session.compiled
    return wanted is not False


def _options(compiled: bool) -> ExecOptions:
    if not compiled:
        return ExecOptions(hoist=False, deferred=False)
    counter = calling.get()
    if counter is not None and counter.session is not None:
        return counter.session.options
    return ExecOptions()


def resolve_backend(backend: Any = None) -> Any:
    """The given backend, else the default one, else the calling run's, else the embedded model."""
    if backend is None:
        backend = global_config.default_backend
    counter = calling.get()
    if backend is None and counter is not None and counter.session is not None:
        backend = counter.session.raw_backend
    if backend is None:
        from sglc.backends.local import default_backend

        backend = default_backend()
    return getattr(backend, "endpoint", backend)


def set_default_backend(backend: Any) -> None:
    """The backend of runs that name none."""
    global_config.default_backend = backend


@overload
def function(
    func: Callable[..., Any], num_api_spec_tokens: int | None = None, *, strict: bool = False
) -> SglFunction: ...


@overload
def function(
    func: None = None, num_api_spec_tokens: int | None = None, *, strict: bool = False
) -> Callable[[Callable[..., Any]], SglFunction]: ...


def function(
    func: Callable[..., Any] | None = None,
    num_api_spec_tokens: int | None = None,
    *,
    strict: bool = False,
) -> SglFunction | Callable[[Callable[..., Any]], SglFunction]:
    """
    Make a program of a function whose first parameter is `s`; with or without parentheses.

    `strict`: raise `LowerError` where the function cannot be compiled, instead of running it live.
    """

    def decorate(func: Callable[..., Any]) -> SglFunction:
        return SglFunction(func, num_api_spec_tokens, strict=strict)

    return decorate if func is None else decorate(func)

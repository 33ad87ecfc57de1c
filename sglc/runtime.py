"""`Engine` and `Runtime`: our runtime under SGLang's offline interfaces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Self

from sglc.backends.local import LocalBackend
from sglc.execution.errors import GenerationError
from sglc.execution.handle import Handle
from sglc.execution.session import Session
from sglc.language.chat_template import get_chat_template
from sglc.language.sampling import DEFAULTS, GenParams, overlay

Params = Mapping[str, Any] | None
_RENAMED = {"max_tokens": "max_new_tokens", "min_tokens": "min_new_tokens"}


def _params(given: Params, **extra: Any) -> tuple[GenParams, int | None]:
    # An argument that was not given must not hide what the parameters say.
    pairs = [*(given or {}).items(), *((k, v) for k, v in extra.items() if v is not None)]
    values = {_RENAMED.get(name, name): value for name, value in pairs if value is not None}
    seed = values.pop("sampling_seed", None)
    try:
        return overlay(DEFAULTS, GenParams(**values)), seed
    except TypeError as error:
        raise ValueError(f"unknown sampling parameter: {error}") from None


def _reply(text: Any, meta: Any) -> Any:
    if isinstance(text, list):
        return [{"text": t, "meta_info": m} for t, m in zip(text, meta, strict=True)]
    return {"text": text, "meta_info": meta}


class Engine:
    """
    Generate from plain prompts, without a program.

    `model_path` is a checkpoint folder, None the embedded model; further arguments are fields of
    `sglc_runtime.EngineConfig`, by its names or by those of SGLang's `ServerArgs`.
    """

    def __init__(self, model_path: str | None = None, **config: Any) -> None:
        self.endpoint = LocalBackend(model_path, **config)

    def _start(self, prompt: str, params: Params, stream: bool, **extra: Any) -> Handle:
        defaults, seed = _params(params, **extra)
        session = Session(self.endpoint, defaults, seed, stream=stream)
        # A plain prompt is no chat: the model's template and its stop strings do not apply.
        session.chat_template = get_chat_template("default")
        handle = session.root()
        handle.text([prompt])
        handle.gen("text", GenParams())
        handle.finish()
        return handle

    def generate(
        self,
        prompt: str | Sequence[str],
        sampling_params: Params = None,
        return_logprob: bool | None = None,
        logprob_start_len: int | None = None,
        top_logprobs_num: int | None = None,
    ) -> Any:
        """
        `{"text", "meta_info"}` for a prompt, a list of them for a list.

        Raises `GenerationError`; ValueError for an unknown sampling parameter.
        """
        extra = {
            "return_logprob": return_logprob,
            "logprob_start_len": logprob_start_len,
            "top_logprobs_num": top_logprobs_num,
        }
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        handles = [self._start(p, sampling_params, False, **extra) for p in prompts]
        replies = [_reply(h.read("text"), h.read_meta("text").result()) for h in handles]
        return replies[0] if isinstance(prompt, str) else replies

    async def async_generate(
        self, prompt: str | Sequence[str], sampling_params: Params = None, **extra: Any
    ) -> Any:
        """Like `generate`, without blocking the event loop."""
        return await asyncio.to_thread(self.generate, prompt, sampling_params, **extra)

    def get_server_info(self) -> dict[str, Any]:
        """The model and how it runs."""
        return self.endpoint.get_server_info()

    def flush_cache(self) -> bool:
        """Drop every cached prefix that nothing uses."""
        return self.endpoint.flush_cache()

    def shutdown(self) -> None:
        """End the engine."""
        self.endpoint.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


class Runtime(Engine):
    """A model that programs run on: `sgl.set_default_backend(sgl.Runtime(model_path=...))`."""

    def cache_prefix(self, prefix: str) -> None:
        """Compute a prefix now."""
        self.endpoint.cache_prefix(prefix)

    def generate(self, *args: Any, **kwargs: Any) -> str:
        """Like `Engine.generate`, as JSON text, which is what SGLang's `Runtime` gives."""
        return json.dumps(super().generate(*args, **kwargs))

    async def async_generate(  # type: ignore[override]
        self, prompt: str, sampling_params: Params = None
    ) -> AsyncIterator[str]:
        """The text in pieces as it becomes certain."""
        from sglc.language.streaming import follow_variable

        handle = self._start(prompt, sampling_params, True)
        pieces = follow_variable(handle, "text")
        end = object()
        while (piece := await asyncio.to_thread(next, pieces, end)) is not end:
            assert isinstance(piece, tuple)
            yield piece[0]

    add_request = async_generate


def bench_engine(
    only: Sequence[str],
    report: Callable[[str], None],
    *,
    tiny: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """
    The engine's figures beside its peers, as plain data.

    `settings` are `sglc_runtime.bench.lab.Settings`; `tiny` replaces the shapes of real models.
    Raises ValueError for the name of a row that does not exist.
    """
    from sglc_runtime.bench.lab import TINY, Settings
    from sglc_runtime.bench.rows import chosen
    from sglc_runtime.bench.run import run_rows

    if tiny:
        settings |= {"large": TINY, "medium": TINY}
    return run_rows(chosen(only), Settings(**settings), report)


def bench_gpu(
    only: Sequence[str],
    report: Callable[[str], None],
    *,
    write: Callable[[dict[str, Any]], None],
    settings: Mapping[str, Any],
    budget: float | None = None,
    previous: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """
    Kernels and engine on a GPU, checked and measured, as plain data; `write` gets it part by part.

    `settings` are `sglc_runtime.bench.gpu.settings.GpuSettings`. Raises ValueError for a part that
    does not exist, an earlier result that was measured otherwise, and where there is no GPU.
    """
    from sglc_runtime.bench.gpu.devices import require
    from sglc_runtime.bench.gpu.run import chosen, run_gpu
    from sglc_runtime.bench.gpu.settings import GpuSettings

    wanted = GpuSettings(**settings)
    parts = chosen(only)
    require(wanted)
    return run_gpu(parts, wanted, report, write=write, budget=budget, previous=previous)


def bench_generate(
    model: str | None, report: Callable[[str], None], *, config: Params = None, **options: Any
) -> dict[str, Any]:
    """
    Speed of the engine beside `transformers.generate`, as plain data.

    `options` are `sglc_runtime.bench.generate.BenchOptions`. Raises `GenerationError`.
    """
    from sglc_runtime.bench.generate import BenchOptions, bench

    return _measured(lambda known: bench(known, BenchOptions(**options), report), model, config)


def bench_profile(
    model: str | None, report: Callable[[str], None], *, config: Params = None, **options: Any
) -> dict[str, Any]:
    """
    The slowest functions of branches after a shared prefix, as plain data.

    `options` are those of `sglc_runtime.bench.profiling.profile`. Raises `GenerationError`.
    """
    from sglc_runtime.bench.profiling import profile

    return _measured(lambda known: profile(known, report, **options), model, config)


def bench_agreement(
    model: str | None, report: Callable[[str], None], *, config: Params = None, **options: Any
) -> dict[str, Any]:
    """
    Whether greedy tokens are those of `transformers.generate`, in five ways of running them.

    `options` are `sglc_runtime.agreement.AgreementOptions`. Raises `GenerationError`.
    """
    from sglc_runtime.agreement import AgreementOptions, agreement

    return _measured(
        lambda known: agreement(known, AgreementOptions(**options), report), model, config
    )


def load_watch() -> Any:
    """Begin to watch the machine; `read()` of it gives a `sglc_runtime.machine_load.Load`."""
    from sglc_runtime.machine_load import LoadWatch

    return LoadWatch()


def _measured(
    measure: Callable[[Any], dict[str, Any]], model: str | None, config: Params
) -> dict[str, Any]:
    from sglc_runtime.errors import EngineError
    from sglc_runtime.options import engine_config

    try:
        return measure(engine_config({"model": model, **(config or {})}))
    except EngineError as error:
        raise GenerationError(error.message, kind=error.kind) from error

"""A compiler and runtime for language-model programs. `import sglc as sgl` serves SGLang's."""

import importlib
from typing import TYPE_CHECKING

from sglc.global_config import global_config

if TYPE_CHECKING:
    from sglc.api import (
        assistant,
        assistant_begin,
        assistant_end,
        flush_cache,
        function,
        gen,
        gen_int,
        gen_string,
        get_server_args,
        get_server_info,
        image,
        select,
        separate_reasoning,
        set_default_backend,
        system,
        system_begin,
        system_end,
        tool,
        user,
        user_begin,
        user_end,
        video,
    )
    from sglc.backends.openai import OpenAI
    from sglc.backends.runtime_endpoint import RuntimeEndpoint
    from sglc.language.choices import (
        greedy_token_selection,
        token_length_normalized,
        unconditional_likelihood_normalized,
    )
    from sglc.runtime import Engine, Runtime

__version__ = "0.1.0"

__all__ = [
    "Engine",
    "OpenAI",
    "Runtime",
    "RuntimeEndpoint",
    "__version__",
    "assistant",
    "assistant_begin",
    "assistant_end",
    "flush_cache",
    "function",
    "gen",
    "gen_int",
    "gen_string",
    "get_server_args",
    "get_server_info",
    "global_config",
    "greedy_token_selection",
    "image",
    "select",
    "separate_reasoning",
    "set_default_backend",
    "system",
    "system_begin",
    "system_end",
    "token_length_normalized",
    "tool",
    "unconditional_likelihood_normalized",
    "user",
    "user_begin",
    "user_end",
    "video",
]

_ELSEWHERE = {
    "Engine": "sglc.runtime",
    "OpenAI": "sglc.backends.openai",
    "Runtime": "sglc.runtime",
    "RuntimeEndpoint": "sglc.backends.runtime_endpoint",
    "greedy_token_selection": "sglc.language.choices",
    "token_length_normalized": "sglc.language.choices",
    "unconditional_likelihood_normalized": "sglc.language.choices",
}
"""Public names that `sglc.api` does not have, and their modules."""

_SUBMODULES = ("api", "lang", "utils")
"""Those that SGLang's `import sglang` brings along."""

_ABSENT = dict.fromkeys(
    ("Anthropic", "Crusoe", "LiteLLM", "VertexAI"),
    "use sglc.OpenAI(model, base_url=...) for a server with OpenAI's interface, or derive from "
    "sglc.lang.backend.base_backend.BaseBackend",
) | {"ServerArgs": "give the arguments to sglc.Runtime(...) or sglc.Engine(...)"}
"""SGLang's public names that sglc has not, and what to write instead."""


def __getattr__(name: str) -> object:
    """Load a public name at its first use (PEP 562): commands that run nothing need none."""
    if name in _ABSENT:
        raise AttributeError(f"sglc has no {name}: {_ABSENT[name]}")
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _ELSEWHERE:
        globals()[name] = getattr(importlib.import_module(_ELSEWHERE[name]), name)
    else:
        api = importlib.import_module("sglc.api")
        # All at once, so that whoever compares identities finds every name or none.
        globals().update({n: getattr(api, n) for n in __all__ if hasattr(api, n)})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

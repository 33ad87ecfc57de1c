"""A compiler and runtime for language-model programs. `import sglc as sgl` serves SGLang's."""

import importlib
from typing import TYPE_CHECKING

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
from sglc.global_config import global_config
from sglc.language.choices import (
    greedy_token_selection,
    token_length_normalized,
    unconditional_likelihood_normalized,
)

if TYPE_CHECKING:
    from sglc.backends.openai import OpenAI
    from sglc.backends.runtime_endpoint import RuntimeEndpoint
    from sglc.runtime import Engine, Runtime

__version__ = "0.1.0"

_LAZY = {
    "Engine": "sglc.runtime",
    "OpenAI": "sglc.backends.openai",
    "Runtime": "sglc.runtime",
    "RuntimeEndpoint": "sglc.backends.runtime_endpoint",
}
"""Names whose modules programs on other backends do not need."""


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


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

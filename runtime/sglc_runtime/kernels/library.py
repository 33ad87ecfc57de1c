"""The compiled kernels as functions for ctypes: all signatures in one place."""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path

from sglc_runtime.kernels.build import CompilerUnavailable, compile_library

_Signature = tuple[type | None, list[type]]

SIGNATURES: dict[str, _Signature] = {
    # pool.c
    "sglc_set_threads": (None, [c_int]),
    "sglc_threads": (c_int, []),
    # attention.c
    "sglc_attend": (c_int, [c_void_p, c_void_p]),
    # attention_plan.c
    "sglc_attention_plan_new": (c_void_p, []),
    "sglc_attention_plan_free": (None, [c_void_p]),
    "sglc_attention_plan": (c_int, [c_void_p, c_void_p]),
    # linear.c
    "sglc_linear_scratch": (c_int64, [c_int, c_int, c_int64]),
    "sglc_run_linear": (None, [c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p]),
    # pack.c
    "sglc_packed_size": (c_int64, [c_int, c_int, c_int]),
    "sglc_pack": (None, [c_void_p, c_int, c_int, c_int, c_int, c_void_p]),
    "sglc_is_bf16": (c_int, [c_void_p, c_int64]),
    "sglc_embed": (c_int, [c_void_p, c_void_p, c_int, c_void_p]),
    "sglc_large_pages": (None, [c_void_p, c_int64]),
    # sampling.c
    "sglc_sample": (c_int, [c_void_p, c_int, c_void_p, c_int, c_void_p]),
    # decoder.c
    "sglc_scratch_size": (c_int64, [c_void_p, c_int, c_int64]),
    "sglc_before_attention": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_void_p]),
    "sglc_after_attention": (c_int, [c_void_p, c_void_p, c_void_p, c_int, c_void_p]),
    "sglc_logits": (
        c_int,
        [c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_void_p, c_int, c_void_p],
    ),
    # draft.c
    "sglc_draft": (
        c_int,
        [c_void_p, c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_int, c_void_p, c_void_p],
    ),
}
"""Result and arguments of every function; structs and arrays are passed by address."""


@cache
def load_library() -> ctypes.CDLL:
    """Compile the kernels if needed and load them; raises `CompilerUnavailable`."""
    path = compile_library(Path(__file__).parent)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise CompilerUnavailable(f"cannot load {path}: {error}") from error
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library

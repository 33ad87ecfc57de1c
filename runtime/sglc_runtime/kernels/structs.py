"""Structs of decoder.c and linear.h, as ctypes sees them."""

from __future__ import annotations

from ctypes import Structure, c_float, c_int32, c_void_p
from enum import IntEnum


class Kind(IntEnum):
    """How a weight is stored."""

    FLOAT32 = 0
    BFLOAT16 = 1
    INT8 = 2
    INT4 = 3


class Linear(Structure):
    """`Linear` of linear.h."""

    _fields_ = [
        ("weight", c_void_p),
        ("bias", c_void_p),
        ("inputs", c_int32),
        ("outputs", c_int32),
        ("kind", c_int32),
    ]


class Layer(Structure):
    """`Layer` of decoder.c."""

    _fields_ = [
        ("qkv", Linear),
        ("o", Linear),
        ("gate_up", Linear),
        ("down", Linear),
        ("input_norm", c_void_p),
        ("post_norm", c_void_p),
        ("q_norm", c_void_p),
        ("k_norm", c_void_p),
    ]


class Model(Structure):
    """`Model` of decoder.c."""

    _fields_ = [
        ("cos", c_void_p),
        ("sin", c_void_p),
        ("scratch", c_void_p),
        ("hidden", c_int32),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("dim", c_int32),
        ("inner", c_int32),
        ("context", c_int32),
        ("eps", c_float),
    ]

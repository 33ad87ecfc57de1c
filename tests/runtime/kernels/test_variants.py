"""Other builds of the kernels give the same bits: without intrinsics, and with wide vectors."""

from __future__ import annotations

import shutil
from ctypes import CDLL
from pathlib import Path

import pytest
import torch

from sglc_runtime.kernels import build, library
from sglc_runtime.models.packing import Quantization
from tests.runtime.kernels.layers import Layer


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> CDLL:
    """Vectors of 16 floats as on AVX-512, and integer products in plain C."""
    here, folder = Path(library.__file__).parent, tmp_path_factory.mktemp("kernels")
    for name in ("linear.c", "pack.c", "quantized.c", "pool.c", "linear.h", "pool.h", "vectors.h"):
        shutil.copy(here / name, folder)
    quick = ("-O0" if flag == "-O3" else flag for flag in build.FLAGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "FLAGS", (*quick, "-DSGLC_PORTABLE", "-DLANES=16"))
        patch.setenv("SGLC_CACHE", str(folder / "cache"))
        made = CDLL(str(build.compile_library(folder)))
    for name in ("packed_size", "pack", "is_bf16", "large_pages", "linear_scratch", "run_linear"):
        function = getattr(made, f"sglc_{name}")
        function.restype, function.argtypes = library.SIGNATURES[f"sglc_{name}"]
    made.sglc_embed.argtypes = library.SIGNATURES["sglc_embed"][1]
    return made


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 26])
@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_integers(quantization: Quantization, rows: int, other: CDLL) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight = torch.randn(100, 200, generator=generator)
    x = torch.randn(rows, 200, generator=generator)
    want = Layer(weight, quantization=quantization)(x)
    assert torch.equal(Layer(weight, quantization=quantization, library=other)(x), want)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 26])
@pytest.mark.parametrize("narrow", [False, True])
def test_wide_panels(narrow: bool, rows: int, other: CDLL) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight = torch.randn(100, 300, generator=generator).bfloat16()
    x = torch.randn(rows, 300, generator=generator)
    usual, wide = Layer(weight, narrow=narrow), Layer(weight, narrow=narrow, library=other)
    assert other.sglc_packed_size(0, 300, 100) > usual.library.sglc_packed_size(0, 300, 100)
    assert torch.equal(wide(x), usual(x))
    ids, out = torch.arange(100), torch.full((100, 300), torch.nan)
    assert other.sglc_embed(wide.address, ids.data_ptr(), 100, out.data_ptr()) == 0
    assert torch.equal(out, weight.float())

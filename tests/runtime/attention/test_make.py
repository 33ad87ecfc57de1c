"""Which backend can be had where."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

from sglc_runtime.attention import make
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.load import EMBEDDED

GPU = torch.device("cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="Triton reaches the GPU that is there")
def test_a_gpu_that_triton_cannot_reach_gets_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Triton says where its glue cannot be built; models then do without its kernels."""
    from sglc_runtime.models.fused import suits_fused

    config = parse_decoder(EMBEDDED, read_config(EMBEDDED))
    assert make.why_not_triton(GPU) is None
    assert suits_fused(config, GPU)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    make._why_no_driver.cache_clear()
    try:
        reason = make.why_not_triton(GPU)
        assert reason is not None
        assert "C compiler" in reason
        assert not suits_fused(config, GPU)
    finally:
        make._why_no_driver.cache_clear()

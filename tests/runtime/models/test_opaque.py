"""The attention that compiled code calls, found by the device of its tensors."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime.models import opaque


def test_a_device_is_found_by_its_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices with and without an index differ: "cuda" is asked for, tensors say "cuda:0"."""
    monkeypatch.setattr(opaque, "_opaque", {})
    asked = torch.device("cpu", 0)
    made = opaque.make_opaque(asked)
    there = torch.zeros(1, device=asked).device
    assert there != asked
    assert opaque.opaque_on(there) is made
    assert opaque.make_opaque(there) is made
    assert opaque.make_opaque(asked) is made

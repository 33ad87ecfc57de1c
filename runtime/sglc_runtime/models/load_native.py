"""Load a folder with the native decoder, in the form that suits the model and the machine."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from sglc_runtime.kernels.build import CompilerUnavailable
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.dtypes import choose_dtype
from sglc_runtime.models.native import NativeModel
from sglc_runtime.models.threads import MIN_WEIGHTS_PER_THREAD
from sglc_runtime.models.weights import WeightReader

log = logging.getLogger(__name__)


def load_native(
    folder: Path, *, device: torch.device, dtype: str, in_c: bool | None = None
) -> NativeModel | CModel:
    """
    Read a folder's config.json and safetensors files.

    `in_c` asks for the C decoder or for torch; by default small float32 models on a CPU with a
    compiler run in C. Raises `NotNative` for models that are not implemented, `LoadError` for
    broken ones, and `CompilerUnavailable` where the C decoder was asked for.
    """
    config = parse_decoder(folder, read_config(folder))
    with Checkpoint(folder) as files, torch.no_grad():
        stored = files.main_dtype()
        reader = WeightReader(config, files, device, choose_dtype(dtype, stored, device))
        small = config.parameters < 2 * MIN_WEIGHTS_PER_THREAD
        fits = device.type == "cpu" and reader.dtype == torch.float32
        if fits and (small if in_c is None else in_c):
            try:
                return CModel(reader)
            except CompilerUnavailable as reason:
                if in_c:
                    raise
                log.info("decoder in torch operations: %s", reason)
        return NativeModel(reader)

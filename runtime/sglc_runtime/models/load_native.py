"""Load a folder with the native decoder, in the form that suits the model and the machine."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from sglc_runtime.kernels.build import CompilerUnavailable
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.dtypes import choose_dtype, fast_bf16
from sglc_runtime.models.dummy import MadeUpCheckpoint
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.lora import open_adapted
from sglc_runtime.models.native import NativeModel
from sglc_runtime.models.packing import QUANTIZED, Quantization
from sglc_runtime.models.weights import WeightReader
from sglc_runtime.parallel.group import Group
from sglc_runtime.parallel.split import check_split

log = logging.getLogger(__name__)

LARGE = 40_000_000
"""Parameters from which a step is long beside what calling torch's operations costs."""


def suits_c(device: torch.device, dtype: torch.dtype, parameters: int, *, bf16_cpu: bool) -> bool:
    """
    Whether the C decoder is the better one for a model that would compute in `dtype`.

    It is on CPUs, for everything but large bfloat16 models where the CPU multiplies bfloat16
    numbers in hardware (`bf16_cpu`), which torch's packed linears use and these kernels do not, and
    float16, which only torch computes in.
    """
    if device.type != "cpu" or dtype == torch.float16:
        return False
    return not (dtype == torch.bfloat16 and bf16_cpu and parameters >= LARGE)


def load_native(
    folder: Path,
    *,
    device: torch.device,
    dtype: str,
    in_c: bool | None = None,
    fused: bool | None = None,
    quantization: Quantization = "none",
    lora: Path | None = None,
    dummy: bool = False,
    group: Group | None = None,
    packed: bool = True,
) -> NativeModel | CModel:
    """
    Read a folder's config.json and safetensors files.

    `in_c` asks for the C decoder or for torch; by default `suits_c` decides where there is a
    compiler. `fused` asks for the decoder with Triton's kernels or for torch's operations alone; by
    default `suits_fused` decides. The C decoder computes in float32 whatever the weights are stored
    in, and `dtype` "bfloat16" rounds its weights. `lora` is the folder of an adapter to merge,
    `dummy` makes weights up. With `group`, this process's part is read, for torch, which alone runs
    in several processes. Not `packed` keeps weights in torch's layout everywhere. Raises
    `NotNative` for models and adapters that are not implemented, `LoadError` for broken ones and
    quantization where it cannot be had, and `CompilerUnavailable` where the C decoder was asked
    for.
    """
    config = parse_decoder(folder, read_config(folder))
    exact = dtype == "float32"
    files = (
        MadeUpCheckpoint(folder, config, device)
        if dummy
        else open_adapted(folder, lora, tied=config.tied, exact=exact)
    )
    with files, torch.no_grad():
        stored = files.main_dtype()
        chosen = choose_dtype(dtype, stored, device)
        suits = suits_c(device, chosen, config.parameters, bf16_cpu=fast_bf16())
        quantized = quantization in QUANTIZED
        if quantized and device.type != "cpu":
            raise LoadError("unsupported_model", f"{quantization} weights need device cpu")
        if group is not None:
            check_split(config, group.size)
            if quantized:
                raise LoadError("unsupported_model", f"{quantization} weights need tp_size 1")
            reader = WeightReader(config, files, device, chosen, group.split)
            return _in_torch(reader, group, fused, packed)
        if quantized or (suits if in_c is None else in_c):
            kept = torch.bfloat16 if dtype == "bfloat16" else None
            try:
                return CModel(WeightReader(config, files, device, kept), quantization)
            except CompilerUnavailable as reason:
                if quantized:
                    message = f"{quantization} weights need the C kernels: {reason}"
                    raise LoadError("unsupported_model", message) from reason
                if in_c:
                    raise
                log.info("decoder in torch operations: %s", reason)
        return _in_torch(WeightReader(config, files, device, chosen), None, fused, packed)


def _in_torch(
    reader: WeightReader, group: Group | None, fused: bool | None, packed: bool
) -> NativeModel:
    if fused or (fused is None and reader.device.type == "cuda"):
        # Triton takes long to import, and CPUs do not need it.
        from sglc_runtime.models.fused import FusedModel, suits_fused

        if fused or suits_fused(reader.config, reader.device):
            return FusedModel(reader, group)
    return NativeModel(reader, group, packed=packed)

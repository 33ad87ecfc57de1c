"""
The forms in which kernels are launched, found without a device.

Triton compiles a kernel once for each form: types of the arguments, constants, which integers are 1
or multiples of 16, which pointers are aligned. Triton's own functions say what a launch's form is,
so what is compiled ahead of time is what a device would compile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from sglc_runtime.kernels.triton.cases.case import Case
from sglc_runtime.kernels.triton.launch import Launch, recording


@dataclass(frozen=True, slots=True)
class Form:
    """A kernel as it is compiled for one architecture, and the first case that launches it."""

    case: Case
    function: str
    source: Any
    """`triton.compiler.ASTSource`."""
    target: Any
    options: dict[str, Any]

    @property
    def dim(self) -> int | None:
        """Size of a head or row among its constants, where it has one."""
        names = self.source.fn.arg_names
        found = [names.index(name) for name in ("DIM", "WIDTH", "WIDE") if name in names]
        value = self.source.constants.get((found[0],)) if found else None
        return value if isinstance(value, int) else None


def launches_of(case: Case) -> list[Launch]:
    """What the case launches, in order; nothing runs."""
    with recording() as launches:
        case.run(case.inputs(torch.device("meta")))
    return launches


def forms_of(cases: Iterable[Case], architecture: int) -> Iterator[Form]:
    """Every form that the cases launch on an architecture, once; in the order of the cases."""
    seen: set[str] = set()
    for case in cases:
        for launch in launches_of(case):
            form = form_of(case, launch, architecture)
            key = f"{form.source.hash()} {sorted(form.options.items(), key=str)}"
            if key not in seen:
                seen.add(key)
                yield form


def form_of(case: Case, launch: Launch, architecture: int) -> Form:
    """
    The form of one launch, as `triton.runtime.jit.JITFunction.run` finds it.

    Raises RuntimeError where Triton interprets: then nothing is compiled.
    """
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler.compiler import make_backend
    from triton.runtime.jit import JITFunction, create_function_from_signature

    kernel = launch.kernel
    if not isinstance(kernel, JITFunction):
        raise RuntimeError("kernels are interpreted here: set TRITON_INTERPRET=0")
    target = GPUTarget("cuda", architecture, 32)
    backend = make_backend(target)
    bind = create_function_from_signature(kernel.signature, kernel.params, backend)
    given = launch.constants | launch.options
    bound, specialization, rest = bind(*launch.arguments, **given)
    parsed, signature, constants, attributes = kernel._pack_args(
        backend, given, bound, specialization, rest
    )
    source = ASTSource(kernel, signature, constants, attributes)
    return Form(case, kernel.fn.__name__, source, target, dict(parsed.__dict__))

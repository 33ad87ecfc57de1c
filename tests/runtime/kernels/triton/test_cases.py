"""Every kernel's small cases against float64: in Triton's interpreter where there is no GPU."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime.kernels.triton.cases.case import TOLERANCE, Case, relative_error
from sglc_runtime.kernels.triton.cases.catalog import catalog
from sglc_runtime.kernels.triton.cases.making import poisoned_memory
from sglc_runtime.kernels.triton.forms import launches_of

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
CASES = [*catalog()]
SMALL = [case for case in CASES if case.small]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_small_case_against_float64(case: Case) -> None:
    expected = case.expect(case.inputs(DEVICE))
    with poisoned_memory():
        got = case.run(case.inputs(DEVICE))
    assert got.keys() == expected.keys()
    for name, value in got.items():
        assert value.shape == expected[name].shape, name
        assert relative_error(value, expected[name]) <= TOLERANCE[case.dtype], name


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kernel", sorted({case.kernel for case in CASES}))
def test_every_kernel_has_small_and_realistic_cases(kernel: str) -> None:
    """Every type that is measured on a device is tested here as well."""
    found = [case for case in CASES if case.kernel == kernel]
    realistic = {case.dtype for case in found if not case.small}
    assert realistic
    assert realistic <= {case.dtype for case in found if case.small} <= TOLERANCE.keys()
    assert all(case.cost.bytes > 0 for case in found)


def test_cases_launch_without_values() -> None:
    """So that what is compiled ahead of time is what is launched."""
    for case in CASES:
        assert launches_of(case), case.name


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_inputs_are_the_same_every_time(case: Case) -> None:
    first, second = case.inputs(DEVICE), case.inputs(DEVICE)
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, torch.Tensor):
            other = second[name]
            assert torch.equal(*(torch.nan_to_num(each.float()) for each in (value, other))), name
            assert value.data_ptr() != other.data_ptr() or not value.numel(), name


def test_memory_without_values_is_poisoned() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    with poisoned_memory():
        assert bool(torch.empty(100).isnan().all())
        assert bool(torch.empty_like(torch.ones(100, dtype=torch.bfloat16)).isnan().all())
    assert torch.are_deterministic_algorithms_enabled() == before


def test_errors_are_relative_to_the_largest_value() -> None:
    exact = torch.tensor([1.0, -4.0, 0.0], dtype=torch.float64)
    assert relative_error(exact.float(), exact) == 0
    assert relative_error(torch.tensor([1.0, -4.0, 0.4]), exact) == pytest.approx(0.1)
    assert relative_error(torch.tensor([1.0, torch.nan, 0.0]), exact) == float("inf")
    assert relative_error(torch.tensor([1.0, torch.inf, 0.0]), exact) == float("inf")
    holes = torch.tensor([torch.nan, 2.0, -torch.inf], dtype=torch.float64)
    assert relative_error(holes.float(), holes) == 0
    assert relative_error(torch.tensor([0.0, 2.0, -torch.inf]), holes) == float("inf")
    assert relative_error(torch.tensor([3, 1]), torch.tensor([3, 1])) == 0
    assert relative_error(torch.tensor([3, 2]), torch.tensor([3, 1])) == float("inf")

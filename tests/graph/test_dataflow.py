"""Where values go back to."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from sglc.graph.dataflow import Flow
from sglc.ir.core import Module, Value
from sglc.passes.promote import Promote
from tests.ir.random_modules import modules


def reached(flow: Flow, value: Value) -> set[Value]:
    """By definition: what has no source of its own among all that the value depends on."""
    stack, seen = [value], {value}
    while stack:
        for other in flow.depends.get(stack.pop(), ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return {v for v in seen if not flow.depends.get(v)}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(modules())
def test_roots_are_the_sources_in_whatever_order_they_are_asked_for(module: Module) -> None:
    for promoted in (False, True):
        if promoted:
            Promote().apply(module)
        for func in module.funcs.values():
            values = [v for op in func.walk() for v in op.results] + func.params
            values += [a for op in func.walk() for r in op.regions for a in r.args]
            for ordered in (values, values[::-1]):
                flow = Flow(func)
                assert all(set(flow.roots(v)) == reached(flow, v) for v in ordered)
                assert all(len(flow.roots(v)) == len(set(flow.roots(v))) for v in ordered)

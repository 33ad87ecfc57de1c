"""Recompiled functions behave as CPython's own, down to lines and columns of tracebacks."""

from __future__ import annotations

import copy

import pytest

from sglc.frontends.python.deferral import Runtime
from sglc.frontends.python.emit import bind
from sglc.frontends.python.names import LiveNames
from sglc.frontends.python.rewrite import rewrite
from sglc.frontends.python.scope import analyse
from sglc.frontends.python.source import find_source
from tests.python_frontend import observing, probe_functions


def recompiled(function):
    """The emitted form, also where there was nothing to defer: settled before each statement."""
    source = find_source(function)
    plan = rewrite(analyse(source, LiveNames(function)))
    return bind(source, plan.node, function, Runtime(plan.sites, {}))


@pytest.mark.parametrize("probe", probe_functions.PROBES, ids=lambda p: p.name)
def test_same_as_python(probe):
    file = probe_functions.__file__
    user = probe.function() if probe.factory else probe.function
    probe_functions.counter = 0
    wanted = observing.observe(user, *copy.deepcopy(probe.args), file=file)
    other = probe.function() if probe.factory else probe.function
    emitted = recompiled(other)
    probe_functions.counter = 0
    seen = observing.observe(emitted, *copy.deepcopy(probe.args), file=file)
    assert seen == wanted
    assert emitted.__code__ is not other.__code__


def test_identity_of_the_emitted_function():
    emitted = recompiled(probe_functions.signature)
    user = probe_functions.signature
    assert (emitted.__name__, emitted.__qualname__, emitted.__module__) == (
        user.__name__,
        user.__qualname__,
        user.__module__,
    )
    assert emitted.__defaults__ is user.__defaults__
    assert emitted.__kwdefaults__ is user.__kwdefaults__
    assert emitted.__globals__ is user.__globals__
    assert emitted.__code__.co_varnames == user.__code__.co_varnames
    assert emitted.__code__.co_names == (*user.__code__.co_names, "settle")


def test_cells_are_the_original_ones():
    user = probe_functions.make_rebinding_closure()
    emitted = recompiled(user)
    assert emitted.__closure__ == user.__closure__
    assert (user(3), emitted(3), user(3)) == (3, 6, 9)

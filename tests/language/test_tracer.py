"""`trace()`: a program's operations from its IR, running nothing of it."""

from __future__ import annotations

import pytest

from sglc.lang import ir, tracer
from tests.language import trace_programs as programs


def kinds(state: tracer.TracerProgramState) -> list[str]:
    return [type(node).__name__.removeprefix("Sgl") for node in state.nodes]


def test_bound_arguments_are_constants_and_others_are_not() -> None:
    state = programs.straight.bind(context="rain").trace()
    assert kinds(state) == [
        *("ConstantText", "ConstantText", "ConstantText"),
        *("RoleBegin", "Argument", "RoleEnd", "RoleBegin", "Gen", "RoleEnd"),
        *("ConstantText", "Variable", "Select"),
    ]
    assert [n.value for n in state.nodes if isinstance(n, ir.SglConstantText)] == [
        *("Context: ", "rain", "\n", "So ")
    ]
    argument = next(n for n in state.nodes if isinstance(n, ir.SglArgument))
    assert (argument.name, argument.value) == ("question", None)
    answer = next(n for n in state.nodes if isinstance(n, ir.SglGen))
    assert answer.sampling_params.max_new_tokens == 16
    assert state.variables.keys() == {"answer", "choice"}
    read = next(n for n in state.nodes if isinstance(n, ir.SglVariable))
    assert read.source is answer


def test_the_graph_prints_node_by_node() -> None:
    state = programs.straight.trace(question="Who?")
    lines = state.last_node.print_graph_dfs().splitlines()
    assert len(lines) == len(state.nodes)
    assert lines[0].endswith("= Constant('Context: ')")
    assert all(f"%{state.nodes[i].node_id} + " in line for i, line in enumerate(lines[1:]))


def test_forks_joins_and_scopes() -> None:
    state = programs.forks.trace()
    assert kinds(state) == [
        *("ConstantText", "Argument", "Fork", "Fork", "ConcateAndAppend"),
        *("VarScopeBegin", "Gen", "VarScopeEnd"),
    ]
    assert [kinds(child) for child in state.child_states] == [
        ["GetForkItem", "ConstantText", "Gen"],
        ["GetForkItem", "ConstantText", "Gen"],
        ["GetForkItem", "ConstantText"],
        ["GetForkItem", "ConstantText"],
    ]
    first = state.child_states[0].nodes
    assert first[0].prev_node is state.nodes[2]
    assert [repr(n) for n in first[1:]] == ["Constant('Tip 0:')", "Gen('tip')"]
    assert len(state.variables["tip"]) == 2
    assert len(state.flatten_nodes()) == 8 + 10


def test_calls_of_helpers_and_programs() -> None:
    state = programs.calls.trace(question="Who?")
    assert kinds(state)[:3] == ["RoleBegin", "ConstantText", "RoleEnd"]
    inner = state.ret_value
    assert isinstance(inner, tracer.TracerProgramState)
    asked = next(n for n in inner.nodes if isinstance(n, ir.SglVariable))
    assert asked.source is state.nodes[4]


def test_nothing_of_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    state = programs.computes.trace(question="Who?")
    assert capsys.readouterr().out == ""
    assert [repr(n) for n in state.nodes] == [
        "Argument(name=loud(question), value=None)",
        "Gen('answer')",
    ]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (programs.decides, "`if` depends on a value"),
        (programs.hands_over, "a prompt is handed to Python code"),
        (programs.recursive, "calls itself"),
        (programs.looks_around, "locals"),
    ],
)
def test_what_has_no_one_graph_is_refused(program, why: str) -> None:
    with pytest.raises(NotImplementedError, match=why):
        program.trace(question="Who?")


def test_refusals_name_the_place() -> None:
    line = programs.decides.func.__code__.co_firstlineno + 3
    with pytest.raises(NotImplementedError, match=rf"trace_programs\.py:{line}:5"):
        programs.decides.trace()

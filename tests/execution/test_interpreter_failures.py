"""Scripts that fail: what is reported where, what handlers see, and that limits hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.diagnostics.core import Diagnostic
from sglc.diagnostics.render import render
from sglc.execution.limits import Limits
from sglc.expressions.values import ValueLimits
from tests.execution.scripts import PIPELINES, run


def failed(text: str, **how: object) -> Diagnostic:
    outcome = run(text, **how)  # type: ignore[arg-type]  # passed on as given
    assert outcome.error is not None, outcome.value
    return outcome.error


def broken(pattern: str = "BAD", text: str = "the server is on fire") -> RecordingBackend:
    return RecordingBackend(rules={".": "fine"}, failures={pattern: ConnectionError(text)})


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("passes", PIPELINES)
def test_value_error_is_located_at_the_expression(passes: str) -> None:
    text = "def f(xs):\n    'a'\n    y = 1 + xs[3]\n"
    error = failed(text, args={"xs": [1]}, passes=passes)
    assert render(error, sources={"x.sgl": text}) == (
        "error[SGL0503]: index 3 is out of range: there are 1\n"
        " --> x.sgl:3:9\n"
        "  |\n"
        "3 |     y = 1 + xs[3]\n"
        "  |         ^^^^^^^^^ has no value\n"
    )


def test_error_in_a_call_names_the_calls() -> None:
    text = (
        "def main():\n    return a('x')\ndef a(v):\n    b(v)\n    return 1\n"
        "fragment b(v):\n    y = int(v)\n"
    )
    error = failed(text)
    assert str(error.span) == "x.sgl:7:9"
    assert error.notes == ("in `b`, called at x.sgl:4:5", "in `a`, called at x.sgl:2:12")


def test_deep_recursion_names_only_the_first_calls() -> None:
    error = failed("def f(n: int = 100):\n    if n:\n        return f(n - 1)\n    return 1 / 0\n")
    assert len(error.notes) == 8


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        ("for y in []:\n        pass\n    if y:\n        pass", "4:8", "`y` is not set"),
        ("for i in parse_json('5'):\n        pass", "2:5", "a loop needs a list, not int"),
        ("for a, b in [parse_json('1')]:\n        pass", "2:9", "int cannot be unpacked"),
        ("fork i in parse_json('\"n\"') - 5:\n        pass", "2:15",
         "`-` does not work on str and int"),
        ("fork i in parse_json('null'):\n        pass", "2:5", "a loop needs a list, not none"),
        ("gen(max_tokens=parse_json('\"12\"'))", "2:5",
         '`max_tokens` is text, "12", not an integer'),
        ("gen(temperature=len('a') - 2)", "2:5",
         "`temperature` is -1; it must lie between 0 and 1000"),
        ("select(list(''))", "2:5", "the list of choices is empty"),
        ("select(['a', len('ab')])", "2:5", "`choices` is int, 2, not text"),
        ("'${1 / 0}'", "2:8", "division by zero"),
        ("while 1 / 0:\n        pass", "2:11", "division by zero"),
    ],
)  # fmt: skip
def test_places_of_value_errors(body: str, place: str, message: str) -> None:
    text = f"def f():\n    {body}\n"
    error = failed(text)
    assert (str(error.span), error.message) == (f"x.sgl:{place}", message)


def test_unset_variables_fail_when_read() -> None:
    text = "def f(c=false):\n    if c:\n        y = 1\n    z = y\n"
    assert failed(text).message == "`y` is not set"
    text = "def f(c=false):\n    for i in []:\n        y = 1\n    '${y}'\n"
    assert failed(text).message == "`y` is not set"
    text = (
        "def f():\n    fork i in [1, 2] as t:\n        if i == 2:\n            y = 1\n"
        "    '${t[0].y}'\n"
    )
    assert failed(text).message == "there is no field `y`; there is `i`"


# ---- generations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("passes", PIPELINES)
def test_failed_generation_points_at_the_gen_and_where_it_was_needed(passes: str) -> None:
    text = "def f():\n    'BAD'\n    x = gen()\n    'more'\n    if x == 'a':\n        'b'\n"
    error = failed(text, backend=broken(), passes=passes)
    assert render(error, sources={"x.sgl": text}) == (
        "error[SGL0501]: generation failed: ConnectionError: the server is on fire\n"
        " --> x.sgl:3:9\n"
        "  |\n"
        "3 |     x = gen()\n"
        "  |         ^^^^^ this generation\n"
        "4 |     'more'\n"
        "5 |     if x == 'a':\n"
        "  |        -------- needed here\n"
    )


def test_failed_generation_that_nobody_reads_stays_in_the_state() -> None:
    outcome = run("def f():\n    'BAD'\n    x = gen()\n    return 1\n", backend=broken())
    assert (outcome.value, outcome.error, outcome.text) == (1, None, None)


def test_returning_a_failed_generation_fails() -> None:
    error = failed("def f():\n    'BAD'\n    x = gen()\n    return [x]\n", backend=broken())
    assert (error.code, str(error.span)) == ("SGL0501", "x.sgl:3:9")


@pytest.mark.parametrize("passes", PIPELINES)
def test_gen_error_is_caught_at_the_end_of_the_body(passes: str) -> None:
    text = (
        "def main():\n    try:\n        a = ask('BAD')\n        b = 'not reached?'\n"
        "    except gen_error as e:\n        a = e.kind\n    '${a}'\n    return [a, b]\n"
        "def ask(q):\n    '${q}'\n    x = gen()\n    return x\n"
    )
    outcome = run(text, backend=broken(), passes=passes)
    assert outcome.value == ["gen_error", "not reached?"]
    assert outcome.text == "gen_error"


@pytest.mark.parametrize("passes", PIPELINES)
def test_generations_in_branches_and_unread_ones_belong_to_the_try(passes: str) -> None:
    text = (
        "def main():\n    try:\n        fork q in ['ok', 'BAD'] as t:\n            '${q}'\n"
        "            gen()\n        return 'body'\n    except gen_error as e:\n"
        "        return e.message\n"
    )
    outcome = run(text, backend=broken(), passes=passes)
    assert outcome.value == "generation failed: ConnectionError: the server is on fire"


def test_first_failure_in_program_order_wins() -> None:
    backend = RecordingBackend(
        rules={".": "x"}, failures={"one": ValueError("first"), "two": ValueError("second")}
    )
    text = (
        "def main():\n    try:\n        fork q in ['two', 'one'] as t:\n            '${q}'\n"
        "            y = gen()\n    except gen_error as e:\n        return e.message\n"
    )
    assert run(text, backend=backend, passes="default").value == (
        "generation failed: ValueError: second"
    )


@pytest.mark.parametrize("passes", PIPELINES)
def test_a_call_whose_value_is_not_used_still_fails(passes: str) -> None:
    text = "def main():\n    check('x')\n    'after'\n    return 1\ndef check(v):\n    n = int(v)\n"
    error = failed(text, passes=passes)
    assert (error.message, error.notes) == (
        "'x' is not an integer",
        ("in `check`, called at x.sgl:2:5",),
    )


@pytest.mark.parametrize("passes", PIPELINES)
def test_an_earlier_calls_failure_comes_before_a_later_error(passes: str) -> None:
    text = "def main():\n    check('x')\n    return 1 / 0\ndef check(v):\n    n = int(v)\n"
    assert failed(text, passes=passes).message == "'x' is not an integer"


@pytest.mark.parametrize("passes", PIPELINES)
def test_no_extern_runs_after_a_failed_call(passes: str) -> None:
    seen: list[str] = []
    text = (
        "extern def note(x: str) from 't:note'\n"
        "def main():\n    note('before')\n    check('x')\n    note('after')\n"
        "def check(v):\n    n = int(v)\n"
    )
    failed(text, passes=passes, functions={"t:note": seen.append})
    assert seen == ["before"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('{"a": 1', "the text is no whole JSON of `P`; was `max_tokens` too small?"),
        ('{"a": "x"}', 'the generated `P` has a field `a` that is text, "x", not an integer'),
        ("{}", "the generated `P` has no field `a`"),
        ("[]", "the generated `P` is list, [], not a dict"),
    ],
)
def test_json_that_is_not_the_schemas(said: str, message: str) -> None:
    text = "schema P:\n    a: int\ndef f():\n    'A'\n    p = gen(json=P)\n    return p.a\n"
    error = failed(text, rules={"A$": said})
    assert error.code == "SGL0501"
    assert message in error.message


# ---- externs -------------------------------------------------------------------------------------

CALC = "extern def calc(expr: str, base: int = 10) -> int from 't:calc'\n"


def test_extern_gets_values_by_position_with_declared_defaults() -> None:
    def calc(*args: object) -> int:
        return len(json.dumps(args))

    text = CALC + "def f():\n    'A'\n    x = gen()\n    return [calc(x), calc(base=2, expr=x)]\n"
    outcome = run(text, rules={"A$": "1+1"}, functions={"t:calc": calc})
    assert outcome.value == [len('["1+1", 10]'), len('["1+1", 2]')]


def test_extern_exception_is_located_at_the_call_and_in_python() -> None:
    def calc(expr: str, base: int) -> int:
        raise ZeroDivisionError("no")

    text = CALC + "def f():\n    return calc('1')\n"
    error = failed(text, functions={"t:calc": calc})
    assert (error.code, str(error.span)) == ("SGL0502", "x.sgl:3:12")
    assert error.message == "`t:calc` raised ZeroDivisionError: no"
    line = calc.__code__.co_firstlineno + 1
    assert error.notes == (f"raised at {__file__}:{line}",)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("7", 'returned a value that is text, "7", not an integer'),
        (object(), "returned something else than a script's value: a object is not a value"),
        ({1: 2}, "a dict key is a int; keys are strings"),
    ],
)
def test_extern_results_are_checked(returned: object, message: str) -> None:
    text = CALC + "def f():\n    return calc('1')\n"
    error = failed(text, functions={"t:calc": lambda *_: returned})
    assert error.code == "SGL0502"
    assert message in error.message


def test_extern_error_can_be_handled() -> None:
    text = (
        "extern def boom() from 't:boom'\n"
        "def f():\n    try:\n        x = boom()\n    except extern_error as e:\n"
        "        return e.message\n"
    )

    def boom() -> None:
        raise LookupError("gone")

    assert run(text, functions={"t:boom": boom}).value == "`t:boom` raised LookupError: gone"


def test_externs_need_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sgl_tools_a.py").write_text("def calc(expr, base):\n    return 4\n")
    (tmp_path / "sgl_tools_b.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    text = CALC.replace("t:calc", "sgl_tools_a:calc") + "def f():\n    return calc('1')\n"
    error = failed(text)
    assert (error.code, error.helps) == ("SGL0505", ("allow it with --allow-extern sgl_tools_a",))
    assert "sgl_tools_a" not in sys.modules
    assert run(text, allow=["sgl_tools_a"]).value == 4
    error = failed(text.replace("a:calc", "a:clc"), allow=["sgl_tools_a"])
    assert (error.code, error.helps) == ("SGL0506", ("did you mean `calc`?",))
    error = failed(text.replace("tools_a", "tools_b"), allow=["sgl_tools_b"])
    assert error.message == "cannot import module `sgl_tools_b`: RuntimeError: imported"
    error = failed(text.replace("tools_a", "tools_c"), allow=["sgl_tools_c"])
    assert error.message == "cannot import module `sgl_tools_c`: there is none"


def test_missing_permission_cannot_be_caught_by_the_script() -> None:
    text = CALC + "def f():\n    try:\n        return calc('1')\n    except:\n        return 0\n"
    assert failed(text).code == "SGL0505"


# ---- limits --------------------------------------------------------------------------------------

SMALL = Limits(
    steps=2000,
    depth=20,
    iterations=100,
    branches=10,
    values=ValueLimits(characters=1000, items=100, bits=100),
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("while true:\n        pass", "the loop ran more than 100 times"),
        ("for i in range(10**12):\n        pass", "the loop ran more than 100 times"),
        ("for i in range(90):\n        for j in range(90):\n            x = 1",
         "the program took more than 2000 steps"),
        ("return f()", "calls are nested more than 20 deep"),
        ("fork i in range(11):\n        pass", "a fork has 11 branches; 10 are allowed"),
        ("x = 'a' * 10**9", "a string has more than 1000 characters"),
        ("x = list(range(200))", "a list has more than 100 items"),
        ("x = 'a'\n    for i in range(90):\n        x = x + x",
         "a string has more than 1000 characters"),
        ("x = 'a' * 999\n    '${[x, x]}'", "a value has more than 1000 characters"),
        ("x = 2 ** 99 * 4", "an integer has more than 100 bits"),
    ],
)  # fmt: skip
def test_limits(body: str, message: str) -> None:
    handled = "def f():\n    try:\n        pass\n    except:\n        pass\n    " + body + "\n"
    error = failed(handled, limits=SMALL)
    assert (error.code, error.message) == ("SGL0504", message)
    assert error.span is not None


def test_limits_cannot_be_caught() -> None:
    text = (
        "def f():\n    try:\n        while true:\n            pass\n    except:\n        return 1\n"
    )
    assert failed(text, limits=SMALL).code == "SGL0504"


def test_recursion_as_deep_as_the_limit_needs_no_python_stack() -> None:
    text = (
        "def f(n: int):\n    if n > 0:\n        for i in [1]:\n            try:\n"
        "                return f(n - 1) + 1\n            except gen_error:\n                pass\n"
        "    return 0\n"
    )
    outcome = run(text, {"n": 900}, limits=Limits(depth=1000))
    assert outcome.value == 900


def test_a_returned_record_leaves_out_what_was_never_set() -> None:
    """Found by fuzzing: the unset field left the driver as an exception of ours."""
    text = """
def main(xs: list[str]) -> list:
    fork x in xs as t:
        if x == "a":
            y = gen()
    return t
"""
    assert run(text, {"xs": ["b"]}).value == [{"x": "b"}]
    (record,) = run(text, {"xs": ["a"]}).value  # type: ignore[misc]  # a list of one
    assert set(record) == {"x", "y"}

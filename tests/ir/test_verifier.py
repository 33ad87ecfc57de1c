"""Each rule of the verifier has an input that breaks it, and is reported with the op's text."""

from __future__ import annotations

import pytest

from sglc.diagnostics.core import VerifyError
from sglc.ir.builder import Builder
from sglc.ir.core import Loc, Op, Value
from sglc.ir.verifier import verify
from tests.ir.check import check_error, parse

STATE = "%s: state, %x: val"

BROKEN_HANDLE_FORM = [
    ("%v = lm.gen(%s)", 1, "function `@f` ends in `lm.gen`"),
    ("cf.return()\nlm.role_end(%s)\ncf.return()", 1, "`cf.return` must be the last operation"),
    ("cf.yield()", 1, "ends in `cf.yield`; it must end in one of"),
    ("lm.text(%x) {text = []}\ncf.return()", 1, "has a val as operand `prompt`"),
    ("lm.text(%s)\ncf.return()", 1, "`lm.text` needs the attribute `text`"),
    ('lm.text(%s) {text = ["a", "b"]}\ncf.return()', 1, "2 constants for 0 operands"),
    ("lm.text(%s) {text = [1]}\ncf.return()", 1, "attribute `text` must be [str]"),
    ("%v = lm.gen(%s) {max_token = 1}\ncf.return()", 1, "`lm.gen` has no attribute `max_token`"),
    ('%v = lm.gen(%s) {max_tokens = "1"}\ncf.return()', 1, "attribute `max_tokens` must be int"),
    ("%v = lm.gen(%s) {n = true}\ncf.return()", 1, "attribute `n` must be int"),
    ("%v = lm.gen(%s, %x)\ncf.return()", 1, "`args` names 0 operands, there are 1"),
    ('%v = lm.gen(%s, %x) {args = ["p"]}\ncf.return()', 1, "has no parameter `p`"),
    ('%v = lm.gen(%s, %x) {args = ["n"], n = 1}\ncf.return()', 1, "parameter `n` is given twice"),
    ("%v = lm.select(%s)\ncf.return()", 1, "`lm.select` needs `choices`"),
    ("%v, %w = lm.gen(%s)\ncf.return()", 1, "has 2 results, it takes 1"),
    ("lm.gen(%s)\ncf.return()", 1, "has 0 results, it takes 1"),
    ('lm.join(%s, %x) {mode = "gather_variable"}\ncf.return()', 1, "which must be list"),
    ("%v: list = lm.fork(%s)\ncf.return()", 1, "the number of branches is given either"),
    ("%v = lm.fork(%s) {size = 2}\ncf.return()", 1, "without a branch region results in a list"),
    ("cf.if(%x) ^else {\ncf.yield()\n} !1:1-1:9\ncf.return()", 1, "`cf.if` needs a region `^then`"),
    (
        "cf.if(%x) ^then {\n} !1:1-1:9\ncf.return()",
        1,
        "region `^then` of `cf.if` is empty",
    ),
    ("%r = cf.if(%x) ^then {\ncf.yield(%x)\n} !1:1-1:9\ncf.return()", 1, "without `^else`"),
    (
        "%r = cf.if(%x) ^then {\ncf.yield(%x)\n} ^else {\ncf.yield()\n} !1:1-1:9\ncf.return()",
        4,
        "`^else` yields (), wanted are (val)",
    ),
    ("cf.break()", 1, "ends in `cf.break`"),
    ("cf.if(%x) ^then {\ncf.break()\n} !1:1-1:9\ncf.return()", 2, "`cf.break` outside of a loop"),
    (
        "%r = cf.for(%x, %x) ^body(%i: val) {\ncf.yield(%i)\n} !1:1-1:9\ncf.return()",
        1,
        "region `^body` takes (), it is given (val)",
    ),
    (
        "%r = cf.for(%x, %x) ^body(%i: val, %c: val) {\ncf.break()\n} !1:1-1:9\ncf.return()",
        2,
        "`cf.break` carries (), the loop carries (val)",
    ),
    (
        "cf.try() {kinds = [[]]} ^body {\ncf.yield()\n} ^finally {\ncf.yield()\n} !1:1-1:9\n"
        "cf.return()",
        1,
        "kinds for 1 handlers, there are 0",
    ),
    (
        '%r = lm.fork(%s, %x) {fields = ["d"]} ^branch(%b: handle, %i: val) {\ncf.yield()\n}'
        " !1:1-1:9\ncf.return()",
        2,
        "`^branch` yields (), wanted are (val)",
    ),
    (
        "%r = lm.fork(%s, %x) ^branch(%b: handle, %i: val) {\ncf.if(%i) ^then {\ncf.return()\n}"
        " !2:1-2:9\ncf.yield()\n} !1:1-1:9\ncf.return()",
        3,
        "`cf.return` inside a branch",
    ),
    ("cf.checkpoint()\ncf.return()", 1, "`cf.checkpoint` outside of the body of a `cf.try`"),
    (
        "cf.try(%x) ^body(%c: val) {\ncf.checkpoint()\ncf.yield()\n} ^finally {\ncf.yield()\n}"
        " !1:1-1:9\ncf.return()",
        2,
        "a checkpoint of (), the try carries (val)",
    ),
    ('%v = ex.eval(%x) {src = "a", names = []}\ncf.return()', 1, "0 names for 1 operands"),
]

BROKEN_STATES = [
    (
        'lm.text(%s) {text = ["a"]}\ncf.return()',
        1,
        "`lm.text` on a state needs a state as first result",
    ),
    (
        '%a: state = lm.text(%s) {text = ["a"]}\n'
        '%b: state = lm.text(%s) {text = ["b"]}\ncf.return()',
        2,
        "state `%s` is used after it was moved by `lm.text` at !1:1-1:9",
    ),
    (
        '%a: state = lm.text(%s) {text = ["a"]}\n%v = lm.read(%s) {name = "v"}\ncf.return()',
        2,
        "state `%s` is used after it was moved",
    ),
    (
        'cf.if(%x) ^then {\n%v = lm.read(%s) {name = "v"}\ncf.yield()\n} !1:1-1:9\ncf.return()',
        2,
        "state `%s` is used inside a region without being its argument",
    ),
    ('%v = py.eval(%s) {src = "s"}\ncf.return()', 1, "state `%s` escapes into `py.eval`"),
    ("cf.return(%s)", 1, "state `%s` escapes into `cf.return`"),
    (
        "cf.if(%x, %s) ^then(%t: state) {\ncf.yield()\n} ^else(%u: state) {\ncf.yield()\n}"
        " !1:1-1:9\ncf.return()",
        1,
        "takes 1 state values and results in 0",
    ),
    (
        "%r: state = cf.if(%x, %s) ^then(%t: state) {\ncf.yield(%t)\n} ^else {\ncf.return()\n}"
        " !1:1-1:9\ncf.return()",
        1,
        "region `^else` takes (), it is given (state)",
    ),
]


@pytest.mark.parametrize(("body", "line", "message"), BROKEN_HANDLE_FORM)
def test_structure(body: str, line: int, message: str) -> None:
    check_error(lambda: verify(parse(body)), VerifyError, line, 1, message)


@pytest.mark.parametrize(("body", "line", "message"), BROKEN_STATES)
def test_linear_states(body: str, line: int, message: str) -> None:
    check_error(lambda: verify(parse(body, STATE)), VerifyError, line, 1, message)


def test_messages_attach_the_op_and_say_whose_bug_it_is() -> None:
    module = parse('lm.text(%s, %x) {text = ["a"]}\ncf.return()')
    next(iter(module.funcs["f"].walk())).made_by = "some-pass"
    found = check_error(lambda: verify(module), VerifyError, 1, 1, "1 constants for 1 operands")
    assert found.code == "SGL0403"
    assert found.notes == (
        'see current operation: lm.text(%s, %x) {text = ["a"]}',
        "the operation was last changed by the pass `some-pass`",
        "this is a bug in sglc: please report it with the program",
    )


def test_all_findings_are_reported() -> None:
    module = parse("%v = lm.gen(%s) {a = 1, b = 2}\ncf.return()")
    with pytest.raises(VerifyError) as caught:
        verify(module)
    assert len(caught.value.diagnostics) == 2


def test_use_before_definition() -> None:
    module = parse('%v = lm.read(%s) {name = "v"}\nlm.append(%s, %v)\ncf.return()')
    ops = module.funcs["f"].body.ops
    ops[0], ops[1] = ops[1], ops[0]
    check_error(lambda: verify(module), VerifyError, 2, 1, "`%v` is used before it is defined")


def test_value_of_another_function() -> None:
    module = parse("cf.return()")
    stray = Value("stray", "val")
    module.funcs["f"].body.insert(0, Op("lm.append", [module.funcs["f"].params[0], stray]))
    module.funcs["f"].body.ops[0].loc = Loc(1, 1, 1, 9)
    check_error(lambda: verify(module), VerifyError, 1, 1, "`%stray` is used before")


def test_missing_location() -> None:
    module = parse("cf.return()")
    module.funcs["f"].body.ops[0].loc = None
    check_error(lambda: verify(module), VerifyError, 1, 1, "`cf.return` has no location")


def test_callee_of_a_script_must_exist() -> None:
    body = "%v = lm.run() {callee = @g}\ncf.return()"
    script = ' {language = "sgl"}'
    check_error(
        lambda: verify(parse(body, attrs=script)), VerifyError, 1, 1, "`@g` is not in the module"
    )
    verify(parse(body, attrs=' {language = "python"}'))


def test_builder_refuses_unknown_ops_and_live_objects() -> None:
    module = parse("cf.return()")
    build = Builder(module.funcs["f"].body)
    with pytest.raises(KeyError):
        build.op("lm.unknown")
    with pytest.raises(TypeError, match="only plain data"):
        build.op("ex.const", attrs={"value": object()})

"""`prefix-hoist`: exactly the constant text that every prompt or branch starts with, never more."""

from __future__ import annotations

import pytest

from sglc.ir.core import Attr, Module, Op
from sglc.ir.parser import parse_module
from sglc.ir.verifier import verify
from sglc.passes.pipeline import Pipeline
from sglc.passes.prefix_hoist import PrefixHoist
from tests.ir.check import parse

PIPELINES = pytest.mark.parametrize("pipeline", ["prefix-hoist", "promote,prefix-hoist"])


def run(module: Module, pipeline: str = "prefix-hoist") -> Module:
    Pipeline.parse(pipeline).run(module)
    return module


def prefix(body: str, pipeline: str = "prefix-hoist") -> Attr:
    return run(parse(body), pipeline).funcs["f"].attrs.get("prefix")


def fork(module: Module) -> Op:
    return next(op for op in module.funcs["f"].walk() if op.name == "lm.fork")


@PIPELINES
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('lm.text(%s) {text = ["ab"]}\nlm.text(%s) {text = ["cd"]}\n%v = lm.gen(%s)', ("abcd",)),
        ('lm.text(%s, %x) {text = ["Q: ", "\\n"]}', ("Q: ",)),
        ('%v = lm.gen(%s)\nlm.text(%s) {text = ["a"]}', None),
        ('%v = lm.read(%s) {name = "a"}\nlm.text(%s) {text = ["a"]}', ("a",)),
        ('%k = ex.const() {value = "K"}\nlm.text(%s, %k) {text = ["a", "b"]}', ("aKb",)),
        ('%k = ex.const() {value = 1}\nlm.text(%s, %k) {text = ["a", "b"]}', ("a",)),
        ('%k = ex.const() {value = "K"}\nlm.append(%s, %k)\nlm.append(%s, %x)', ("K",)),
        ('%n: handle = lm.new()\nlm.text(%n) {text = ["other"]}\nlm.append(%s, %x)', None),
        (
            'lm.role_begin(%s) {role = "user"}\nlm.text(%s) {text = ["a"]}\nlm.role_end(%s) '
            '{role = "user"}\n%v = lm.gen(%s)',
            ({"role_begin": "user"}, "a", {"role_end": "user"}),
        ),
        (
            'lm.text(%s) {text = ["a"]}\ncf.if(%x) ^then {\nlm.text(%s) {text = ["b"]}\ncf.yield()'
            '\n} !1:1-1:2\nlm.text(%s) {text = ["c"]}',
            ("a",),
        ),
        (
            'cf.if(%x) ^then {\ncf.yield()\n} !1:1-1:2\nlm.text(%s) {text = ["c"]}',
            ("c",),
        ),
        ('%v = py.eval(%s) {src = "f(s)"}\nlm.text(%s) {text = ["a"]}', None),
        ('%v = py.eval() {src = "f(s)", reads = ["s"]}\nlm.text(%s) {text = ["a"]}', None),
        ('%v = py.eval() {src = "f()", reads = ["t"]}\nlm.text(%s) {text = ["a"]}', ("a",)),
    ],
)
def test_function_prefix(body: str, expected: Attr, pipeline: str) -> None:
    assert prefix(f"{body}\ncf.return()", pipeline) == expected


FRAGMENTS = """sglir 1
module "t.sgl"
func @greet(%s: handle, %x: val) {{
  lm.text(%s) {{text = ["hi "]}} !1:1-1:2
{more}
  cf.return() !1:1-1:2
}} !1:1-1:2
func @f(%x: val) {{
  %s: handle = lm.new() !2:1-2:2
  %a = cf.call(%s, %x) {{callee = @greet}} !3:1-3:2
  lm.text(%s) {{text = ["there"]}} !4:1-4:2
  cf.return(%a) !5:1-5:2
}} !2:1-5:2
"""


@PIPELINES
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ("hi there",)),
        ("  lm.append(%s, %x) !1:1-1:2", ("hi ",)),
        ("  %v = cf.call(%s, %x) {callee = @greet} !1:1-1:2", ("hi ",)),
        ("  %v = cf.call(%s, %x) {callee = @elsewhere} !1:1-1:2", ("hi ",)),
    ],
)
def test_fragments_are_followed(more: str, expected: Attr, pipeline: str) -> None:
    module = run(parse_module(FRAGMENTS.format(more=more)), pipeline)
    assert module.funcs["f"].attrs["prefix"] == expected


@PIPELINES
@pytest.mark.parametrize(
    ("branch", "common"),
    [
        ('lm.text(%b, %i) {text = ["Expand \'", "\'"]}', "Expand '"),
        ("lm.append(%b, %i)", None),
        ('lm.role_begin(%b) {role = "user"}\nlm.text(%b) {text = ["a"]}', None),
        ('lm.text(%b) {text = ["a"]}\nlm.role_begin(%b) {role = "user"}', "a"),
    ],
)
def test_branches_of_a_script(branch: str, common: str | None, pipeline: str) -> None:
    body = (
        f"%r = lm.fork(%s, %x) ^branch(%b: handle, %i: val) {{\n{branch}\ncf.yield()\n}} !1:1-2:1"
    )
    op = fork(run(parse(f"{body}\ncf.return()"), pipeline))
    assert op.attrs.get("common") == common
    assert op.attrs["hoist"] is True


LOOP = """
%fs: list = lm.fork(%s) {{size = 3}}
cf.for(%fs) ^body(%f: handle) {{
{turn}
cf.yield()
}} !2:1-5:2
cf.return()"""


@pytest.mark.parametrize(
    ("turn", "common"),
    [
        ('lm.text(%f) {text = ["same"]}', "same"),
        (
            "%z = ex.const() {value = 0}\n%g: handle = lm.item(%fs, %z)\n"
            'lm.text(%g) {text = ["x"]}\nlm.text(%f) {text = ["same"]}',
            None,
        ),
    ],
)
def test_loop_over_branches(turn: str, common: str | None) -> None:
    assert fork(run(parse(LOOP.format(turn=turn)))).attrs.get("common") == common


def items(*steps: str) -> str:
    """A fork of two and then steps `i:text`, `rest` for a loop, or `host`."""
    lines = ["%fs: list = lm.fork(%s) {size = 2}"]
    lines += [f"%c{i} = ex.const() {{value = {i}}}" for i in (0, 1)]
    for number, step in enumerate(steps):
        if step == "host":
            lines.append(f'%h{number} = py.eval(%fs) {{src = "f(fs)"}}')
            continue
        index, text = step.split(":")
        if index == "again":
            lines.append(f'lm.text(%i0) {{text = ["{text}"]}}')
            continue
        lines.append(f"%i{number}: handle = lm.item(%fs, %c{index})")
        lines.append(f'lm.text(%i{number}) {{text = ["{text}"]}}')
    return "\n".join([*lines, "cf.return()"])


@pytest.mark.parametrize(
    ("steps", "common"),
    [
        (["0:about cats", "1:about dogs"], "about "),
        (["0:same", "1:same"], "same"),
        (["0:a", "1:b"], None),
        (["0:about cats"], None),
        # The second use may append to the first branch before what `again` appends.
        (["0:x", "0:y", "1:xy"], None),
        (["0:x", "1:xa", "0:a", "again:b"], "x"),
        (["0:x", "1:xa", "host", "again:a"], "x"),
    ],
)
def test_items_of_a_fork(steps: list[str], common: str | None) -> None:
    assert fork(run(parse(items(*steps)))).attrs.get("common") == common


def test_short_text_is_not_marked() -> None:
    body = 'lm.text(%s) {text = ["one two three"]}\ncf.return()'
    assert prefix(body, "prefix-hoist{min-tokens=3}") == ("one two three",)
    assert prefix(body, "prefix-hoist{min-tokens=4}") is None
    assert prefix(body, "prefix-hoist{min-chars=13}") == ("one two three",)
    assert prefix(body, "prefix-hoist{min-chars=14}") is None


def test_remarks_say_where_and_how_much() -> None:
    module = parse(LOOP.format(turn='lm.text(%f) {text = ["a b c"]}'))
    (found,) = PrefixHoist().apply(module).remarks
    verify(module)
    assert found.code == "SGL0362"
    assert found.span is not None
    assert found.span.line == 1
    assert "same 5 characters (about 3 tokens)" in found.message


def test_a_fork_of_one_is_left_alone() -> None:
    op = fork(run(parse("%fs: list = lm.fork(%s) {size = 1}\ncf.return()")))
    assert "hoist" not in op.attrs

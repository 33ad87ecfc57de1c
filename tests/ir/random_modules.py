"""Hypothesis strategies for random well-formed modules in handle form."""

from __future__ import annotations

from hypothesis import strategies as st

from sglc.ir.builder import Builder, make_func, make_region
from sglc.ir.core import Loc, Module, Region, Symbol, Value

TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from('ab "\\\n\t\r{}[]%$/\x00\x7f\x85\u2028é😀\ud800\udc00'),
        st.characters(),
    ),
    max_size=12,
)
NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from([-0.0, 0.0, 1e22, 5e-324, float("inf"), float("-inf"), float("nan")]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.builds(Symbol, TEXTS))
ATTRS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple), st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
HINTS = st.sampled_from(["s", "x", "x.1", "tool", "größe", "a b", "", "_"])
LOCS = st.builds(Loc, *[st.integers(0, 99)] * 4)


@st.composite
def modules(draw: st.DrawFn) -> Module:
    """A module of one to three functions that passes the verifier."""
    module = Module(draw(TEXTS), attrs=draw(st.dictionaries(TEXTS, ATTRS, max_size=3)))
    for name in draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True)):
        params = [(draw(HINTS), "handle"), (draw(HINTS), "val")]
        attrs = draw(st.dictionaries(TEXTS, ATTRS, max_size=2))
        func = make_func(module, name, params, attrs, draw(LOCS))
        _Filler(draw).fill(func.body, func.params, depth=2)
        Builder(func.body, draw(LOCS)).op("cf.return", func.params[1:])
    return module


class _Filler:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def fill(self, region: Region, visible: list[Value], depth: int) -> None:
        """Random ops, without the terminator. `visible` is not changed."""
        draw = self.draw
        build = Builder(region, draw(LOCS))
        values = [v for v in visible if v.type == "val"]
        handles = [v for v in visible if v.type == "handle"]
        for _ in range(draw(st.integers(0, 4))):
            handle = draw(st.sampled_from(handles))
            kinds = ["text", "gen", "select", "const", "host", "read", "new", "fork"]
            kind = draw(st.sampled_from(kinds + (["if", "for", "while", "try"] if depth else [])))
            match kind:
                case "text":
                    used = draw(st.lists(st.sampled_from(values), max_size=2))
                    texts = [draw(TEXTS) for _ in range(len(used) + 1)]
                    build.op("lm.text", [handle, *used], {"text": texts})
                case "gen":
                    params = {"stop": [draw(TEXTS)], "max_tokens": draw(st.integers(0, 99))}
                    named = {"name": draw(TEXTS), "temperature": draw(st.floats())}
                    use = [draw(st.sampled_from(values))] if draw(st.booleans()) else []
                    attrs = {**params, **named, **({"args": ["top_p"]} if use else {})}
                    values.append(build.val("lm.gen", [handle, *use], attrs, hint=draw(HINTS)))
                case "select":
                    attrs = {"choices": draw(st.lists(TEXTS, max_size=3)), "name": None}
                    values.append(build.val("lm.select", [handle], attrs, hint=draw(HINTS)))
                case "const":
                    attrs = {"value": draw(ATTRS)}
                    values.append(build.val("ex.const", [], attrs, hint=draw(HINTS)))
                case "host":
                    attrs = {"src": draw(TEXTS), "reads": draw(st.lists(TEXTS, max_size=2))}
                    values.append(build.val("py.eval", [handle], attrs, hint=draw(HINTS)))
                case "read":
                    values.append(build.val("lm.read", [handle], {"name": draw(TEXTS)}))
                case "new":
                    handles += build.op("lm.new", results=[(draw(HINTS), "handle")]).results
                case "fork":
                    self.fork(build, handle, values, handles)
                case "if":
                    cond = draw(st.sampled_from(values))
                    regions = [
                        self.body(label, [], values + handles, depth) for label in ("then", "else")
                    ]
                    out = [(draw(HINTS), "val")]
                    build.op("cf.if", [cond], results=out, regions=regions)
                case "for":
                    body = self.body("body", [(draw(HINTS), "val")] * 2, values + handles, depth)
                    operands = [draw(st.sampled_from(values)) for _ in range(2)]
                    op = build.op(
                        "cf.for", operands, results=[(draw(HINTS), "val")], regions=[body]
                    )
                    values += op.results
                case "while":
                    cond = self.body(
                        "cond", [("c", "val")], values + handles, depth, end="cf.condition"
                    )
                    body = self.body("body", [("c", "val")], values + handles, depth)
                    build.op(
                        "cf.while",
                        [draw(st.sampled_from(values))],
                        results=[("r", "val")],
                        regions=[cond, body],
                    )
                case "try":
                    regions = [
                        self.body("body", [], values + handles, depth),
                        self.body("except", [("e", "val")], values + handles, depth),
                    ]
                    build.op(
                        "cf.try",
                        [],
                        {"kinds": [["gen_error"]]},
                        results=[("r", "val")],
                        regions=regions,
                    )

    def fork(self, build: Builder, handle: Value, values: list[Value], handles: list) -> None:
        draw = self.draw
        op = build.op("lm.fork", [handle], {"size": 2}, results=[("forks", "list")])
        index = build.val("ex.const", [], {"value": draw(st.integers(0, 1))})
        item = build.op("lm.item", [op.results[0], index], results=[(draw(HINTS), "handle")])
        handles += item.results

    def body(self, label, args, visible, depth, end="cf.yield") -> Region:
        region = make_region(label, args)
        inner = visible + region.args
        self.fill(region, inner, depth - 1)
        vals = [v for v in inner if v.type == "val"]
        operands = [self.draw(st.sampled_from(vals)) for _ in range(1 + (end != "cf.yield"))]
        Builder(region, self.draw(LOCS)).op(end, operands)
        return region

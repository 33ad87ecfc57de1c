"""Hypothesis strategies for random well-formed modules in handle form."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from sglc.ir.builder import Builder, Named, make_func, make_region
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
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
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
        params: list[Named] = [(draw(HINTS), "handle"), (draw(HINTS), "val")]
        attrs = draw(st.dictionaries(TEXTS, ATTRS, max_size=2))
        func = make_func(module, name, params, attrs, draw(LOCS))
        filler = _Filler(draw, func.body, func.params, depth=2)
        filler.fill()
        Builder(func.body, draw(LOCS)).op("cf.return", func.params[1:])
    return module


class _Filler:
    """Fills one region with random ops; loops carry one val, regions yield one."""

    def __init__(
        self,
        draw: st.DrawFn,
        region: Region,
        visible: list[Value],
        depth: int,
        ends: tuple[str, ...] = (),
        tries: int = 0,
    ) -> None:
        self.draw = draw
        self.region = region
        self.build = Builder(region, draw(LOCS))
        self.values = [v for v in visible if v.type == "val"]
        self.handles = [v for v in visible if v.type == "handle"]
        self.depth = depth
        self.ends = ends
        """Terminators besides `cf.yield` that are legal here."""
        self.tries = tries
        """Number of `cf.try` bodies around, which carry one val each."""

    def fill(self) -> None:
        """Random ops, without the terminator."""
        plain = (self.const,)
        prompt = (self.text, self.gen, self.select, self.host, self.read, self.new)
        nested = (self.fork, self.branches, self.if_, self.for_, self.while_, self.try_, self.scope)
        for _ in range(self.draw(st.integers(0, 3))):
            deeper = self.depth and self.draw(st.booleans())
            kinds = nested if deeper else prompt
            kinds = kinds if self.handles else plain
            self.draw(st.sampled_from(kinds + ((self.checkpoint,) if self.tries else ())))()

    def value(self) -> Value:
        return self.draw(st.sampled_from(self.values))

    def handle(self) -> Value:
        return self.draw(st.sampled_from(self.handles))

    def text(self) -> None:
        used = self.draw(st.lists(st.sampled_from(self.values), max_size=2))
        texts = [self.draw(TEXTS) for _ in range(len(used) + 1)]
        self.build.op("lm.text", [self.handle(), *used], {"text": texts})

    def gen(self) -> None:
        attrs: dict[str, object] = {"stop": [self.draw(TEXTS)], "name": self.draw(TEXTS)}
        attrs["temperature"] = self.draw(st.floats())
        use = [self.value()] if self.draw(st.booleans()) else []
        attrs |= {"args": ["top_p"]} if use else {}
        self.result("lm.gen", [self.handle(), *use], attrs)

    def select(self) -> None:
        choices = self.draw(st.lists(TEXTS, max_size=3))
        self.result("lm.select", [self.handle()], {"choices": choices, "name": None})

    def const(self) -> None:
        self.result("ex.const", [], {"value": self.draw(DATA)})

    def host(self) -> None:
        reach = [self.handle()] if self.draw(st.integers(0, 9)) == 0 else [self.value()]
        attrs = {"src": self.draw(TEXTS), "reads": self.draw(st.lists(TEXTS, max_size=2))}
        self.result("py.eval", reach, attrs)

    def read(self) -> None:
        self.result("lm.read", [self.handle()], {"name": self.draw(TEXTS)})

    def new(self) -> None:
        self.handles += self.build.op("lm.new", results=[(self.draw(HINTS), "handle")]).results

    def fork(self) -> None:
        op = self.build.op("lm.fork", [self.handle()], {"size": 2}, results=[("forks", "list")])
        index = self.build.val("ex.const", [], {"value": self.draw(st.integers(0, 1))})
        hint = self.draw(HINTS)
        item = self.build.op("lm.item", [op.results[0], index], results=[(hint, "handle")])
        self.handles += item.results

    def branches(self) -> None:
        outer = self.values + ([self.handle()] if self.draw(st.integers(0, 4)) == 0 else [])
        args: list[Named] = [("b", "handle"), ("item", "val")]
        region = self.body("branch", args, visible=outer, ends=("cf.raise",), tries=0)
        attrs = {"fields": ["f"]}
        self.result("lm.fork", [self.handle(), self.value()], attrs, [region])

    def if_(self) -> None:
        regions = [self.body(label) for label in ("then", "else")]
        self.result("cf.if", [self.value()], {}, regions)

    def for_(self) -> None:
        body = self.body("body", [("i", "val"), ("c", "val")], ends=self.jumps())
        self.result("cf.for", [self.value(), self.value()], {}, [body, *self.else_()])

    def while_(self) -> None:
        cond = self.body("cond", [("c", "val")], end="cf.condition", ends=())
        body = self.body("body", [("c", "val")], ends=self.jumps())
        self.result("cf.while", [self.value()], {}, [cond, body, *self.else_()])

    def else_(self) -> list[Region]:
        return [self.body("else", [("c", "val")])] if self.draw(st.booleans()) else []

    def jumps(self) -> tuple[str, ...]:
        inside_branch = "cf.raise" in self.ends and "cf.return" not in self.ends
        return ("cf.break", "cf.continue", *(() if inside_branch else ("cf.return",)))

    def try_(self) -> None:
        args: list[Named] = [("e", "val"), ("c", "val")]
        regions = [
            self.body("body", args[1:], tries=self.tries + 1),
            self.body("except", args if self.draw(st.booleans()) else args[1:]),
        ]
        if self.draw(st.booleans()):
            handles = [self.handle()] if self.draw(st.integers(0, 3)) == 0 else []
            regions.append(self.body("finally", visible=self.values + handles))
        self.result("cf.try", [self.value()], {"kinds": [["gen_error"]]}, regions)

    def checkpoint(self) -> None:
        level = self.draw(st.integers(0, self.tries - 1))
        self.build.op("cf.checkpoint", [self.value()], {"level": level})

    def scope(self) -> None:
        self.result("lm.var_scope", [self.handle()], {"name": "n"}, [self.body("body")])

    def result(
        self,
        name: str,
        operands: list[Value],
        attrs: dict[str, object],
        regions: Sequence[Region] = (),
    ) -> None:
        hint = self.draw(HINTS)
        op = self.build.op(name, operands, attrs, results=[(hint, "val")], regions=regions)
        self.values += op.results

    def body(
        self,
        label: str,
        args: Sequence[Named] = (),
        *,
        end: str = "cf.yield",
        ends: tuple[str, ...] | None = None,
        visible: list[Value] | None = None,
        tries: int | None = None,
    ) -> Region:
        region = make_region(label, args)
        seen = self.values + self.handles if visible is None else visible
        legal = self.ends if ends is None else ends
        around = self.tries if tries is None else tries
        inner = _Filler(self.draw, region, seen + region.args, self.depth - 1, legal, around)
        inner.fill()
        if legal and self.draw(st.integers(0, 2)) == 0:
            end = self.draw(st.sampled_from(legal))
        operands = [inner.value() for _ in range(2 if end == "cf.condition" else 1)]
        Builder(region, self.draw(LOCS)).op(end, operands)
        return region

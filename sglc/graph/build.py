"""
The static graph of a module: model operations and host pieces, and what each one follows.

A `prefix` edge says that an operation's prompt continues where another one left it; a `use` edge
that it needs another one's value. Works on handles and on promoted states. Edges of loops that
lead to the next turn are marked `back`; without them the graph is acyclic and ids are in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sglc.graph.dataflow import Flow
from sglc.ir.core import Func, Loc, Module, Op, Region, Value
from sglc.ir.ops import OPS
from sglc.ir.verify_control import enclosing_loop

EdgeKind = Literal["prefix", "use"]


@dataclass(frozen=True, slots=True)
class Node:
    """A model operation or a piece of host code."""

    id: int
    """Position in the module, in program order."""
    func: str
    op: Op = field(compare=False, repr=False)
    cluster: tuple[str, ...]
    """Labels of the regions around it, outermost first, such as `for@17 body`."""

    @property
    def name(self) -> str:
        """The op's name."""
        return self.op.name

    @property
    def loc(self) -> Loc | None:
        """Where it stands in the source."""
        return self.op.loc


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`target` follows `source`, or needs its value."""

    source: int
    target: int
    kind: EdgeKind
    back: bool = False
    """Leads into the next turn of a loop."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in program order and edges in order."""

    file: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def forward(self) -> tuple[Edge, ...]:
        """The edges that do not lead back in a loop."""
        return tuple(e for e in self.edges if not e.back)


def build(module: Module, funcs: Iterable[str] | None = None) -> Graph:
    """The graph of the module, or of the functions named. The module must pass the verifier."""
    nodes: list[Node] = []
    edges: set[Edge] = set()
    for name in module.funcs if funcs is None else funcs:
        one = _FuncGraph(module.funcs[name], len(nodes))
        nodes += one.nodes
        edges |= one.edges
    return Graph(module.file, tuple(nodes), tuple(sorted(edges)))


def is_node(op: Op) -> bool:
    """Whether the op is a node: model operations, calls and host pieces."""
    return op.name.startswith(("lm.", "py.")) or op.name == "cf.call"


class _Tip:
    """Where a prompt may stand: nodes, and other tips that are not known yet (loops)."""

    __slots__ = ("nodes", "others")

    def __init__(self, nodes: Iterable[int] = (), others: Iterable[_Tip] = ()) -> None:
        self.nodes = set(nodes)
        self.others = list(others)

    def resolve(self) -> set[int]:
        found: set[int] = set()
        stack, seen = [self], {self}
        while stack:
            tip = stack.pop()
            found |= tip.nodes
            fresh = [t for t in tip.others if t not in seen]
            seen.update(fresh)
            stack += fresh
        return found


Tips = dict[Value, _Tip]


class _FuncGraph:
    """Builds one function's part: `tips` says where each prompt stands at the point reached."""

    def __init__(self, func: Func, first: int) -> None:
        self.func = func
        self.first = first
        self.flow = Flow(func)
        self.nodes: list[Node] = []
        self.edges: set[Edge] = set()
        self.follows: list[tuple[_Tip, int]] = []
        self.ids: dict[Op, int] = {}
        self.jumps: dict[Op, list[tuple[Op, Tips]]] = {}
        """For loops: where prompts stand at each break and continue."""
        self.region(func.body, {p: _Tip() for p in func.params}, ())
        for tip, target in self.follows:
            for source in tip.resolve():
                self.edge(source, target, "prefix")
        for op, target in self.ids.items():
            self.uses(op, target)

    def edge(self, source: int, target: int, kind: EdgeKind) -> None:
        self.edges.add(Edge(source, target, kind, back=source >= target))

    def uses(self, op: Op, target: int) -> None:
        prompt = bool(OPS[op.name].operands) and OPS[op.name].operands[0].type == "prompt"
        # States that a scope carries through are prompts too, not values.
        values = [v for v in op.operands[int(prompt) :] if v.type != "state"]
        sources = {root.owner for value in values for root in self.flow.roots(value)}
        sources.update(self.flow.generations(op))
        if op.name == "lm.join":
            sources.update(self.branch_ends(op))
        for source in sources:
            if isinstance(source, Op) and source in self.ids:
                self.edge(self.ids[source], target, "use")

    def branch_ends(self, join: Op) -> list[Op]:
        """The last operations on the branches that are joined."""
        forks = set(self.flow.roots(join.operands[1]))
        branch = {
            number: op
            for op, number in self.ids.items()
            if OPS[op.name].moves
            and self.flow.may_follow(join, op)
            and not forks.isdisjoint(self.flow.roots(op.operands[0]))
        }
        inner = {e.source for e in self.edges if e.kind == "prefix" and e.target in branch}
        return [op for number, op in branch.items() if number not in inner]

    def region(self, region: Region, tips: Tips, cluster: tuple[str, ...]) -> None:
        for op in region.ops:
            if is_node(op):
                self.node(op, tips, cluster)
            if op.name == "lm.fork" and op.regions:
                branch = op.regions[0]
                inner = dict(tips) | {branch.args[0]: _Tip([self.ids[op]])}
                self.region(branch, inner, (*cluster, _label(op, branch)))
            elif op.regions:
                self.regions(op, tips, cluster)
            if op.name in ("cf.break", "cf.continue"):
                loop = enclosing_loop(op)
                if loop is not None:
                    self.jumps.setdefault(loop, []).append((op, dict(tips)))

    def node(self, op: Op, tips: Tips, cluster: tuple[str, ...]) -> None:
        node = Node(self.first + len(self.nodes), self.func.name, op, cluster)
        self.nodes.append(node)
        self.ids[op] = node.id
        spec = OPS[op.name]
        if op.name == "lm.new" or op.name == "lm.item":
            tips[op.results[0]] = _Tip([node.id])
        elif spec.operands and spec.operands[0].type == "prompt":
            prompt = op.operands[0]
            self.follows.append((tips.get(prompt, _Tip()), node.id))
            if spec.moves or op.name == "lm.var_scope":
                after = op.results[0] if prompt.type == "state" and spec.moves else prompt
                tips[after] = _Tip([node.id])

    def regions(self, op: Op, tips: Tips, cluster: tuple[str, ...]) -> None:
        """Any op with regions: enter each with what may be current, and merge what they end in."""
        match op.name:
            case "cf.while" | "cf.for":
                ends = self.loop(op, tips, cluster)
            case "cf.try":
                ends = self.attempt(op, tips, cluster)
            case _:
                ends = [self.enter(op, region, tips, cluster) for region in op.regions]
                if op.name == "cf.if" and op.region("else") is None:
                    ends.append(dict(tips))
        # What follows an op that no region falls out of never runs, but may stand there.
        reached = [end for end in ends if end is not None] or [dict(tips)]
        for value in list(tips):
            if value.type == "handle":
                tips[value] = _Tip(others=[end[value] for end in reached])
        for operand, result in zip(_states(op.operands), _states(op.results), strict=False):
            tips[result] = _Tip(others=[end[operand] for end in reached])

    def loop(self, op: Op, tips: Tips, cluster: tuple[str, ...]) -> list[Tips | None]:
        start = {value: _Tip(others=[tip]) for value, tip in tips.items()}
        leave: Tips | None = start
        for region in op.regions:
            end = self.enter(op, region, leave or start, cluster)
            if region.label == "body":
                turns = [end, *self.jumps_to(op, "cf.continue")]
                for turn in turns:
                    for value, tip in start.items():
                        # The next turn starts where this one ended.
                        tip.others += [turn[value]] if turn is not None else []
            else:
                leave = end
        return [leave, *self.jumps_to(op, "cf.break")]

    def jumps_to(self, loop: Op, name: str) -> list[Tips]:
        found = self.jumps.get(loop, [])
        return [_handed(loop, jump.operands, at) for jump, at in found if jump.name == name]

    def attempt(self, op: Op, tips: Tips, cluster: tuple[str, ...]) -> list[Tips | None]:
        body = self.enter(op, op.regions[0], tips, cluster)
        # A handler starts wherever the body failed: between its start and its end.
        failed = {v: _Tip(others=[t, *([body[v]] if body else [])]) for v, t in tips.items()}
        ends = [body]
        for region in op.regions[1:]:
            if region.label == "else":
                ends[0] = self.enter(op, region, body or tips, cluster)
            elif region.label == "except":
                ends.append(self.enter(op, region, failed, cluster))
            else:
                self.enter(op, region, failed, cluster)
        return ends

    def enter(self, op: Op, region: Region, tips: Tips, cluster: tuple[str, ...]) -> Tips | None:
        """Walk a region; where prompts stand at its end in terms of the op's own operands."""
        inner = dict(tips)
        for operand, arg in zip(_states(op.operands), _states(region.args), strict=False):
            inner[arg] = tips[operand]
        if op.name == "cf.for" and region.label == "body" and region.args[0].type == "handle":
            forks = [root.owner for root in self.flow.roots(op.operands[0])]
            inner[region.args[0]] = _Tip(
                self.ids[o] for o in forks if isinstance(o, Op) and o in self.ids
            )
        self.region(region, inner, (*cluster, _label(op, region)))
        end = region.terminator
        if end is None or end.name not in ("cf.yield", "cf.condition"):
            return None
        return _handed(op, end.operands, inner)


def _handed(op: Op, values: Sequence[Value], at: Tips) -> Tips:
    """Where prompts stand when `values` are handed to `op`, whose state operands they replace."""
    found = dict(at)
    for operand, value in zip(_states(op.operands), _states(values), strict=False):
        found[operand] = at[value]
    return found


def _states(values: Sequence[Value]) -> list[Value]:
    return [v for v in values if v.type == "state"]


def _label(op: Op, region: Region) -> str:
    line = f"@{op.loc.line}" if op.loc is not None and op.loc.line else ""
    return f"{op.name.partition('.')[2]}{line} {region.label}"

"""
Shared ground of lowering: where ops go, which names are SSA values, how host pieces are numbered.

Python's locals are variables of the frame, read and written by host pieces. A name that is bound
once, or a parameter that is never rebound, is an SSA value besides, wherever its binding is in an
enclosing region. Prompts are handles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.python.pieces import PieceSource, evaluates
from sglc.frontends.python.placement import dominated
from sglc.frontends.python.scope import Scope
from sglc.frontends.python.texts import Read, recognise, state_of
from sglc.ir.builder import Builder, make_region
from sglc.ir.core import Func, Loc, Module, Op, Region, Symbol, TypeName, Value

_RESERVED = frozenset(
    {"as", "extern", "false", "fork", "fragment", "import", "none", "schema", "true", "use"}
)
"""Words of script expressions that Python allows as names."""
_OBSERVATIONS = {"text": "text", "messages": "messages", "sync": "sync", "error": "error"}


@dataclass(slots=True)
class Frame:
    """State of lowering one function."""

    scope: Scope
    module: Module
    func: Func
    fragments: frozenset[str] = frozenset()
    """Plain functions of the module that are lowered too and may be called with a prompt."""
    builder: Builder = field(init=False)
    env: list[dict[str, Value]] = field(default_factory=lambda: [{}])
    pieces: list[PieceSource] = field(default_factory=list)
    remarks: list[Diagnostic] = field(default_factory=list)
    pure: frozenset[str] = frozenset()
    """Locals that are SSA values alone."""
    sizes: dict[Value, Value | int] = field(default_factory=dict)
    """How many branches a fork has."""
    _single: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.builder = Builder(self.func.body)
        self.pure = dominated(self.scope)

    # Names

    def is_single(self, name: str) -> bool:
        """Whether a local is bound exactly once, so that its value may be an SSA value."""
        if name not in self._single:
            self._single[name] = self._bound_once(name)
        return self._single[name]

    def _bound_once(self, name: str) -> bool:
        bindings = self.scope.bindings.get(name, ())
        augmented = sum(b.how == "augment" for b in bindings)
        if augmented and self.scope.kind(name) not in ("state", "group"):
            return False
        wanted = name not in self.scope.parameters
        return self.scope.is_own(name) and len(bindings) - augmented == wanted

    def bind(self, name: str, value: Value) -> None:
        """Make a value visible as a local name in this region and those inside it."""
        if name in self.pure or self.is_single(name):
            self.env[-1][name] = value

    def store(self, node: ast.AST, name: str, value: Value) -> None:
        """Bind a local, as a frame variable too unless it is a pure SSA value."""
        if name not in self.pure:
            self.piece_exec(node, [value], [name], f"{name} = ...", lift=False)
        self.bind(name, value)

    def lookup(self, name: str) -> Value | None:
        """The SSA value of a local name, when one is in scope."""
        return next((e[name] for e in reversed(self.env) if name in e), None)

    # Ops

    def loc(self, node: ast.AST) -> Loc:
        """Location of a node."""
        span = self.scope.source.span(node)
        return Loc(span.line, span.column, span.end_line, span.end_column)

    def op(
        self,
        name: str,
        node: ast.AST,
        operands: Sequence[Value] = (),
        attrs: dict[str, object] | None = None,
        results: Sequence[tuple[str, TypeName]] = (),
        regions: Sequence[Region] = (),
    ) -> Op:
        """Append an op at a node's place."""
        loc = self.loc(node)
        return self.builder.op(name, operands, attrs, results=results, regions=regions, loc=loc)

    def val(
        self,
        name: str,
        node: ast.AST,
        operands: Sequence[Value] = (),
        attrs: dict[str, object] | None = None,
        hint: str = "v",
    ) -> Value:
        """Append an op with one `val` result."""
        return self.op(name, node, operands, attrs, [(hint, "val")]).results[0]

    @contextmanager
    def region(self, label: str, args: Sequence[tuple[str, TypeName]] = ()) -> Iterator[Region]:
        """Lower into a new region; names bound inside are not visible after it."""
        region = make_region(label, args)
        outer, self.builder = self.builder, Builder(region)
        self.env.append({})
        yield region
        self.env.pop()
        self.builder = outer

    def end(self, node: ast.AST) -> None:
        """End a region that falls through."""
        if not self.builder.terminated:
            self.op("cf.yield", node)

    def source(self, node: ast.AST) -> str:
        """Text of a node, for readers."""
        return self.scope.source.file.segment(node) or ast.unparse(node)

    # Expressions

    def handle(self, node: ast.expr) -> Value | None:
        """The prompt that an expression names, or None when it certainly names none."""
        if not self.names_state(node):
            return None
        if isinstance(node, ast.Name):
            value = self.lookup(node.id)
            if value is not None and value.type == "handle":
                return value
            return self.piece_eval(node, hint=node.id, type="handle")
        assert isinstance(node, ast.Subscript)
        if isinstance(node.value, ast.Name):
            group, hint = self.group(node.value), node.value.id
        else:
            group, hint = self.value(node.value), "branch"
        index = self.value(node.slice)
        return self.op("lm.item", node, [group, index], results=[(hint, "handle")]).results[0]

    def names_state(self, node: ast.expr) -> bool:
        """Whether an expression is a prompt that has a name, `forks[i]`, or `state.fork(n)[i]`."""
        if state_of(self.scope, node) is not None:
            return True
        match node:
            case ast.Subscript(
                value=ast.Call(func=ast.Attribute(value=owner, attr="fork")) as call,
                slice=ast.Constant(value=index),
            ):
                sizes = [*call.args, *call.keywords]
                plain = len(sizes) <= 1 and not any(isinstance(a, ast.Starred) for a in call.args)
                return plain and type(index) is int and state_of(self.scope, owner) is not None
        return False

    def group(self, node: ast.Name) -> Value:
        """The branches that a local name holds."""
        value = self.lookup(node.id)
        if value is not None and value.type == "list":
            return value
        return self.piece_eval(node, hint=node.id, type="list")

    def value(self, node: ast.expr) -> Value:
        """The value of an expression; parts that concern prompts become ops of their own."""
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, str | int | float):
                return self.val("ex.const", node, (), {"value": value}, hint="c")
            case ast.Name(id=name):
                known = self.lookup(name)
                if known is not None:
                    return known
            case ast.Subscript():
                read = recognise(self.scope, node)
                if isinstance(read, Read):
                    return self.read(node)
            case ast.Call():
                made = self.call(node)
                if made is not None:
                    return made
        return self.pure_value(node) or self.piece_eval(node)

    def pure_value(self, node: ast.expr) -> Value | None:
        """
        An expression that Python and scripts evaluate alike, as `ex.eval`; None for any other.

        Sums and products of integers, `range` of them, and comparing what was read with a constant.
        """
        operands: dict[str, Value] = {}
        src = self._pure_source(node, operands)
        if src is None or isinstance(node, ast.Name | ast.Constant):
            return None
        attrs: dict[str, object] = {"src": src, "names": list(operands)}
        return self.val("ex.eval", node, list(operands.values()), attrs)

    def _pure_source(self, node: ast.expr, operands: dict[str, Value]) -> str | None:
        match node:
            case ast.Constant(value=value) if type(value) is int:
                return str(value)
            case ast.Name(id=name) if self.scope.kind(name) == "int" and name not in _RESERVED:
                known = self.lookup(name)
                if known is not None:
                    operands[name] = known
                    return name
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                a = self._pure_source(left, operands)
                b = self._pure_source(right, operands) if a is not None else None
                if a is not None and b is not None:
                    sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}[type(op)]
                    inner = [f"({t})" if " " in t else t for t in (a, b)]
                    return f"{inner[0]} {sign} {inner[1]}"
            case ast.Call(func=func, args=args, keywords=[]) if args and (
                self.scope.symbol(func) == "builtins.range"
            ):
                parts = [self._pure_source(a, operands) for a in args]
                if None not in parts:
                    return f"range({', '.join(str(p) for p in parts)})"
            case ast.Compare(
                left=ast.Subscript() as left,
                ops=[ast.Eq() | ast.NotEq() as op],
                comparators=[ast.Constant(value=str(text))],
            ) if text.isprintable() and not set(text) & set('$"\\'):
                if isinstance(recognise(self.scope, left), Read):
                    operands["v"] = self.read(left)
                    return f'v {"==" if isinstance(op, ast.Eq) else "!="} "{text}"'
        return None

    def read(self, node: ast.Subscript) -> Value:
        """`state[key]`."""
        handle = self.handle(node.value)
        assert handle is not None
        if isinstance(node.slice, ast.Constant):
            name = str(node.slice.value)
            return self.val("lm.read", node, [handle], {"name": name}, hint=_hint(name))
        return self.val("lm.read", node, [handle, self.value(node.slice)])

    def call(self, node: ast.Call) -> Value | None:
        """A call that concerns prompts as an op, or None for any other."""
        func = node.func
        if isinstance(func, ast.Attribute):
            owner = self.handle(func.value)
            if owner is not None:
                return self.method(node, func.attr, owner)
        program = self.program_of(func)
        if program is not None:
            return self.call_op("lm.run", node, program, node.args, None)
        if isinstance(func, ast.Name) and func.id in self.fragments and node.args:
            handle = self.handle(node.args[0])
            if handle is not None and self.scope.is_outside(func.id):
                return self.call_op("cf.call", node, func.id, node.args[1:], handle)
        return None

    def program_of(self, func: ast.expr) -> str | None:
        """The program that a function expression stands for: `program` or `program.run`."""
        symbol = self.scope.symbol(func)
        if symbol is None and isinstance(func, ast.Attribute) and func.attr == "run":
            symbol = self.scope.symbol(func.value)
        prefix, _, name = (symbol or "").partition(":")
        return name if prefix == "program" else None

    def runs_program(self, node: ast.Call) -> bool:
        """Whether a call runs a program on a new prompt."""
        return self.program_of(node.func) is not None

    def call_op(
        self, name: str, node: ast.Call, callee: str, args: list[ast.expr], handle: Value | None
    ) -> Value | None:
        if any(isinstance(a, ast.Starred) for a in args) or any(
            k.arg is None for k in node.keywords
        ):
            return None
        values = [self.value(a) for a in args] + [self.value(k.value) for k in node.keywords]
        names: list[object] = [None] * len(args)
        names += [k.arg for k in node.keywords]
        attrs: dict[str, object] = {"callee": Symbol(callee), "args": names}
        return self.val(name, node, [*([handle] if handle else []), *values], attrs)

    def method(self, node: ast.Call, method: str, owner: Value) -> Value | None:
        """A method of a prompt that gives a value."""
        args, keywords = node.args, node.keywords
        if method in _OBSERVATIONS and not args and not keywords:
            return self.val("lm.observe", node, [owner], {"what": _OBSERVATIONS[method]})
        one = len(args) == 1 and not keywords and not isinstance(args[0], ast.Starred)
        constant = args[0].value if one and isinstance(args[0], ast.Constant) else None
        if method in ("get_meta_info", "get_var") and one:
            if method == "get_var":
                if isinstance(constant, str):
                    return self.val("lm.read", node, [owner], {"name": constant})
                return self.val("lm.read", node, [owner, self.value(args[0])])
            if isinstance(constant, str):
                attrs: dict[str, object] = {"what": "meta", "name": constant}
                return self.val("lm.observe", node, [owner], attrs)
        if method == "fork":
            return self.fork(node, owner)
        return None

    def fork(self, node: ast.Call, owner: Value) -> Value | None:
        """`state.fork(n)`."""
        sizes = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "size")]
        if len(sizes) > 1 or any(isinstance(a, ast.Starred) for a in node.args):
            return None
        attrs: dict[str, object] = {}
        operands = [owner]
        if not sizes:
            attrs["size"] = 1
        elif isinstance(sizes[0], ast.Constant) and type(sizes[0].value) is int:
            attrs["size"] = sizes[0].value
        else:
            operands.append(self.value(sizes[0]))
        forks = self.op("lm.fork", node, operands, attrs, [("forks", "list")]).results[0]
        size = attrs.get("size")
        self.sizes[forks] = size if isinstance(size, int) else operands[-1]
        return forks

    # Host pieces

    def piece_eval(
        self,
        node: ast.expr,
        hint: str = "v",
        type: TypeName = "val",
        src: str | None = None,
        at: ast.expr | None = None,
    ) -> Value:
        """A host expression; reads of prompts inside it are ops before it."""
        operands, attrs = self._piece(node, src)
        return self.op("py.eval", at or node, operands, attrs, [(hint, type)]).results[0]

    def piece_exec(
        self,
        node: ast.AST,
        operands: Sequence[Value] = (),
        writes: Sequence[str] = (),
        src: str | None = None,
        results: Sequence[tuple[str, TypeName]] = (),
        lift: bool = True,
    ) -> Op:
        """Host statements."""
        lifted, attrs = (
            self._piece(node, src) if lift else ([], self.host_attrs(PieceSource(node), src, []))
        )
        attrs["writes"] = list(writes)
        return self.op("py.exec", node, [*operands, *lifted], attrs, results)

    def _piece(self, node: ast.AST, src: str | None) -> tuple[list[Value], dict[str, object]]:
        """Reads that the piece certainly makes, prompts it can reach, and its attributes."""
        operands: list[Value] = []
        read_ahead: list[ast.AST] = []
        reads: dict[str, None] = {}
        handles: dict[str, Value] = {}

        def visit(part: ast.AST, certain: bool) -> None:
            if (
                certain
                and isinstance(part, ast.Subscript)
                and isinstance(recognise(self.scope, part), Read)
            ):
                operands.append(self.read(part))
                read_ahead.append(part)
                return
            if certain and isinstance(part, ast.Call) and self.runs_program(part):
                made = self.call(part)
                if made is not None:
                    operands.append(made)
                    return
            if isinstance(part, ast.Name) and not self.scope.is_outside(part.id):
                if isinstance(part.ctx, ast.Load) or isinstance(node, ast.AugAssign):
                    reads.setdefault(part.id)
                value = self.lookup(part.id)
                if value is not None and (value.type in ("handle", "list") or part.id in self.pure):
                    handles.setdefault(part.id, value)
            for number, child in enumerate(ast.iter_child_nodes(part)):
                visit(child, certain and evaluates(part, number))

        visit(node, True)
        source = PieceSource(node, tuple(read_ahead), tuple(handles))
        return [*operands, *handles.values()], self.host_attrs(source, src, list(reads))

    def host_attrs(
        self, piece: PieceSource, src: str | None, reads: list[str]
    ) -> dict[str, object]:
        """Attributes of a host piece; numbers it."""
        self.pieces.append(piece)
        text = self.source(piece.node) if src is None else src
        return {"src": text, "piece": len(self.pieces) - 1, "reads": reads}


def _hint(name: str) -> str:
    return name if name.isidentifier() else "v"

"""
The text of an append as data: constants, local names, small integer arithmetic, and reads.

`recognise` turns the right side of `s += ...` into a `Text` tree when evaluating it calls nothing
but the language's own functions; anything else gives None and stays as it is. The same tree serves
deferral (a read may then wait inside the runtime) and lowering to `lm.text`, `lm.gen` and roles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sglc.frontends.python.names import ROLE_MARKS, ROLES
from sglc.frontends.python.scope import Scope


@dataclass(frozen=True, slots=True)
class Const:
    """A string or integer constant."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Local:
    """A local name."""

    name: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left op right` over integers; `op` is one of `+ - *`."""

    op: str
    left: Const | Local | Arithmetic
    right: Const | Local | Arithmetic


@dataclass(frozen=True, slots=True)
class Item:
    """A branch of a fork, `forks[i]`."""

    group: str
    index: Const | Local | Arithmetic


@dataclass(frozen=True, slots=True)
class Format:
    """An f-string: its parts, formatted without conversion or specification."""

    parts: tuple[Const | Local | Arithmetic | Read, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """`state[key]`; `place` is the extent of the expression, as code positions give it."""

    state: Local | Item
    key: Const | Local | Format
    place: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the language: `gen`, `select`, a role, a role mark."""

    symbol: str
    args: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...]
    node: ast.Call
    """The user's expression, which is compared by identity alone."""


@dataclass(frozen=True, slots=True)
class Data:
    """A constant of plain data: None, a number, a list of strings."""

    value: object


@dataclass(frozen=True, slots=True)
class Sum:
    """`a + b + ...`, in the order of evaluation."""

    parts: tuple[Text, ...]


Simple = Const | Local | Arithmetic
Text = Const | Local | Arithmetic | Format | Read | Call | Sum
Argument = Text | Data

GEN_ORDER = (
    *("name", "max_tokens", "min_tokens", "n", "stop", "stop_token_ids", "stop_regex"),
    *("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty"),
    *("ignore_eos", "return_logprob", "logprob_start_len", "top_logprobs_num"),
    *("return_text_in_logprobs", "dtype", "choices", "choices_method", "regex", "json_schema"),
    *("ebnf", "repetition_penalty", "logit_bias"),
)
"""Positional order of `gen`; that of `gen_int` and `gen_string` lacks `min_tokens`."""
SELECT_ORDER = ("name", "choices", "temperature", "choices_method")
ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gen": GEN_ORDER,
        "gen_int": tuple(n for n in GEN_ORDER[:18] if n != "min_tokens"),
        "gen_string": tuple(n for n in GEN_ORDER[:18] if n != "min_tokens"),
        "select": SELECT_ORDER,
    }
)

_TYPES = {f"builtins.{t.__name__}": t for t in (str, int, float, bool)}
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


def place_of(node: ast.expr) -> tuple[int, int, int, int]:
    """Line, end line, column and end column, in the order of `co_positions`."""
    return (node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0)


def recognise(scope: Scope, node: ast.expr) -> Text | None:
    """The tree of an append's right side, or None when any part of it is something else."""
    match node:
        case ast.Constant(value=str(value)):
            return Const(value)
        case ast.Name(id=name) if scope.is_own(name):
            return Local(name)
        case ast.JoinedStr():
            return _format(scope, node)
        case ast.Subscript():
            return _read(scope, node)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            a, b = recognise(scope, left), recognise(scope, right)
            if a is None or b is None:
                return None
            if isinstance(b, Sum):
                # `a + (b + c)` builds another expression than `a + b + c`, of the same text.
                return Sum((a, b))
            return Sum((*(a.parts if isinstance(a, Sum) else (a,)), b))
        case ast.Call():
            return _call(scope, node)
    return None


def _simple(scope: Scope, node: ast.expr) -> Simple | None:
    match node:
        case ast.Constant(value=str(value)):
            return Const(value)
        case ast.Constant(value=value) if type(value) is int:
            return Const(value)
        case ast.Name(id=name) if scope.is_own(name):
            return Local(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            a, b = _simple(scope, left), _simple(scope, right)
            if (
                a is None
                or b is None
                or any(isinstance(x, Const) and isinstance(x.value, str) for x in (a, b))
            ):
                return None
            return Arithmetic(_OPERATORS[type(op)], a, b)
    return None


def state_of(scope: Scope, node: ast.expr) -> Local | Item | None:
    """A prompt named by a local, or a branch `forks[i]` of one."""
    match node:
        case ast.Name(id=name) if scope.kind(name) == "state" and scope.is_own(name):
            return Local(name)
        case ast.Subscript(value=ast.Name(id=name), slice=index) if scope.kind(
            name
        ) == "group" and scope.is_own(name):
            found = _simple(scope, index)
            return None if found is None else Item(name, found)
    return None


def _read(scope: Scope, node: ast.Subscript) -> Read | None:
    state = state_of(scope, node.value)
    if state is None or not isinstance(node.ctx, ast.Load):
        return None
    key: Const | Local | Format | None = None
    match node.slice:
        case ast.Constant(value=str(value)):
            key = Const(value)
        case ast.Name(id=name) if scope.is_own(name):
            key = Local(name)
        case ast.JoinedStr() as joined:
            key = _format(scope, joined)
            if key is not None and any(isinstance(p, Read) for p in key.parts):
                return None
    return None if key is None else Read(state, key, place_of(node))


def _format(scope: Scope, node: ast.JoinedStr) -> Format | None:
    parts: list[Const | Local | Arithmetic | Read] = []
    for value in node.values:
        match value:
            case ast.Constant(value=str(text)):
                parts.append(Const(text))
            case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                part = _simple(scope, inner) or (
                    _read(scope, inner) if isinstance(inner, ast.Subscript) else None
                )
                if part is None:
                    return None
                parts.append(part)
            case _:
                return None
    return Format(tuple(parts))


def _call(scope: Scope, node: ast.Call) -> Call | None:
    symbol = scope.symbol(node.func)
    starred = any(isinstance(a, ast.Starred) for a in node.args)
    if symbol is None or starred or any(k.arg is None for k in node.keywords):
        return None
    if symbol in ROLES:
        known = len(node.args) + len(node.keywords) <= 1 and all(
            k.arg == "expr" for k in node.keywords
        )
        values = [*node.args, *(k.value for k in node.keywords)]
    elif symbol in ROLE_MARKS:
        return Call(symbol, (), (), node) if not node.args and not node.keywords else None
    elif symbol in ORDERS:
        order = ORDERS[symbol]
        known = len(node.args) <= len(order) and all(k.arg in order for k in node.keywords)
        values = []
    else:
        return None
    if not known:
        return None
    if symbol in ROLES:
        inner = tuple(recognise(scope, v) for v in values)
        if any(i is None for i in inner):
            return None
        return Call(symbol, tuple(i for i in inner if i is not None), (), node)
    args = tuple(_argument(scope, a) for a in node.args)
    keywords = tuple((k.arg or "", _argument(scope, k.value)) for k in node.keywords)
    if any(a is None for a in args) or any(v is None for _, v in keywords):
        return None
    return Call(
        symbol,
        tuple(a for a in args if a is not None),
        tuple((k, v) for k, v in keywords if v is not None),
        node,
    )


def _argument(scope: Scope, node: ast.expr) -> Argument | None:
    """A parameter of `gen` or `select` that is plain data, a local name or an f-string of these."""
    if isinstance(node, ast.Name) and scope.is_own(node.id):
        return Local(node.id)
    if isinstance(node, ast.JoinedStr):
        joined = _format(scope, node)
        return None if joined is None or any(isinstance(p, Read) for p in joined.parts) else joined
    constant = plain_data(node)
    if constant is not None:
        return constant
    symbol = scope.symbol(node) if isinstance(node, ast.Name) else None
    return Data(_TYPES[symbol]) if symbol in _TYPES else None


def plain_data(node: ast.expr) -> Data | None:
    """A literal of numbers, strings, booleans, None, and lists or tuples of them."""
    match node:
        case ast.Constant(value=value) if value is None or type(value) in (str, int, float, bool):
            return Data(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value) | float(value))):
            return Data(-value)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            found = [plain_data(i) for i in items]
            if any(f is None for f in found):
                return None
            values = [f.value for f in found if f is not None]
            return Data(values if isinstance(node, ast.List) else tuple(values))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            a, b = plain_data(left), plain_data(right)
            if a and b and isinstance(a.value, str) and isinstance(b.value, str):
                return Data(a.value + b.value)
    return None


Node = Text | Argument | Item


def children(node: Node) -> tuple[Node, ...]:
    """Parts of a node in the order of evaluation."""
    match node:
        case Sum(parts=parts) | Format(parts=parts):
            return parts
        case Arithmetic(left=left, right=right):
            return (left, right)
        case Read(state=state, key=key):
            return (state, key)
        case Item(index=index):
            return (index,)
        case Call(args=args, keywords=keywords):
            return (*args, *(v for _, v in keywords))
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all its parts, in the order of evaluation."""
    yield node
    for child in children(node):
        yield from walk(child)


def reads(node: Node) -> list[Read]:
    """Every read in the tree, in the order of evaluation."""
    return [n for n in walk(node) if isinstance(n, Read)]


def names(node: Node) -> list[str]:
    """Local names the tree evaluates, each once, in the order of first use."""
    found: dict[str, None] = {}
    for part in walk(node):
        if isinstance(part, Local):
            found.setdefault(part.name)
        elif isinstance(part, Item):
            found.setdefault(part.group)
    return list(found)

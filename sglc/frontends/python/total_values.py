"""Expressions whose every operation is total on builtin values, and their types."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from sglc.frontends.python.known import SCALARS, Known, NotSilentError, is_scalar
from sglc.frontends.python.names import ROLE_MARKS, ROLES
from sglc.frontends.python.scope import Kind, Scope
from sglc.frontends.python.texts import ORDERS, plain_data
from sglc.language.sampling import check_json_schema

_TO_STR = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "swapcase"}
)
_STR_PAIR = frozenset({"removeprefix", "removesuffix"})
_TO_BOOL = frozenset({"startswith", "endswith"})
_TESTS = frozenset({"isdigit", "isalpha", "isspace", "isupper", "islower", "isalnum", "isnumeric"})
_DTYPES = frozenset(f"builtins.{t}" for t in ("int", "float", "str", "bool"))
_LISTS = {
    "choices": ("list[str]", "tuple[str]"),
    "stop": ("str", "none", "list[str]", "tuple[str]"),
    "stop_regex": ("str", "none", "list[str]", "tuple[str]"),
    "stop_token_ids": ("none", "list[int]", "tuple[int]"),
}


class Values:
    """Types of expressions; raises `NotSilentError` for any that is not certainly total."""

    def __init__(self, scope: Scope, outside: Mapping[str, str]) -> None:
        self.scope = scope
        self.outside = outside
        """Types of values of names outside the function, where they are plain."""
        self.used: set[str] = set()
        """Names outside the function that are read as constants."""
        self.positive: set[str] = set()
        """Names whose values must be at least 1, or must not be empty, at run time."""

    def fixed(self, name: str) -> bool:
        """Whether a local is a parameter that keeps its argument."""
        return name in self.scope.parameters and not self.scope.bindings.get(name)

    def not_empty(self, node: ast.expr) -> None:
        """Make certain that a list has items."""
        if isinstance(node, ast.Name) and (self.fixed(node.id) or node.id in self.outside):
            self.positive.add(node.id)
        elif not isinstance(node, ast.List | ast.Tuple) or not node.elts:
            raise NotSilentError

    def prompt(self, node: ast.expr, known: Known) -> str | None:
        """Key of a prompt in the facts, or None when the expression is no prompt."""
        match node:
            case ast.Name(id=name) if known.types.get(name) == "state":
                self.held(name, "state")
                return name
            case ast.Subscript(value=ast.Name(id=group), slice=index) if (
                known.types.get(group) == "group"
            ):
                self.held(group, "group")
                size = known.bounds.get(group)
                match index:
                    case ast.Constant(value=value) if (
                        type(value) is int and size is not None and size.isdigit()
                    ):
                        if not -int(size) <= value < int(size):
                            raise NotSilentError
                        return f"{group}[{value % int(size)}]"
                    case ast.Name(id=name) if size is not None and known.bounds.get(name) == size:
                        return f"{group}[{name}]"
                raise NotSilentError
        return None

    def held(self, name: str, kind: Kind) -> None:
        """A name that also stands for something else is not rewritten: reading it would block."""
        if self.scope.kind(name) != kind:
            raise NotSilentError

    def local(self, name: str, known: Known) -> str:
        if not self.scope.is_local(name) or name not in known.types:
            raise NotSilentError
        return known.types[name]

    def appended(self, node: ast.expr, known: Known, made: list[tuple[str, str]]) -> str:
        """Type of what is appended, `str` or `expr`; adds the variables it makes to `made`."""
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                types = {self.appended(left, known, made), self.appended(right, known, made)}
                if not types <= {"str", "expr"}:
                    raise NotSilentError
                return "expr" if "expr" in types else "str"
            case ast.Call(func=func, args=args, keywords=keywords):
                symbol = self.scope.symbol(func)
                if symbol in ROLES and not keywords and len(args) <= 1:
                    if args and self.appended(args[0], known, made) not in ("str", "expr"):
                        raise NotSilentError
                    return "expr"
                if symbol in ROLE_MARKS and not args and not keywords:
                    return "expr"
                if symbol is not None and symbol in ORDERS:
                    self.sample(symbol, node, known, made)
                    return "expr"
        return self.value(node, known)

    def sample(
        self, symbol: str, node: ast.Call, known: Known, made: list[tuple[str, str]]
    ) -> None:
        """A `gen` or `select` that cannot raise where it stands."""
        order = ORDERS[symbol]
        given = dict(zip(order, node.args, strict=False))
        given |= {k.arg: k.value for k in node.keywords if k.arg is not None}
        if len(given) != len(node.args) + len(node.keywords) or not given.keys() <= set(order):
            raise NotSilentError
        if "choices_method" in given:
            raise NotSilentError
        for name, value in given.items():
            if name == "regex":
                data = plain_data(value)
                if data is None or not isinstance(data.value, str | None):
                    raise NotSilentError
                try:
                    re.compile(data.value or "")
                except re.error:
                    raise NotSilentError from None
            elif name == "dtype":
                data = plain_data(value)
                if self.scope.symbol(value) not in _DTYPES and (
                    data is None or data.value not in (None, "int", "float", "str", "bool")
                ):
                    raise NotSilentError
            elif name == "json_schema":
                data = plain_data(value)
                if data is None or not isinstance(data.value, str | None):
                    raise NotSilentError
                try:
                    check_json_schema(data.value)
                except ValueError:
                    raise NotSilentError from None
            elif name in _LISTS:
                if self.value(value, known) not in _LISTS[name]:
                    raise NotSilentError
                if name == "choices":
                    self.not_empty(value)
            elif not is_scalar(self.value(value, known)):
                raise NotSilentError
        if symbol == "select" and "choices" not in given:
            raise NotSilentError
        name_node = given.get("name")
        label = plain_data(name_node) if name_node is not None else None
        if isinstance(name_node, ast.JoinedStr) and all(
            isinstance(v, ast.Constant) for v in name_node.values
        ):
            made.append(("".join(str(v.value) for v in name_node.values), "str"))  # type: ignore[attr-defined]
        elif label is not None and isinstance(label.value, str):
            count = plain_data(given["n"]) if "n" in given else None
            single = "n" not in given or (count is not None and count.value in (None, 1))
            made.append((label.value, "str" if single else "mixed"))
        elif name_node is not None:
            raise NotSilentError  # a computed name may overwrite any variable

    def value(self, node: ast.expr, known: Known) -> str:
        """Type of an expression all of whose operations are total."""
        match node:
            case ast.Constant(value=value):
                kind = "none" if value is None else type(value).__name__
                if kind not in SCALARS:
                    raise NotSilentError
                return kind
            case ast.Name(id=name):
                if not self.scope.is_outside(name):
                    return self.local(name, known)
                if name not in self.outside:
                    raise NotSilentError
                self.used.add(name)
                return self.outside[name]
            case ast.JoinedStr(values=values):
                for part in values:
                    if isinstance(part, ast.FormattedValue) and (
                        part.format_spec is not None or not is_scalar(self.value(part.value, known))
                    ):
                        raise NotSilentError
                return "str"
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))):
                prompt = self.prompt(owner, known)
                facts = known.facts_of(prompt) if prompt is not None else {}
                if key not in facts:
                    raise NotSilentError
                return facts[key]
            case ast.BinOp(left=left, op=op, right=right):
                types = (self.value(left, known), self.value(right, known))
                if isinstance(op, ast.Add) and types in (("str", "str"), ("int", "int")):
                    return types[0]
                if isinstance(op, ast.Sub) and types == ("int", "int"):
                    return "int"
            case ast.Compare():
                return self.compare(node, known)
            case ast.BoolOp(values=values):
                types_of = {self.value(v, known) for v in values}
                return (
                    types_of.pop()
                    if len(types_of) == 1
                    else "scalar"
                    if is_scalar(*types_of)
                    else "mixed"
                )
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.value(operand, known)
                return "bool"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                found = self.value(operand, known)
                if found in ("int", "float"):
                    return found
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test, known)
                both = {self.value(body, known), self.value(orelse, known)}
                return both.pop() if len(both) == 1 else "scalar" if is_scalar(*both) else "mixed"
            case ast.List(elts=items) | ast.Tuple(elts=items):
                kind = "list" if isinstance(node, ast.List) else "tuple"
                inner = {self.value(i, known) for i in items}
                if len(inner) > 1 or not is_scalar(*inner):
                    raise NotSilentError
                return f"{kind}[{inner.pop() if inner else 'str'}]"
            case ast.Call(keywords=[]):
                return self.call(node, known)
        raise NotSilentError

    def compare(self, node: ast.Compare, known: Known) -> str:
        left = self.value(node.left, known)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator, known)
            numbers = {left, right} <= {"int", "float", "bool"}
            match op:
                case ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot():
                    total = {left, right}.isdisjoint({"state", "group", "mixed"})
                case ast.In() | ast.NotIn():
                    total = (left == right == "str") or (
                        is_scalar(left) and right.startswith(("list[", "tuple["))
                    )
                case _:
                    total = numbers or left == right == "str"
            if not total:
                raise NotSilentError
            left = right
        return "bool"

    def call(self, node: ast.Call, known: Known) -> str:
        args = [self.value(a, known) for a in node.args]
        if isinstance(node.func, ast.Name):
            match self.scope.symbol(node.func), args:
                case "builtins.len", [one] if one == "str" or one.startswith(("list[", "tuple[")):
                    return "int"
                case "builtins.str", [one] if is_scalar(one):
                    return "str"
        elif isinstance(node.func, ast.Attribute):
            owner, method = self.value(node.func.value, known), node.func.attr
            if owner == "str":
                if (
                    method in _TO_STR
                    and args in ([], ["str"])
                    and not (args and method not in ("strip", "lstrip", "rstrip"))
                ):
                    return "str"
                if method in _STR_PAIR and args == ["str"]:
                    return "str"
                if method == "replace" and args == ["str", "str"]:
                    return "str"
                if method in _TO_BOOL and args == ["str"]:
                    return "bool"
                if method in _TESTS and not args:
                    return "bool"
                if method in ("split", "splitlines") and not args:
                    return "list[str]"
                if method == "join" and args in (["list[str]"], ["tuple[str]"]):
                    return "str"
        raise NotSilentError

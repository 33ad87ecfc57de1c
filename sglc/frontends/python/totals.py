"""
Which bodies are silent: nothing in them can raise, run user code, or look different if run later.

An abstract interpretation over builtin types, given the types of the arguments. It follows the
flow of the statements and knows, for each prompt, which variables certainly exist. Any operation
that is not known to be total raises `NotSilentError`, and then the body runs on a thread.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sglc.frontends.python.names import ROLE_MARKS, ROLES
from sglc.frontends.python.scope import Scope, bindings_of
from sglc.frontends.python.texts import ORDERS, plain_data

SCALARS = frozenset({"str", "int", "float", "bool", "none"})
_TO_STR = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "swapcase"}
)
_STR_PAIR = frozenset({"removeprefix", "removesuffix"})
_TO_BOOL = frozenset({"startswith", "endswith"})
_TESTS = frozenset({"isdigit", "isalpha", "isspace", "isupper", "islower", "isalnum", "isnumeric"})
_MAX_ROUNDS = 8


class NotSilentError(Exception):
    """The body has to run on a thread."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at one point: types of locals, sizes of forks, variables of prompts."""

    types: Mapping[str, str]
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For a prompt's or fork's local name, variables that certainly exist, with their types."""
    bounds: Mapping[str, str] = field(default_factory=dict)
    """For an int local, the size it is certainly below; for a fork, its size."""

    def with_type(self, name: str, type: str) -> Known:
        """After binding a local."""
        gone = (f"{name}[", f"[{name}]")
        facts = {
            k: v
            for k, v in self.facts.items()
            if k != name and not k.startswith(gone[0]) and not k.endswith(gone[1])
        }
        bounds = {k: v for k, v in self.bounds.items() if k != name}
        return Known({**self.types, name: type}, facts, bounds)

    def with_fact(self, prompt: str, variable: str, type: str) -> Known:
        """After a variable of a prompt came to be."""
        facts = dict(self.facts)
        facts[prompt] = {**facts.get(prompt, {}), variable: type}
        return replace(self, facts=facts)

    def meet(self, other: Known) -> Known:
        """What holds on both of two ways that join."""
        types = {
            n: t if other.types[n] == t else "scalar" if _scalar(t, other.types[n]) else "mixed"
            for n, t in self.types.items()
            if n in other.types
        }
        facts = {
            p: {v: t for v, t in known.items() if other.facts[p].get(v) == t}
            for p, known in self.facts.items()
            if p in other.facts
        }
        bounds = {n: b for n, b in self.bounds.items() if other.bounds.get(n) == b}
        return Known(types, facts, bounds)


def _scalar(*types: str) -> bool:
    return all(t in SCALARS or t == "scalar" for t in types)


def element(type: str) -> str:
    """Type of the items of a list or tuple."""
    return type[type.index("[") + 1 : -1]


Way = Known | None
"""None where control never comes."""


class Totality:
    """Checks one body for given types; `needs` collects what must hold at run time besides."""

    def __init__(self, scope: Scope, outside: Mapping[str, str]) -> None:
        self.scope = scope
        self.outside = outside
        """Types of values of names outside the function, where they are plain."""
        self.positive: set[str] = set()
        """Parameters that must be at least 1, or must not be empty."""
        self.used: set[str] = set()
        """Names outside the function that are read as constants."""
        self.breaks: list[list[Known]] = []
        self.continues: list[list[Known]] = []

    # Statements

    def block(self, body: Iterable[ast.stmt], known: Way) -> Way:
        """Check statements in order; what is known after them."""
        for node in body:
            if known is None:
                return None
            known = self.statement(node, known)
        return known

    def statement(self, node: ast.stmt, known: Known) -> Way:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return known
            case ast.AugAssign(target=target, op=op, value=value):
                return self.augment(target, op, value, known)
            case ast.Assign(targets=[target], value=value):
                return self.assign(target, value, known)
            case ast.Expr(value=ast.Call() as call):
                return self.call_statement(call, known)
            case ast.If(test=test, body=body, orelse=orelse):
                self.value(test, known)
                then, other = self.block(body, known), self.block(orelse, known)
                return other if then is None else then if other is None else then.meet(other)
            case ast.For():
                return self.for_loop(node, known)
            case ast.While():
                return self.while_loop(node, known)
            case ast.With(items=[ast.withitem(context_expr=call, optional_vars=None)], body=body):
                if self.role_method(call, known) is None:
                    raise NotSilentError
                return self.block(body, known)
            case ast.Return(value=value):
                if value is not None and self.value(value, known) in ("state", "group"):
                    raise NotSilentError
                return None
            case ast.Break():
                self.breaks[-1].append(known)
                return None
            case ast.Continue():
                self.continues[-1].append(known)
                return None
        raise NotSilentError

    def augment(self, target: ast.expr, op: ast.operator, value: ast.expr, known: Known) -> Known:
        if not isinstance(op, ast.Add | ast.Sub):
            raise NotSilentError
        prompt = self.prompt(target, known)
        if prompt is not None and isinstance(op, ast.Add):
            made: list[tuple[str, str]] = []
            if self.appended(value, known, made) not in ("str", "expr"):
                raise NotSilentError
            for variable, type in made:
                known = known.with_fact(prompt, variable, type)
            return known
        if not isinstance(target, ast.Name):
            raise NotSilentError
        before, added = self.local(target.id, known), self.value(value, known)
        if before == added == "int" or (before == added == "str" and isinstance(op, ast.Add)):
            return known.with_type(target.id, before)
        raise NotSilentError

    def assign(self, target: ast.expr, value: ast.expr, known: Known) -> Known:
        if isinstance(target, ast.Subscript):
            prompt = self.prompt(target.value, known)
            key = target.slice
            if prompt is None or not isinstance(key, ast.Constant) or type(key.value) is not str:
                raise NotSilentError
            found = self.value(value, known)
            if found not in SCALARS:
                raise NotSilentError
            return known.with_fact(prompt, key.value, found)
        if not isinstance(target, ast.Name) or not self.scope.is_local(target.id):
            raise NotSilentError
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            owner = self.prompt(value.func.value, known)
            if owner is not None and value.func.attr == "fork":
                size = self.size(value, known)
                inherited = known.facts.get(owner, {})
                after = known.with_type(target.id, "group")
                return Known(
                    after.types,
                    {**after.facts, target.id: inherited},
                    {**after.bounds, target.id: size},
                )
        found = self.value(value, known)
        if found in ("state", "group"):
            raise NotSilentError
        return known.with_type(target.id, found)

    def size(self, call: ast.Call, known: Known) -> str:
        """Key of a fork's size, which must be certain to be at least 1."""
        if call.keywords or len(call.args) > 1:
            raise NotSilentError
        key = self.size_key(call.args[0], known) if call.args else "1"
        if key.lstrip("-").isdigit() and int(key) < 1:
            raise NotSilentError
        return key

    def size_key(self, node: ast.expr, known: Known) -> str:
        """A name for a number of items: a constant, or a parameter that is never rebound."""
        match node:
            case ast.Constant(value=value) if type(value) is int:
                return str(value)
            case ast.Name(id=name) if self.fixed(name) and known.types.get(name) == "int":
                self.positive.add(name)
                return name
            case ast.Call(func=ast.Name() as func, args=[ast.Name(id=name)], keywords=[]) if (
                self.scope.symbol(func) == "builtins.len"
                and self.fixed(name)
                and known.types.get(name, "").startswith(("list[", "tuple["))
            ):
                self.positive.add(name)
                return f"len({name})"
        raise NotSilentError

    def fixed(self, name: str) -> bool:
        """Whether a local is a parameter that keeps its argument."""
        return name in self.scope.parameters and not self.scope.bindings.get(name)

    def call_statement(self, call: ast.Call, known: Known) -> Known:
        func = call.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            owner = func.value.id
            modes = [a.value for a in call.args if isinstance(a, ast.Constant)]
            if (
                known.types.get(owner) == "group"
                and func.attr == "join"
                and not call.keywords
                and len(modes) == len(call.args) <= 1
                and all(m in ("gather_variable", "concate_and_append") for m in modes)
                and modes == ["concate_and_append"]
            ):
                return known
        if self.role_method(call, known) == "content":
            assert isinstance(func, ast.Attribute)
            prompt = self.prompt(func.value, known)
            made: list[tuple[str, str]] = []
            self.appended(call.args[0], known, made)
            for variable, type in made:
                known = known.with_fact(prompt or "", variable, type)
            return known
        raise NotSilentError

    def role_method(self, call: ast.expr, known: Known) -> str | None:
        """`s.user()` or `s.user(content)`."""
        match call:
            case ast.Call(func=ast.Attribute(value=owner, attr=role), args=args, keywords=[]) if (
                role in ROLES and self.prompt(owner, known) is not None and len(args) <= 1
            ):
                return "content" if args else "scope"
        return None

    # Loops

    def for_loop(self, node: ast.For, known: Known) -> Way:
        if node.orelse:
            raise NotSilentError
        whole = self.iteration(node.target, node.iter, known)
        inside: Known | None = None
        entry = known
        for _ in range(_MAX_ROUNDS):
            self.breaks.append([])
            self.continues.append([])
            start = self.iteration(node.target, node.iter, entry)[0]
            inside = self.block(node.body, start)
            ends = [*self.continues.pop(), *([inside] if inside is not None else [])]
            left = self.breaks.pop()
            after = entry
            for end in ends:
                after = after.meet(end)
            if after == entry:
                break
            entry = after
        else:
            raise NotSilentError
        done = entry
        covered = whole[1]
        rebound = {b.name for s in node.body for b in bindings_of(s) if b.how != "augment"}
        if covered is not None and not left and ends and not rebound & set(covered):
            group, item = covered
            every = ends[0].facts.get(item, {})
            for end in ends[1:]:
                every = {v: t for v, t in every.items() if end.facts.get(item, {}).get(v) == t}
            facts = {**done.facts, group: {**done.facts.get(group, {}), **every}}
            done = replace(done, facts=facts)
        for other in left:
            done = done.meet(other)
        return done

    def iteration(
        self, target: ast.expr, iterable: ast.expr, known: Known
    ) -> tuple[Known, tuple[str, str] | None]:
        """What is known at the start of a turn; and which fork the loop covers, as which local."""
        match iterable:
            case ast.Call(func=ast.Name() as func, args=args, keywords=[]):
                symbol = self.scope.symbol(func)
                if symbol == "builtins.range" and isinstance(target, ast.Name):
                    return self.over_range(target.id, args, known)
                if symbol == "builtins.enumerate" and len(args) == 1:
                    match target:
                        case ast.Tuple(elts=[ast.Name(id=number), item]):
                            after, covered = self.iteration(item, args[0], known)
                            after = after.with_type(number, "int")
                            bound = self.length_key(args[0], known)
                            if bound is not None:
                                after = replace(after, bounds={**after.bounds, number: bound})
                            return after, covered
                if symbol == "builtins.zip" and args:
                    match target:
                        case ast.Tuple(elts=items) if len(items) == len(args):
                            for item, arg in zip(items, args, strict=True):
                                known = self.iteration(item, arg, known)[0]
                            return known, None
                raise NotSilentError
        if not isinstance(target, ast.Name) or not self.scope.is_local(target.id):
            raise NotSilentError
        if isinstance(iterable, ast.Name) and known.types.get(iterable.id) == "group":
            facts = known.facts.get(iterable.id, {})
            after = known.with_type(target.id, "state")
            return replace(after, facts={**after.facts, target.id: facts}), (
                iterable.id,
                target.id,
            )
        found = self.value(iterable, known)
        if not found.startswith(("list[", "tuple[")):
            raise NotSilentError
        return known.with_type(target.id, element(found)), None

    def over_range(
        self, name: str, args: list[ast.expr], known: Known
    ) -> tuple[Known, tuple[str, str] | None]:
        if not 1 <= len(args) <= 2 or any(self.value(a, known) != "int" for a in args):
            raise NotSilentError
        after = known.with_type(name, "int")
        if len(args) == 2:
            return after, None
        try:
            key = self.size_key(args[0], known)
        except NotSilentError:
            return after, None
        after = replace(after, bounds={**after.bounds, name: key})
        for group, size in known.bounds.items():
            if size == key and known.types.get(group) == "group":
                member = f"{group}[{name}]"
                facts = {**after.facts, member: known.facts.get(group, {})}
                return replace(after, facts=facts), (group, member)
        return after, None

    def length_key(self, node: ast.expr, known: Known) -> str | None:
        if isinstance(node, ast.Name):
            if known.types.get(node.id) == "group":
                return known.bounds.get(node.id)
            if self.fixed(node.id):
                return f"len({node.id})"
        return None

    def while_loop(self, node: ast.While, known: Known) -> Way:
        waits = any(self.is_read(n) for n in ast.walk(node.test))
        waits = waits or any(
            isinstance(s, ast.If | ast.Assign | ast.AugAssign)
            and any(self.is_read(n) for n in ast.walk(s.test if isinstance(s, ast.If) else s.value))
            for s in node.body
        )
        if node.orelse or not waits:
            raise NotSilentError  # a loop that never waits would hold up every other program
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        entry = known
        for _ in range(_MAX_ROUNDS):
            self.breaks.append([])
            self.continues.append([])
            self.value(node.test, entry)
            inside = self.block(node.body, entry)
            ends = [*self.continues.pop(), *([inside] if inside is not None else [])]
            left = self.breaks.pop()
            after = entry
            for end in ends:
                after = after.meet(end)
            if after == entry:
                break
            entry = after
        else:
            raise NotSilentError
        ways = [*([] if forever else [entry]), *left]
        if not ways:
            return None
        done = ways[0]
        for way in ways[1:]:
            done = done.meet(way)
        return done

    def is_read(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Subscript)
            and self.scope.expression_kind(node.value) == "state"
            and not isinstance(node.slice, ast.Slice)
        )

    # Expressions

    def prompt(self, node: ast.expr, known: Known) -> str | None:
        """Key of a prompt in the facts, or None when the expression is no prompt."""
        match node:
            case ast.Name(id=name) if known.types.get(name) == "state":
                return name
            case ast.Subscript(value=ast.Name(id=group), slice=index) if (
                known.types.get(group) == "group"
            ):
                size = known.bounds.get(group)
                match index:
                    case ast.Constant(value=value) if (
                        type(value) is int and size is not None and size.isdigit()
                    ):
                        if not -int(size) <= value < int(size):
                            raise NotSilentError
                        return group
                    case ast.Name(id=name) if size is not None and known.bounds.get(name) == size:
                        member = f"{group}[{name}]"
                        return member if member in known.facts else group
                raise NotSilentError
        return None

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
                if self.scope.symbol(value) is None and plain_data(value) is None:
                    raise NotSilentError
            elif name in ("choices", "stop", "stop_token_ids", "stop_regex"):
                found = self.value(value, known)
                if found not in ("str", "none", "list[str]", "tuple[str]", "list[int]"):
                    raise NotSilentError
                if name == "choices" and found not in ("list[str]", "tuple[str]"):
                    raise NotSilentError
            elif not _scalar(self.value(value, known)):
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
                        part.format_spec is not None or not _scalar(self.value(part.value, known))
                    ):
                        raise NotSilentError
                return "str"
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))):
                prompt = self.prompt(owner, known)
                facts = known.facts.get(prompt, {}) if prompt is not None else {}
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
                    if _scalar(*types_of)
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
                return both.pop() if len(both) == 1 else "scalar" if _scalar(*both) else "mixed"
            case ast.List(elts=items) | ast.Tuple(elts=items):
                kind = "list" if isinstance(node, ast.List) else "tuple"
                inner = {self.value(i, known) for i in items}
                if len(inner) > 1 or not _scalar(*inner):
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
                        _scalar(left) and right.startswith(("list[", "tuple["))
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
                case "builtins.str", [one] if _scalar(one):
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

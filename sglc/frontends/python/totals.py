"""
Which bodies are silent: nothing in them can raise, run user code, or look different if run later.

An abstract interpretation over builtin types, given the types of the arguments. It follows the
flow of the statements and knows, for each prompt, which variables certainly exist. Any operation
that is not known to be total raises `NotSilentError`, and then the body runs on a thread.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sglc.frontends.python.known import SCALARS, Known, NotSilentError, element
from sglc.frontends.python.names import ROLES
from sglc.frontends.python.scope import Scope, bindings_of
from sglc.frontends.python.total_values import Values

_MAX_ROUNDS = 8

Way = Known | None
"""None where control never comes."""


class Totality(Values):
    """Checks one body for given types; `positive` is what must hold at run time besides."""

    def __init__(self, scope: Scope, outside: Mapping[str, str]) -> None:
        super().__init__(scope, outside)
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
                inherited = known.facts_of(owner)
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

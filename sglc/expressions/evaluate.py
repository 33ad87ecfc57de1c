"""Evaluation of expressions: pure, bounded, waiting only for what it needs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sglc.expressions.build import parse_expression
from sglc.expressions.functions import (
    FUNCTIONS,
    Context,
    call_builtin,
    iterate,
    method,
    truth,
    unpack,
)
from sglc.expressions.meter import TooLargeError
from sglc.expressions.nodes import (
    Attribute,
    Binary,
    BoolOp,
    Call,
    Compare,
    Comprehension,
    Conditional,
    DictExpr,
    Expr,
    Index,
    ListExpr,
    Literal,
    Name,
    Slice,
    Text,
    Unary,
)
from sglc.expressions.values import (
    Force,
    Unset,
    ValueFailedError,
    ValueLimits,
    check_size,
    type_name,
)

_DEFAULT = ValueLimits()
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


@lru_cache(maxsize=4096)
def parsed(src: str) -> Expr:
    """The expression in `src`, parsed once."""
    return parse_expression(src)


def identity(value: object) -> object:
    """`force` for values that are all there."""
    return value


def evaluate(
    expr: Expr | str,
    variables: Mapping[str, object],
    force: Force = identity,
    limits: ValueLimits = _DEFAULT,
) -> object:
    """
    Value of an expression.

    The result may itself be a value that is not there yet (a variable, a field, an element), and
    a list or dict may hold such values; everything an operation looks at goes through `force`.

    Raises:
        ValueFailedError: the expression has no value.
        TooLargeError: a value would exceed the limits.
        Problem: `expr` is text that is no expression.
    """
    tree = parsed(expr) if isinstance(expr, str) else expr
    try:
        return _Evaluator(variables, Context(force, limits)).eval(tree)
    except RecursionError:
        raise ValueFailedError("a value is too deeply nested") from None


class _Evaluator:
    __slots__ = ("ctx", "force", "variables")

    def __init__(self, variables: Mapping[str, object], ctx: Context) -> None:
        self.variables = variables
        self.ctx = ctx
        self.force = ctx.force

    def need(self, expr: Expr) -> Any:
        """The value, there."""
        value = self.force(self.eval(expr))
        if isinstance(value, Unset):
            raise ValueFailedError(f"`{value.name}` is not set")
        return value

    def eval(self, expr: Expr) -> object:
        """The value, possibly not there yet."""
        match expr:
            case Name():
                return self._name(expr)
            case Literal():
                return expr.value
            case Text():
                return self._text(expr)
            case ListExpr():
                return check_size([self.eval(item) for item in expr.items], self.ctx.limits)
            case DictExpr():
                made = {self._key(key): self.eval(value) for key, value in expr.pairs}
                return check_size(made, self.ctx.limits)
            case Attribute():
                return self._field(self.need(expr.value), expr.name)
            case Index():
                return self._element(self.need(expr.value), self.need(expr.index))
            case Slice():
                return self._slice(expr)
            case Call():
                return self._call(expr)
            case Unary(op="not"):
                return not truth(self.need(expr.value), self.force)
            case Unary():
                return self._sign(expr)
            case Binary():
                return self._binary(expr.op, self.need(expr.left), self.need(expr.right))
            case BoolOp():
                left = self.need(expr.left)
                keep = bool(left) == (expr.op == "or")
                return left if keep else self.eval(expr.right)
            case Compare():
                return self._compare(expr)
            case Conditional():
                return self.eval(expr.then if self.need(expr.condition) else expr.other)
            case Comprehension():
                return self._comprehension(expr)

    def _name(self, expr: Name) -> object:
        try:
            value = self.variables[expr.id]
        except KeyError:
            raise ValueFailedError(f"`{expr.id}` is not set") from None
        if isinstance(value, Unset):
            raise ValueFailedError(f"`{value.name}` is not set")
        return value

    def _text(self, expr: Text) -> object:
        parts = [
            part if isinstance(part, str) else self.ctx.text(self.eval(part)) for part in expr.parts
        ]
        limits = self.ctx.limits
        if sum(map(len, parts)) > limits.characters:
            message = f"a string has more than {limits.characters} characters"
            raise TooLargeError(message, "characters")
        return check_size("".join(parts), limits)

    def _key(self, expr: Expr) -> str:
        key = self.need(expr)
        if not isinstance(key, str):
            raise ValueFailedError(f"a dict key is a {type_name(key)}; keys are strings")
        return key

    def _field(self, value: object, name: str) -> object:
        if not isinstance(value, Mapping):
            raise ValueFailedError(f"{type_name(value)} has no field `{name}`")
        if name not in value:
            known = ", ".join(f"`{key}`" for key in list(value)[:8])
            raise ValueFailedError(f"there is no field `{name}`; there is {known or 'none'}")
        return self._present(value[name])

    def _present(self, value: object) -> object:
        if isinstance(value, Unset):
            raise ValueFailedError(f"`{value.name}` is not set")
        return value

    def _element(self, value: object, index: object) -> object:
        if isinstance(value, Mapping):
            if not isinstance(index, str) or index not in value:
                shown = index if isinstance(index, str) else type_name(index)
                raise ValueFailedError(f"there is no key `{shown}`")
            return self._present(value[index])
        if not isinstance(value, str | list | tuple | range):
            raise ValueFailedError(f"{type_name(value)} has no elements")
        if not isinstance(index, int) or isinstance(index, bool):
            raise ValueFailedError(f"an index is an integer, not {type_name(index)}")
        try:
            return self._present(value[index])
        except IndexError:
            raise ValueFailedError(
                f"index {index} is out of range: there are {len(value)}"
            ) from None

    def _slice(self, expr: Slice) -> object:
        value = self.need(expr.value)
        if not isinstance(value, str | list | tuple | range):
            raise ValueFailedError(f"{type_name(value)} cannot be sliced")
        bounds = [
            None if bound is None else self.need(bound)
            for bound in (expr.start, expr.stop, expr.step)
        ]
        for bound in bounds:
            if bound is not None and (not isinstance(bound, int) or isinstance(bound, bool)):
                raise ValueFailedError(f"a slice needs integers, not {type_name(bound)}")
        if bounds[2] == 0:
            raise ValueFailedError("the step of a slice is 0")
        return check_size(value[slice(*bounds)], self.ctx.limits)

    def _call(self, expr: Call) -> object:
        receiver = self.need(expr.function.value) if isinstance(expr.function, Attribute) else None
        args = [self.need(arg) for arg in expr.args]
        keywords = {keyword.name: self.need(keyword.value) for keyword in expr.keywords}
        if isinstance(expr.function, Attribute):
            name = expr.function.name
            value = receiver
            return call_builtin(method(value, name), self.ctx, (value, *args), keywords, name)
        name = expr.function.id if isinstance(expr.function, Name) else ""
        function = FUNCTIONS.get(name)
        if function is None:
            raise ValueFailedError("only builtin functions can be called here")
        return call_builtin(function, self.ctx, args, keywords, name)

    def _sign(self, expr: Unary) -> object:
        value = self.need(expr.value)
        if not isinstance(value, int | float):
            raise ValueFailedError(f"`{expr.op}` needs a number, not {type_name(value)}")
        return -value if expr.op == "-" else +value

    def _binary(self, op: str, left: Any, right: Any) -> object:
        if op == "|":
            if isinstance(left, Mapping) and isinstance(right, Mapping):
                return check_size({**left, **right}, self.ctx.limits)
        elif isinstance(left, int | float) and isinstance(right, int | float):
            return self._arithmetic(op, left, right)
        elif op == "+" and isinstance(left, str) and isinstance(right, str):
            return check_size(left + right, self.ctx.limits)
        elif op == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
            return check_size([*left, *right], self.ctx.limits)
        elif op == "*":
            for value, times in ((left, right), (right, left)):
                if isinstance(value, str | list) and isinstance(times, int):
                    return self._repeat(value, times)
        raise ValueFailedError(
            f"`{op}` does not work on {type_name(left)} and {type_name(right)}"
            + (': write "${x}" to make text of a value' if op == "+" else "")
        )

    def _repeat(self, value: str | list[object], times: int) -> object:
        limits = self.ctx.limits
        if isinstance(value, str) and len(value) * times > limits.characters:
            raise TooLargeError(
                f"a string has more than {limits.characters} characters", "characters"
            )
        if isinstance(value, list) and len(value) * times > limits.items:
            raise TooLargeError(f"a list has more than {limits.items} items", "items")
        try:
            return check_size(value * times, limits)
        except OverflowError:  # nothing, more often than an index can count
            raise ValueFailedError("a number is too large") from None

    def _arithmetic(self, op: str, left: Any, right: Any) -> object:
        whole = isinstance(left, int) and isinstance(right, int)
        if op == "**" and whole and left.bit_length() * abs(right) > 4 * self.ctx.limits.bits:
            raise TooLargeError(f"an integer has more than {self.ctx.limits.bits} bits", "bits")
        try:
            result = _ARITHMETIC[op](left, right)
        except ZeroDivisionError:
            raise ValueFailedError("division by zero") from None
        except OverflowError:
            raise ValueFailedError("a number is too large") from None
        if isinstance(result, complex):
            raise ValueFailedError("root of a negative number")
        return check_size(result, self.ctx.limits)

    def _compare(self, expr: Compare) -> bool:
        left = self.ctx.settled(self.need(expr.first))
        for op, operand in expr.rest:
            right = self.ctx.settled(self.need(operand))
            if not self._holds(op, left, right):
                return False
            left = right
        return True

    def _holds(self, op: str, left: Any, right: Any) -> bool:
        if op in ("in", "not in"):
            if isinstance(right, str) and not isinstance(left, str):
                raise ValueFailedError(f"a string contains strings, not {type_name(left)}")
            if isinstance(right, Mapping):
                if isinstance(left, Mapping | list | tuple):
                    raise ValueFailedError(f"keys are strings, not {type_name(left)}")
                found = isinstance(left, str) and left in right
            elif isinstance(right, str | list | range):
                found = left in right
            else:
                raise ValueFailedError(f"`{op}` needs a list, not {type_name(right)}")
            return found == (op == "in")
        try:
            return bool(_ORDER[op](left, right))
        except TypeError:
            raise ValueFailedError(
                f"`{op}` does not compare {type_name(left)} with {type_name(right)}"
            ) from None

    def _comprehension(self, expr: Comprehension) -> object:
        items = iterate(self.need(expr.iterable))
        if len(items) > self.ctx.limits.items:
            raise TooLargeError(f"a list has more than {self.ctx.limits.items} items", "items")
        out: list[object] = []
        pairs: dict[str, object] = {}
        meter = self.ctx.limits.meter
        for item in items:
            if meter is not None:
                meter.work(1)
            bound = bind_targets(expr.targets, item, self.force)
            inner = _Evaluator({**self.variables, **bound}, self.ctx)
            if expr.condition is not None and not inner.need(expr.condition):
                continue
            if expr.key is not None:
                pairs[inner._key(expr.key)] = inner.eval(expr.item)
            else:
                out.append(inner.eval(expr.item))
        return check_size(out if expr.key is None else pairs, self.ctx.limits)


def bind_targets(targets: tuple[str, ...], item: object, force: Force) -> dict[str, object]:
    """
    Values of a loop's variables for one item; several variables take an item apart.

    Raises:
        ValueFailedError: the item has another number of parts.
    """
    if len(targets) == 1:
        return {targets[0]: item}
    return dict(zip(targets, unpack(force(item), len(targets)), strict=True))

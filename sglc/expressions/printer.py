"""Expressions back to text that parses to the same expression, on one line."""

from __future__ import annotations

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
    children,
)

_CONDITIONAL, _OR, _AND, _NOT, _COMPARE, _UNION, _SUM, _PRODUCT, _FACTOR, _POSTFIX = range(10)
_BINARY = {
    "|": _UNION, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT,
}  # fmt: skip
_QUOTES = ('"', "'", '"""', "'''")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def print_expr(expr: Expr) -> str:
    """Text of the expression: `parse_expression(print_expr(e)) == e`."""
    return _print(expr, _CONDITIONAL, 0)


def quoted(text: str) -> str:
    """A constant string as a literal."""
    return f'"{_constant(text, nested=False, single=True)}"'


def _print(expr: Expr, least: int, inner: int) -> str:
    """The expression in brackets if it binds looser than `least`; `inner` strings are around."""
    text, level = _bare(expr, inner)
    return f"({text})" if level < least else text


def _bare(expr: Expr, inner: int) -> tuple[str, int]:
    def sub(part: Expr, least: int = _CONDITIONAL) -> str:
        return _print(part, least, inner)

    def opt(part: Expr | None) -> str:
        return "" if part is None else sub(part)

    match expr:
        case Name():
            return expr.id, _POSTFIX
        case Literal():
            return _literal(expr, inner)
        case Text():
            return _text(expr, inner), _POSTFIX
        case ListExpr():
            return f"[{', '.join(sub(item) for item in expr.items)}]", _POSTFIX
        case DictExpr():
            pairs = (f"{sub(key)}: {sub(value)}" for key, value in expr.pairs)
            return f"{{{', '.join(pairs)}}}", _POSTFIX
        case Comprehension():
            tail = f" if {sub(expr.condition, _OR)}" if expr.condition is not None else ""
            loop = f"for {', '.join(expr.targets)} in {sub(expr.iterable, _OR)}{tail}"
            if expr.key is not None:
                return f"{{{sub(expr.key)}: {sub(expr.item)} {loop}}}", _POSTFIX
            return f"[{sub(expr.item)} {loop}]", _POSTFIX
        case Attribute():
            return f"{_receiver(expr.value, inner)}.{expr.name}", _POSTFIX
        case Index():
            return f"{_receiver(expr.value, inner)}[{sub(expr.index)}]", _POSTFIX
        case Slice():
            step = f":{sub(expr.step)}" if expr.step is not None else ""
            bounds = f"{opt(expr.start)}:{opt(expr.stop)}{step}"
            return f"{_receiver(expr.value, inner)}[{bounds}]", _POSTFIX
        case Call():
            args = [sub(arg) for arg in expr.args]
            args += [f"{keyword.name}={sub(keyword.value)}" for keyword in expr.keywords]
            return f"{_receiver(expr.function, inner)}({', '.join(args)})", _POSTFIX
        case Unary(op="not"):
            return f"not {sub(expr.value, _NOT)}", _NOT
        case Unary():
            return f"{expr.op}{_unary_operand(expr, inner)}", _FACTOR
        case Binary(op="**"):
            return f"{sub(expr.left, _POSTFIX)} ** {sub(expr.right, _FACTOR)}", _FACTOR
        case Binary():
            level = _BINARY[expr.op]
            return f"{sub(expr.left, level)} {expr.op} {sub(expr.right, level + 1)}", level
        case BoolOp():
            level = _AND if expr.op == "and" else _OR
            return f"{sub(expr.left, level)} {expr.op} {sub(expr.right, level + 1)}", level
        case Compare():
            rest = "".join(f" {op} {sub(operand, _UNION)}" for op, operand in expr.rest)
            return f"{sub(expr.first, _UNION)}{rest}", _COMPARE
        case Conditional():
            then, condition = sub(expr.then, _OR), sub(expr.condition, _OR)
            return f"{then} if {condition} else {sub(expr.other)}", _CONDITIONAL


def _unary_operand(expr: Unary, inner: int) -> str:
    # `-1` is read as a constant, so the operation on a constant needs brackets.
    if isinstance(expr.value, Literal) and not isinstance(expr.value.value, str):
        return f"({_print(expr.value, _CONDITIONAL, inner)})"
    return _print(expr.value, _FACTOR, inner)


def _receiver(value: Expr, inner: int) -> str:
    text = _print(value, _POSTFIX, inner)
    # `1.x` would be read as a number.
    return f"({text})" if isinstance(value, Literal) and text[-1:].isdigit() else text


def _literal(expr: Literal, inner: int) -> tuple[str, int]:
    value = expr.value
    if isinstance(value, str):
        quote = _quote_for(expr, inner)
        return f"{quote}{_constant(value, nested=inner > 0, single=True)}{quote}", _POSTFIX
    if value is None:
        return "none", _POSTFIX
    if isinstance(value, bool):
        return ("true" if value else "false"), _POSTFIX
    text = repr(value)
    return text, _FACTOR if text.startswith("-") else _POSTFIX


def _text(expr: Text, inner: int) -> str:
    quote = _quote_for(expr, inner)
    plain = inner == 0 and quote == '"' and _height(expr) == 0
    parts = [
        _constant(part, nested=inner > 0, single=plain)
        if isinstance(part, str)
        else f"${{{_print(part, _CONDITIONAL, inner + 1)}}}"
        for part in expr.parts
    ]
    return f"{quote}{''.join(parts)}{quote}"


def _quote_for(expr: Expr, inner: int) -> str:
    """Quotes that neither the strings around nor those inside use: chosen by height."""
    return _QUOTES[0] if inner == 0 and _height(expr) == 0 else _BY_HEIGHT[min(_height(expr), 3)]


_BY_HEIGHT = ("'", '"', "'''", '"""')


def _height(expr: Expr) -> int:
    """How many strings are nested inside this string's `${}` parts."""
    if not isinstance(expr, Text):
        return 0
    return max((_tallest(part) + 1 for part in expr.parts if not isinstance(part, str)), default=0)


def _tallest(expr: Expr) -> int:
    own = _height(expr) if isinstance(expr, Text) or _is_string(expr) else -1
    return max([own, *(_tallest(child) for child in children(expr))])


def _is_string(expr: Expr) -> bool:
    return isinstance(expr, Literal) and isinstance(expr.value, str)


def _constant(text: str, *, nested: bool, single: bool) -> str:
    """Characters of a constant part, escaped for any kind of quotes around when nested."""
    out = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char == "$":
            out.append("$$")
        elif char == '"':
            out.append("\\x22" if nested else '\\"')
        elif char == "'":
            out.append("\\x27" if nested or not single else "'")
        elif not char.isprintable():
            out.append(_hex_escape(char))
        else:
            out.append(char)
    return "".join(out)


def _hex_escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

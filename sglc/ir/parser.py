"""Reading IR text. The grammar is `sglir.lark`; everything beyond syntax is checked here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import NoReturn, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from sglc.diagnostics.core import Diagnostic, ParseError, Span
from sglc.ir import text as literals
from sglc.ir.core import Attr, Func, Loc, Module, Op, Region, Symbol, TypeName, Value
from sglc.ir.ops import OPS
from sglc.ir.printer import VERSION
from sglc_grammar import read

Node = Tree[Token]
SYNTAX, UNKNOWN_OP, UNDEFINED, REDEFINED, BAD_VERSION = (
    "SGL0150",
    "SGL0151",
    "SGL0152",
    "SGL0153",
    "SGL0154",
)


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    return Lark(read("sglir.lark"), parser="lalr", lexer="contextual", maybe_placeholders=True)


def parse_module(text: str, file: str = "<sglir>") -> Module:
    """
    The module that the text describes. `file` is the name of the text itself, for messages.

    Raises `ParseError` with one located diagnostic: syntax, an unknown op, an undefined or doubly
    defined value. What ops require is the verifier's business.
    """
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(error, text, file) from None
    return _Reader(file).module(tree)


def _syntax_error(error: UnexpectedInput, text: str, file: str) -> ParseError:
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        lines = text.split("\n")
        span = Span.point(file, len(lines), len(lines[-1]) + 1)
        message = "unexpected end of file"
    elif isinstance(error, UnexpectedToken):
        span = _span(file, error.token)
        message = f"unexpected `{error.token}`"
    else:
        span = Span.point(file, error.line, error.column)
        shown = error.char if isinstance(error, UnexpectedCharacters) else "text"
        message = f"unexpected `{shown}`"
    expected: Iterable[str] = getattr(error, "expected", ()) or getattr(error, "allowed", ())
    helps = (f"expected {_expected(expected)}",) if expected else ()
    return ParseError(
        Diagnostic(code=SYNTAX, message=message, span=span, label="not expected here", helps=helps)
    )


def _expected(names: Iterable[str]) -> str:
    shown = []
    for name in sorted(names):
        terminal = next((t for t in _grammar().terminals if t.name == name), None)
        is_text = terminal is not None and terminal.pattern.type == "str"
        shown.append(
            f"`{terminal.pattern.value}`" if is_text and terminal else name.strip("$").lower()
        )
    return ", ".join(shown[:-1]) + f" or {shown[-1]}" if len(shown) > 1 else shown[0]


def _span(file: str, token: Token) -> Span:
    line, column = token.line or 1, token.column or 1
    return Span(file, line, column, token.end_line or line, token.end_column or column + 1)


class _Reader:
    """Builds the module from the tree; `names` is the stack of value scopes of one function."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.scopes: list[dict[str, Value]] = []
        self.defined: dict[str, Token] = {}

    def fail(self, code: str, token: Token, message: str, label: str, *helps: str) -> NoReturn:
        span = _span(self.file, token)
        raise ParseError(
            Diagnostic(code=code, message=message, span=span, label=label, helps=helps)
        )

    def module(self, tree: Node) -> Module:
        version, header, *funcs = tree.children
        assert isinstance(version, Token)
        if int(version) != VERSION:
            self.fail(
                BAD_VERSION,
                version,
                f"IR text of version {version} cannot be read",
                f"this sglc reads version {VERSION}",
            )
        name, attrs = cast("Node", header).children
        module = Module(self.string(cast("Token", name)), attrs=self.attrs(attrs))
        for node in funcs:
            self.func(cast("Node", node), module)
        return module

    def func(self, tree: Node, module: Module) -> None:
        symbol, params, attrs, body, loc = tree.children
        assert isinstance(symbol, Token)
        name = self.symbol(symbol)
        if name in module.funcs:
            self.fail(REDEFINED, symbol, f"function `{symbol}` is defined twice", "second one")
        self.scopes, self.defined = [{}], {}
        func = Func(name, self.params(params), self.attrs(attrs), _loc(loc))
        for node in cast("Node", body).children:
            func.body.append(self.op(cast("Node", node)))
        module.funcs[name] = func

    def params(self, tree: object) -> list[Value]:
        if tree is None:
            return []
        pairs = [cast("list[Token]", cast("Node", p).children) for p in cast("Node", tree).children]
        return [self.define(name, kind) for name, kind in pairs]

    def define(self, token: Token, kind: Token | None) -> Value:
        first = self.defined.get(token)
        if first is not None:
            message = f"value `{token}` is defined twice"
            self.fail(REDEFINED, token, message, f"first defined on line {first.line}")
        value = Value(token[1:], cast("TypeName", str(kind) if kind else "val"))
        self.defined[str(token)] = token
        self.scopes[-1][str(token)] = value
        return value

    def use(self, token: Token) -> Value:
        for scope in reversed(self.scopes):
            if token in scope:
                return scope[token]
        visible = [name for scope in self.scopes for name in scope]
        close = difflib.get_close_matches(token, visible, n=1)
        helps = [f"did you mean `{close[0]}`?"] if close else []
        self.fail(UNDEFINED, token, f"value `{token}` is not defined", "not found here", *helps)

    def op(self, tree: Node) -> Op:
        results, name, operands, attrs, *regions, loc = tree.children
        assert isinstance(name, Token)
        if name not in OPS:
            close = difflib.get_close_matches(name, OPS, n=1)
            helps = [f"did you mean `{close[0]}`?"] if close else []
            self.fail(UNKNOWN_OP, name, f"unknown op `{name}`", "no such op", *helps)
        used = [self.use(t) for t in _tokens(operands)]
        inner = [self.region(cast("Node", r)) for r in regions]
        made = self.params(results)
        return Op(str(name), used, made, self.attrs(attrs), inner, _loc(loc))

    def region(self, tree: Node) -> Region:
        label, params, body = tree.children
        self.scopes.append({})
        region = Region(str(label), self.params(params))
        for node in cast("Node", body).children:
            region.append(self.op(cast("Node", node)))
        self.scopes.pop()
        return region

    def attrs(self, tree: object) -> dict[str, Attr]:
        if tree is None:
            return {}
        found: dict[str, Attr] = {}
        for node in cast("Node", tree).children:
            key, value = cast("Node", node).children
            assert isinstance(key, Token)
            name = self.string(key) if key.type == "STRING" else str(key)
            if name in found:
                self.fail(REDEFINED, key, f"attribute `{name}` is given twice", "second one")
            found[name] = self.value(cast("Node", value))
        return found

    def value(self, tree: Node) -> Attr:
        if tree.data == "list":
            return tuple(self.value(cast("Node", v)) for v in tree.children if v is not None)
        if tree.data == "dict":
            pairs = [cast("Node", p).children for p in tree.children if p is not None]
            return {self.string(cast("Token", k)): self.value(cast("Node", v)) for k, v in pairs}
        return self.scalar(cast("Token", tree.children[0]))

    def scalar(self, token: Token) -> Attr:
        match token.type:
            case "STRING":
                return self.string(token)
            case "INT":
                return int(token)
            case "FLOAT":
                return float(token)
            case "SYMBOL":
                return Symbol(self.symbol(token))
        words: dict[str, Attr] = {"true": True, "false": False, "null": None}
        return words[token] if token in words else float(token)

    def symbol(self, token: Token) -> str:
        return self.string(token, token[1:]) if token[1] == '"' else token[1:]

    def string(self, token: Token, literal: str | None = None) -> str:
        try:
            return literals.unquote(literal or str(token))
        except ValueError as error:
            self.fail(SYNTAX, token, str(error), "in this string")


def _tokens(tree: object) -> list[Token]:
    return [cast("Token", t) for t in cast("Node", tree).children] if tree is not None else []


def _loc(token: object) -> Loc | None:
    if not isinstance(token, Token):
        return None
    start, _, end = token[1:].partition("-")
    line, column = map(int, start.split(":"))
    end_line, end_column = map(int, end.split(":")) if end else (line, column + 1)
    return Loc(line, column, end_line, end_column)

"""From parse trees to expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lark import Token, Tree, UnexpectedCharacters, UnexpectedToken

from sglc.expressions.grammar import (
    accepted,
    parse_tree,
    token_loc,
    tree_loc,
    unexpected_character,
)
from sglc.expressions.nodes import (
    Attribute,
    Binary,
    BinaryOp,
    BoolOp,
    Call,
    Compare,
    CompareOp,
    Comprehension,
    Conditional,
    DictExpr,
    Expr,
    Index,
    Keyword,
    ListExpr,
    Literal,
    Name,
    Slice,
    Text,
    Unary,
)
from sglc.expressions.problem import Mark, Problem
from sglc.expressions.strings import Part, merge, parse_string
from sglc.expressions.words import RESERVED, expected_names, token_name
from sglc.ir.core import Loc

MAX_DEPTH = 100
"""Nested expressions and blocks; keeps every recursion over them far from Python's limit."""

_GENERATORS = frozenset({"gen", "select"})
Branch = Tree[Token] | Token | None


class ExprBuilder:
    """
    Builds expressions from trees whose positions are `lines` and `columns` too small.

    Column shifts apply to single-line texts only, which is what `${}` holds.
    """

    def __init__(self, lines: int = 0, columns: int = 0) -> None:
        self.lines = lines
        self.columns = columns
        self.depth = 0

    def loc(self, node: Tree[Token] | Token) -> Loc:
        """Where the node is in the file."""
        place = token_loc(node) if isinstance(node, Token) else tree_loc(node)
        return self.shifted(place)

    def shifted(self, loc: Loc) -> Loc:
        """A location of the text as one of the file."""
        return Loc(
            loc.line + self.lines,
            loc.column + self.columns,
            loc.end_line + self.lines,
            loc.end_column + self.columns,
        )

    def name(self, token: Token) -> str:
        """The text of a name that is defined or read; reserved words are refused."""
        word = str(token)
        if word in RESERVED:
            raise Problem(
                "SGL0108",
                f"`{word}` is a reserved word",
                self.loc(token),
                "cannot be a name",
            )
        return word

    def optional(self, node: Branch) -> Expr | None:
        """The expression, or None for an absent one."""
        return None if node is None else self.expr(node)

    def expr(self, node: Branch) -> Expr:
        """
        The expression of a tree.

        Raises:
            Problem: a malformed string, a reserved word as a name, or nesting too deep.
        """
        tree = cast("Tree[Token]", node)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Problem("SGL0114", "expression is too deeply nested", self.loc(tree))
        try:
            built = self._build(str(tree.data), tree)
        finally:
            self.depth -= 1
        return built

    def _build(self, kind: str, tree: Tree[Token]) -> Expr:
        kids = tree.children
        loc = self.loc(tree)
        match kind:
            case "name":
                token = cast(Token, kids[0])
                if token in _GENERATORS:
                    return Name(str(token), loc=loc)
                return Name(self.name(token), loc=loc)
            case "number":
                return Literal(_number(str(kids[0])), loc=loc)
            case "text":
                return self.text(tree)
            case "true" | "false" | "none":
                return Literal({"true": True, "false": False, "none": None}[kind], loc=loc)
            case "group":
                return self.expr(kids[0])
            case "list":
                return ListExpr(tuple(self.expr(k) for k in kids if k is not None), loc=loc)
            case "dict":
                pairs = [cast("Tree[Token]", k).children for k in kids if k is not None]
                return DictExpr(
                    tuple((self.expr(key), self.expr(value)) for key, value in pairs), loc=loc
                )
            case "comprehension":
                return Comprehension(
                    self.expr(kids[0]),
                    self.names(kids[1]),
                    self.expr(kids[2]),
                    self.optional(kids[3]),
                    loc=loc,
                )
            case "dict_comprehension":
                key, value = cast("Tree[Token]", kids[0]).children
                return Comprehension(
                    self.expr(value),
                    self.names(kids[1]),
                    self.expr(kids[2]),
                    self.optional(kids[3]),
                    self.expr(key),
                    loc=loc,
                )
            case "attribute":
                return Attribute(self.expr(kids[0]), str(kids[1]), loc=loc)
            case "call":
                return self._call(kids, loc)
            case "index":
                return Index(self.expr(kids[0]), self.expr(kids[1]), loc=loc)
            case "slice":
                value, *bounds = kids
                start, stop, step = (self.optional(bound) for bound in bounds)
                return Slice(self.expr(value), start, stop, step, loc=loc)
            case "not_":
                return Unary("not", self.expr(kids[0]), loc=loc)
            case "unary":
                return self._unary(str(kids[0]), kids[1], loc)
            case "binary":
                left, op, right = kids
                return Binary(cast(BinaryOp, str(op)), self.expr(left), self.expr(right), loc=loc)
            case "bit_or":
                return Binary("|", self.expr(kids[0]), self.expr(kids[1]), loc=loc)
            case "and_":
                return BoolOp("and", self.expr(kids[0]), self.expr(kids[1]), loc=loc)
            case "or_":
                return BoolOp("or", self.expr(kids[0]), self.expr(kids[1]), loc=loc)
            case "compare":
                rest = tuple(
                    (_comparison(kids[i]), self.expr(kids[i + 1])) for i in range(1, len(kids), 2)
                )
                return Compare(self.expr(kids[0]), rest, loc=loc)
            case "conditional":
                then, condition, other = kids
                return Conditional(self.expr(condition), self.expr(then), self.expr(other), loc=loc)
        raise AssertionError(f"no expression is called {kind}")

    def _unary(self, op: str, operand: Branch, loc: Loc) -> Expr:
        value = self.expr(operand)
        if (
            op == "-"
            and isinstance(value, Literal)
            and isinstance(value.value, int | float)
            and not isinstance(value.value, bool)
        ):
            return Literal(-value.value, loc=loc)
        return Unary("-" if op == "-" else "+", value, loc=loc)

    def _call(self, kids: Sequence[Branch], loc: Loc) -> Expr:
        function = self.expr(kids[0])
        args: list[Expr] = []
        keywords: list[Keyword] = []
        given = cast("Tree[Token] | None", kids[1])
        for arg in given.children if given is not None else ():
            if arg is None:
                continue
            if isinstance(arg, Tree) and arg.data == "kwarg":
                keywords.append(self.keyword(arg))
            elif keywords:
                raise Problem(
                    "SGL0101",
                    "positional argument after a keyword argument",
                    self.loc(arg),
                    "belongs before the named ones",
                    marks=(Mark(keywords[0].loc, "named argument"),),
                )
            else:
                args.append(self.expr(arg))
        return Call(function, tuple(args), tuple(keywords), loc=loc)

    def keyword(self, tree: Tree[Token]) -> Keyword:
        """A `name=value` argument."""
        name, value = tree.children
        return Keyword(str(name), self.expr(value), loc=self.loc(cast(Token, name)))

    def names(self, node: Branch) -> tuple[str, ...]:
        """Targets of a loop."""
        tokens = cast("list[Token]", cast("Tree[Token]", node).children)
        return tuple(self.name(token) for token in tokens)

    def text(self, tree: Tree[Token]) -> Literal | Text:
        """Adjacent string literals as one."""
        parts: list[Part] = []
        for child in tree.children:
            token = cast(Token, child)
            place = self.loc(token)
            parts += parse_string(str(token), place.line, place.column, self._inner)
        merged = merge(parts)
        loc = self.loc(tree)
        if not merged:
            return Literal("", loc=loc)
        if len(merged) == 1 and isinstance(merged[0], str):
            return Literal(merged[0], loc=loc)
        return Text(tuple(merged), loc=loc)

    def _inner(self, source: str, line: int, column: int) -> Expr:
        # Most `${}` hold a name, which needs no parser.
        if source.isidentifier() and source not in RESERVED:
            return Name(source, loc=Loc(line, column, line, column + len(source)))
        return parse_expression(source, line, column, depth=self.depth)


def parse_expression(source: str, line: int = 1, column: int = 1, *, depth: int = 0) -> Expr:
    """
    Parse one expression that starts at `line:column` of a file.

    Raises:
        Problem: it is malformed.
    """
    builder = ExprBuilder(line - 1, column - 1)
    builder.depth = depth
    # The first token must not look indented, nor the text end in layout.
    body = source.lstrip(" \t")
    builder.columns += len(source) - len(body)
    try:
        tree = parse_tree(body.rstrip(), "expression")
    except UnexpectedCharacters as error:
        problem = unexpected_character(error)
        problem.loc = builder.shifted(problem.loc)
        raise problem from None
    except UnexpectedToken as error:
        raise _unexpected(error, builder, body) from None
    except Problem as problem:
        problem.loc = builder.shifted(problem.loc)
        raise
    return builder.expr(tree.children[0])


def _unexpected(error: UnexpectedToken, builder: ExprBuilder, body: str) -> Problem:
    token = error.token
    expected = expected_names(accepted(error) - {"_NL", "$END"})
    if token.type in ("$END", "_NL"):
        end = len(body.rstrip()) + 1
        place, found = Loc(1, end, 1, end + 1), "end of expression"
    else:
        place, found = token_loc(token), f"`{token}`"
    wanted = expected[0] if expected else token_name("$END")
    return Problem(
        "SGL0101",
        f"expected {wanted}, found {found}",
        builder.shifted(place),
        f"unexpected {found}",
    )


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    return int(plain) if plain.isdigit() else float(plain)


def _comparison(node: Branch) -> CompareOp:
    tree = cast("Tree[Token]", node)
    if tree.data == "in_":
        return "in"
    if tree.data == "not_in":
        return "not in"
    return cast(CompareOp, str(tree.children[0]))

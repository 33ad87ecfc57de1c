"""Random expressions for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

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
    Keyword,
    ListExpr,
    Literal,
    Name,
    Slice,
    Text,
    Unary,
)

VARIABLES = ("x", "y", "items", "tool", "s")
names = st.sampled_from(VARIABLES)
strings = st.text(
    st.one_of(st.sampled_from("ab\"'\\\n\t${}#é日\x01"), st.characters(exclude_categories=["Cs"])),
    max_size=6,
)
literals = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    strings,
).map(Literal)


def _text(parts: list[str | Expr]) -> Expr:
    merged: list[str | Expr] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return Text(tuple(merged)) if any(not isinstance(p, str) for p in merged) else Literal("t")


def _operators(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    arithmetic = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "|"])
    compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    optional = st.none() | inner
    return st.one_of(
        st.builds(Binary, arithmetic, inner, inner),
        st.builds(BoolOp, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(Unary, st.sampled_from(["-", "+", "not"]), inner).filter(_not_a_negative_number),
        st.builds(
            lambda first, rest: Compare(first, tuple(rest)),
            inner,
            st.lists(st.tuples(compare, inner), min_size=1, max_size=2),
        ),
        st.builds(Conditional, inner, inner, inner),
        st.builds(lambda xs: ListExpr(tuple(xs)), st.lists(inner, max_size=3)),
        st.builds(lambda ps: DictExpr(tuple(ps)), st.lists(st.tuples(inner, inner), max_size=2)),
        st.builds(Attribute, inner, st.sampled_from(["name", "tool", "items"])),
        st.builds(Index, inner, inner),
        st.builds(Slice, inner, optional, optional, optional),
        st.builds(
            lambda n, args, kw: Call(Name(n), tuple(args), tuple(kw)),
            st.sampled_from(["len", "str", "f"]),
            st.lists(inner, max_size=2),
            st.lists(st.builds(Keyword, names, inner), max_size=1),
        ),
        st.builds(
            lambda v, args: Call(Attribute(v, "strip"), tuple(args)),
            inner,
            st.lists(inner, max_size=1),
        ),
        st.builds(
            Comprehension,
            inner,
            st.lists(names, min_size=1, max_size=2, unique=True).map(tuple),
            inner,
            optional,
        ),
    )


def _not_a_negative_number(expr: Unary) -> bool:
    """`-1` is a constant, not an operation on one; the printer's brackets make it one too."""
    value = expr.value
    number = isinstance(value, Literal) and type(value.value) in (int, float)
    return not (number and expr.op == "-")


flat = st.recursive(st.one_of(literals, names.map(Name)), _operators, max_leaves=6)
_inner_texts = st.lists(st.one_of(strings, flat), min_size=1, max_size=2).map(_text)
texts = st.lists(st.one_of(strings, flat, _inner_texts), min_size=1, max_size=3).map(_text)
expressions = st.recursive(st.one_of(literals, names.map(Name), texts), _operators, max_leaves=8)
"""Expressions with strings inside `${}` at most three deep, which is what quotes allow."""

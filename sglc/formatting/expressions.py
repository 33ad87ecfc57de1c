"""Documents of the tokens of one logical line: where blanks stand and where lines may break."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sglc.formatting.brackets import Bracket, Item, Part, Role, is_unary, is_value
from sglc.formatting.document import (
    HARD,
    LINE,
    SOFT,
    Concat,
    Doc,
    Group,
    IfBroken,
    Indent,
    Suffix,
    Text,
    concat,
    group,
    is_hard,
)
from sglc.formatting.lines import Comment, Token

Where = Literal["line", "use"] | Role
"""What is around a run of parts."""
_LOOSEST = 1
_TIGHTEST = 7


def line_doc(parts: list[Part], *, field: bool = False) -> Doc:
    """The document of a whole logical line; `field` is one of a schema."""
    first = parts[0]
    use = isinstance(first, Token) and first.kind == "_USE"
    start, end = (0, 0) if use or field else _value_of(parts)
    value = parts[start:end]
    if not _can_wrap(value):
        return _flat(parts, "use" if use else "line")
    body = _expression(value, "group")
    if is_hard(body):
        return _flat(parts, "line")
    wrapped = group((IfBroken("("), Indent(concat((SOFT, body))), SOFT, IfBroken(")")))
    return concat((_flat(parts[:start], "line"), Text(" "), wrapped, _flat(parts[end:], "line")))


_BEFORE_VALUES = frozenset({"IF", "ELIF", "WHILE", "RETURN", "RAISE"})


def _value_of(parts: list[Part]) -> tuple[int, int]:
    """Where the expression is that a statement is about: a condition, or what is assigned."""
    end = len(parts)
    last = parts[-1]
    if isinstance(last, Token) and last.text == ":":
        end -= 1
    if isinstance(parts[0], Token) and parts[0].kind in _BEFORE_VALUES:
        return 1, end
    for number, part in enumerate(parts):
        if isinstance(part, Token) and part.kind in ("EQUAL", "AUGMENT"):
            return number + 1, end
    return 0, 0


def _can_wrap(value: list[Part]) -> bool:
    """Whether brackets around an expression would give it places to break at: its operators."""
    if any(_first(part).newline or _first(part).comments for part in value):
        return False
    strings = len(value) > 1 and _is_strings(value)
    return strings or any(_level(value, i) for i in range(1, len(value)))


# ---- runs of parts on one line -------------------------------------------------------------------


def _flat(parts: list[Part], where: Where, *, annotated: bool = False) -> Concat:
    """The parts with blanks between them; lines break inside brackets, or where `\\` broke them."""
    docs: list[Doc] = []
    before: Part | None = None
    tight = False
    for part in parts:
        if before is not None:
            blank = not tight and _blank(before, part, where, annotated)
            docs += _lead(part, _gap(part, where, blank), deeper=True)
        docs.append(_part(part))
        tight = isinstance(part, Token) and is_unary(part, before)
        before = part
    return concat(docs)


def _gap(part: Part, where: Where, blank: bool) -> Doc:
    if where in ("line", "use") and _first(part).newline:
        return concat((Text(" \\"), Indent(HARD)))
    return Text(" " if blank else "")


def _blank(before: Part, part: Part, where: Where, annotated: bool) -> bool:
    """Whether a blank stands between two neighbours."""
    if isinstance(part, Bracket):
        if part.role in ("call", "index"):
            return False
    elif part.text in (",", ".", "?", ":"):
        return False
    elif part.text == "=":
        return _spaced_equals(where, annotated)
    if isinstance(before, Bracket):
        return True
    if before.text == ".":
        return False
    if before.text == ":":
        return where != "index"
    return _spaced_equals(where, annotated) if before.text == "=" else True


def _spaced_equals(where: Where, annotated: bool) -> bool:
    return annotated if where == "call" else where != "use"


def _part(part: Part) -> Doc:
    return Text(part.text) if isinstance(part, Token) else _bracket(part)


def _first(part: Part) -> Token:
    return part.open if isinstance(part, Bracket) else part


def _lead(part: Part, default: Doc, *, deeper: bool = False) -> list[Doc]:
    """What stands before a part: its comments, each ending its line, or else `default`."""
    comments = _first(part).comments
    if not comments:
        return [default]
    newline: Doc = Indent(HARD) if deeper else HARD
    docs: list[Doc] = [Suffix(f"  {comments[0].text}"), newline]
    for comment in comments[1:]:
        docs += [Text(comment.text), newline]
    return docs


# ---- brackets ------------------------------------------------------------------------------------


def _bracket(bracket: Bracket) -> Doc:
    left, right = Text(bracket.open.text), Text(bracket.close.text)
    opening = [Suffix(f"  {comment.text}") for comment in bracket.opening]
    closing = [doc for comment in bracket.closing for doc in (HARD, Text(comment.text))]
    if not bracket.items:
        if not opening and not closing:
            return concat((left, right))
        return group((left, *opening, Indent(concat(closing)), HARD, right))
    if _hugs(bracket):
        return concat((left, _item(bracket.items[0], bracket), right))
    body: list[Doc] = [SOFT]
    for number, item in enumerate(bracket.items):
        last = number == len(bracket.items) - 1
        body += [_item(item, bracket), _comma(bracket, last)]
        body += _after(item.after)
        body += [] if last else [LINE]
    magic = bracket.comma and not _single(bracket)
    parts: list[Doc] = [left, *opening, Indent(concat((*body, *closing))), SOFT, right]
    return group(parts, broken=magic)


def _comma(bracket: Bracket, last: bool) -> Doc:
    if not last or (bracket.comma and _single(bracket)):
        return Text(",")
    return IfBroken(",") if _takes_comma(bracket) else Text("")


def _single(bracket: Bracket) -> bool:
    """A tuple of one item, which its comma makes one."""
    return bracket.role == "group" and len(bracket.items) == 1


def _takes_comma(bracket: Bracket) -> bool:
    """Whether the grammar allows a comma after the last item."""
    if bracket.role == "index" or _single(bracket):
        return False
    return not any(_is_comprehension(item.parts) for item in bracket.items)


def _after(comments: list[Comment]) -> list[Doc]:
    if not comments:
        return []
    rest = [doc for comment in comments[1:] for doc in (HARD, Text(comment.text))]
    return [Suffix(f"  {comments[0].text}"), *rest]


def _hugs(bracket: Bracket) -> bool:
    """Whether the brackets stand directly around those of their only item."""
    if len(bracket.items) != 1 or bracket.comma or bracket.opening or bracket.closing:
        return False
    item = bracket.items[0]
    if len(item.parts) != 1 or item.after or _first(item.parts[0]).comments:
        return False
    only = item.parts[0]
    return isinstance(only, Bracket) or "\n" in only.text


# ---- items ---------------------------------------------------------------------------------------


def _item(item: Item, bracket: Bracket) -> Doc:
    """An item with the comments on the lines above it."""
    above = [doc for c in _first(item.parts[0]).comments for doc in (Text(c.text), HARD)]
    parts = [_without_comments(item.parts[0]), *item.parts[1:]]
    split = _value_start(parts, bracket.role)
    if split == 0:
        several = len(bracket.items) > 1
        return concat((*above, _expression(parts, bracket.role, continued=several)))
    prefix, value = parts[:split], parts[split:]
    annotated = any(isinstance(p, Token) and p.text == ":" for p in prefix[:-1])
    spaced = bracket.role == "dict" or annotated
    head = _flat(prefix, bracket.role, annotated=annotated)
    if _is_strings(value) and _first(value[0]).newline and not _first(value[0]).comments:
        return concat((*above, head, Indent(concat((HARD, _expression(value, bracket.role))))))
    lead = _lead(value[0], Text(" " if spaced else ""), deeper=True)
    value = [_without_comments(value[0]), *value[1:]]
    return concat((*above, head, *lead, _expression(value, bracket.role, continued=True)))


def _without_comments(part: Part) -> Part:
    if isinstance(part, Token):
        return replace(part, comments=())
    return replace(part, open=replace(part.open, comments=()))


def _value_start(parts: list[Part], role: Role) -> int:
    """Where the value begins in `name=value` and `key: value`; 0 where there is no name or key."""
    mark = {"call": "=", "dict": ":"}.get(role)
    for number, part in enumerate(parts[:-1]):
        if isinstance(part, Token) and part.text == mark:
            return number + 1
    return 0


def _is_strings(parts: list[Part]) -> bool:
    return all(isinstance(part, Token) and part.kind == "STRING" for part in parts)


def _is_comprehension(parts: list[Part]) -> bool:
    return any(isinstance(part, Token) and part.kind == "FOR" for part in parts)


# ---- expressions that may break at their operators -----------------------------------------------


def _expression(parts: list[Part], where: Where, *, continued: bool = False) -> Doc:
    """Parts inside brackets; `continued` sets the lines after the first one deeper."""
    if len(parts) > 1 and _is_strings(parts):
        docs: list[Doc] = [_part(parts[0])]
        for part in parts[1:]:
            docs += _lead(part, HARD if _first(part).newline else LINE)
            docs.append(_part(part))
        strings = group(docs)
        return Indent(strings) if continued else strings
    if _is_comprehension(parts):
        return _split(parts, _clauses(parts), where, 0)
    for level in range(_LOOSEST, _TIGHTEST + 1):
        starts = [i for i in range(1, len(parts)) if _level(parts, i) == level]
        if starts and where != "index":
            pieces = _split(parts, starts, where, level)
            return Indent(pieces) if continued else pieces
    return _flat(parts, where)


def _split(parts: list[Part], starts: list[int], where: Where, level: int) -> Group:
    """The parts in pieces, of which all but the first begin with an operator or a word."""
    bounds = [0, *starts, len(parts)]
    docs: list[Doc] = []
    for number in range(len(bounds) - 1):
        piece = parts[bounds[number] : bounds[number + 1]]
        if number == 0:
            docs.append(_expression(piece, where))
            continue
        docs += _lead(piece[0], LINE)
        docs.append(_operand(piece, where, level))
    return group(docs)


def _operand(piece: list[Part], where: Where, level: int) -> Doc:
    """An operator and what follows it."""
    words = 2 if isinstance(piece[0], Token) and piece[0].kind == "NOT" else 1
    if level == 0:
        return _flat(piece, where)
    operator, operand = piece[:words], piece[words:]
    lead = _lead(operand[0], Text(" "))
    rest = [_without_comments(operand[0]), *operand[1:]]
    return concat((_flat(operator, where), *lead, _expression(rest, where)))


def _clauses(parts: list[Part]) -> list[int]:
    """Where the `for` and `if` of a comprehension begin."""
    kinds = [part.kind if isinstance(part, Token) else "" for part in parts]
    loop = kinds.index("FOR")
    return [i for i, kind in enumerate(kinds) if kind == "FOR" or (kind == "IF" and i > loop)]


_LEVELS = {"IF": 1, "ELSE": 1, "OR": 2, "AND": 3, "COMPARE": 4, "VBAR": 5, "SIGN": 6, "TIMES": 7}


def _level(parts: list[Part], index: int) -> int:
    """How loosely the operator at a place binds, loosest first; 0 where there is none."""
    part, before = parts[index], parts[index - 1]
    if not isinstance(part, Token) or is_unary(part, before):
        return 0
    if part.kind in ("IN", "NOT"):
        return 4 if is_value(before) else 0
    return _LEVELS.get(part.kind, 0)

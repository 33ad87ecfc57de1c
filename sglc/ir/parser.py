"""
Reading IR text by recursive descent. `sglir.lark` is the grammar; tests hold the two together.

A mistake of form ends its function, and reading goes on at the next one. What can be read although
it is wrong (unknown operations, undefined or doubly defined names) ends nothing, so that several
independent mistakes are all reported.
"""

from __future__ import annotations

from typing import NoReturn, cast, get_args

from sglc.diagnostics.core import Diagnostic, ParseError
from sglc.diagnostics.suggest import did_you_mean
from sglc.ir import text as literals
from sglc.ir.collector import without_collection
from sglc.ir.core import Attr, Func, Loc, Module, Op, Region, Symbol, TypeName, Value
from sglc.ir.ops import OPS
from sglc.ir.printer import VERSION
from sglc.ir.tokens import Tokens, tokens

SYNTAX, UNKNOWN_OP, UNDEFINED, REDEFINED, BAD_VERSION = (
    "SGL0150",
    "SGL0151",
    "SGL0152",
    "SGL0153",
    "SGL0154",
)
MAX_NESTING = 200
"""How deep regions, and lists in attributes, may be nested."""
MAX_ERRORS = 20
"""Reading ends after so many."""
MAX_DIGITS = 4000
"""Of an integer; Python itself reads and writes hardly more."""
_TYPES = frozenset(get_args(TypeName))
_WORDS: dict[str, Attr] = {
    "true": True,
    "false": False,
    "null": None,
    "inf": float("inf"),
    "nan": float("nan"),
}


@without_collection
def parse_module(text: str, file: str = "<sglir>") -> Module:
    """
    The module that the text describes. `file` is the name of the text itself, for messages.

    Raises `ParseError` with a located diagnostic for each mistake, up to `MAX_ERRORS`. What ops
    require is the verifier's business.
    """
    return _Parser(tokens(text, file)).module()


class _MalformedError(Exception):
    """The function cannot be read any further; its diagnostic is noted."""


class _Parser:
    def __init__(self, found: Tokens) -> None:
        self.found = found
        self.kinds = found.kinds
        self.texts = found.texts
        self.at = 0
        self.errors: list[Diagnostic] = []
        self.visible: dict[str, Value] = {}
        self.defined: dict[str, int] = {}
        """Token that defines each value of the function, visible or not."""
        self.missing: set[str] = set()
        """Undefined values of the function that were reported."""
        self.depth = 0

    # ---- mistakes --------------------------------------------------------------------------------

    def note(self, code: str, index: int, message: str, label: str = "", *helps: str) -> Diagnostic:
        """Note a mistake and go on; raises `ParseError` when there are too many."""
        span = self.found.span(index)
        found = Diagnostic(code=code, message=message, span=span, label=label, helps=helps)
        self.errors.append(found)
        if len(self.errors) >= MAX_ERRORS:
            raise ParseError(self.errors)
        return found

    def malformed(self, *expected: str) -> NoReturn:
        """The token here cannot stand here."""
        kind, text = self.kinds[self.at], self.texts[self.at]
        message = "unexpected end of file" if kind == "end" else f"unexpected `{text}`"
        wanted = ", ".join(expected[:-1]) + f" or {expected[-1]}" if expected[1:] else expected[0]
        self.note(SYNTAX, self.at, message, "not expected here", f"expected {wanted}")
        raise _MalformedError

    def nested(self) -> None:
        """One level deeper."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            message = f"nested more than {MAX_NESTING} levels deep"
            self.note(SYNTAX, self.at, message, "one level too many")
            raise _MalformedError

    # ---- tokens ----------------------------------------------------------------------------------

    def take(self, kind: str, expected: str) -> str:
        """The text of a token of this kind, which is passed."""
        if self.kinds[self.at] != kind:
            self.malformed(expected)
        self.at += 1
        return self.texts[self.at - 1]

    def mark(self, mark: str) -> None:
        """Pass a mark."""
        if self.kinds[self.at] != mark:
            self.malformed(f"`{mark}`")
        self.at += 1

    def keyword(self, word: str) -> None:
        """Pass a keyword."""
        if self.kinds[self.at] != "word" or self.texts[self.at] != word:
            self.malformed(f"`{word}`")
        self.at += 1

    def more(self, close: str) -> bool:
        """After an item of a list: pass the comma, or the mark that closes the list."""
        kind = self.kinds[self.at]
        if kind not in (",", close):
            self.malformed("`,`", f"`{close}`")
        self.at += 1
        return kind == ","

    # ---- modules and functions -------------------------------------------------------------------

    def module(self) -> Module:
        module = Module("")
        try:
            self.header(module)
        except _MalformedError:
            raise ParseError(self.errors) from None
        while self.kinds[self.at] != "end":
            try:
                self.func(module)
            except _MalformedError:
                self.next_function()
        if self.errors:
            raise ParseError(self.errors)
        return module

    def header(self, module: Module) -> None:
        self.keyword("sglir")
        version = self.take("int", "a version number")
        if version != str(VERSION):
            self.note(
                BAD_VERSION,
                self.at - 1,
                f"IR text of version {version[:20]} cannot be read",
                f"this sglc reads version {VERSION}",
                "compile the program again with this sglc: `sglc compile FILE`",
                "or read the text with the sglc that wrote it",
            )
            raise _MalformedError
        self.keyword("module")
        module.file = self.string(self.take("string", "the file's name as a string"))
        if self.kinds[self.at] == "{":
            module.attrs = self.attrs()

    def next_function(self) -> None:
        """Go on at the next line that begins with `func`."""
        self.depth = 0
        while self.kinds[self.at] != "end":
            self.at += 1
            if self.texts[self.at] == "func" and self.found.begins_line(self.at):
                return

    def func(self, module: Module) -> None:
        if self.texts[self.at] != "func":
            self.malformed("`func`", "the end of the file")
        self.at += 1
        place = self.at
        name = self.symbol(self.take("symbol", "the function's name, such as `@main`"))
        if name in module.funcs:
            message = f"function `{self.texts[place]}` is defined twice"
            self.note(REDEFINED, place, message, "second one")
        self.visible, self.defined, self.missing = {}, {}, set()
        self.mark("(")
        func = Func(name, self.params())
        if self.kinds[self.at] == "{" and self.kinds[self.at + 1] in ("word", "string"):
            func.attrs = self.attrs()
        self.body(func.body)
        func.loc = self.loc()
        module.funcs[name] = func

    def params(self) -> list[Value]:
        """Values with their types, up to the closing parenthesis."""
        values: list[Value] = []
        if self.kinds[self.at] == ")":
            self.at += 1
            return values
        while True:
            place = self.at
            self.take("value", "a value, such as `%x`")
            self.mark(":")
            values.append(self.define(place, self.type()))
            if not self.more(")"):
                return values

    def type(self) -> TypeName:
        name = self.texts[self.at]
        if name not in _TYPES:
            self.malformed(*(f"`{t}`" for t in sorted(_TYPES)))
        self.at += 1
        return cast("TypeName", name)

    # ---- operations ------------------------------------------------------------------------------

    def body(self, region: Region) -> None:
        self.mark("{")
        while True:
            kind = self.kinds[self.at]
            if kind == "}":
                self.at += 1
                return
            if kind not in ("value", "op"):
                self.malformed("an operation", "`}`")
            region.append(self.op())

    def op(self) -> Op:
        results = self.results() if self.kinds[self.at] == "value" else []
        place = self.at
        name = self.take("op", "an operation, such as `lm.gen`")
        if name not in OPS:
            self.note(
                UNKNOWN_OP, place, f"unknown op `{name}`", "no such op", *did_you_mean(name, OPS)
            )
        operands = self.operands()
        attrs = self.attrs() if self.kinds[self.at] == "{" else {}
        regions = []
        while self.kinds[self.at] == "^":
            regions.append(self.region())
        made = [self.define(index, type) for index, type in results]
        return Op(name, operands, made, attrs, regions, self.loc())

    def results(self) -> list[tuple[int, TypeName]]:
        found: list[tuple[int, TypeName]] = []
        while True:
            place = self.at
            self.take("value", "a value, such as `%x`")
            type: TypeName = "val"
            if self.kinds[self.at] == ":":
                self.at += 1
                type = self.type()
            found.append((place, type))
            if self.kinds[self.at] == "=":
                self.at += 1
                return found
            if self.kinds[self.at] != ",":
                self.malformed("`,`", "`:`", "`=`")
            self.at += 1

    def operands(self) -> list[Value]:
        self.mark("(")
        found: list[Value] = []
        if self.kinds[self.at] == ")":
            self.at += 1
            return found
        while True:
            name = self.take("value", "a value, such as `%x`")
            value = self.visible.get(name)
            found.append(value if value is not None else self.undefined(name))
            if not self.more(")"):
                return found

    def region(self) -> Region:
        self.nested()
        self.at += 1
        label = self.take("word", "the region's label")
        region = Region(label)
        if self.kinds[self.at] == "(":
            self.at += 1
            for value in self.params():
                value.owner = region
                region.args.append(value)
        self.body(region)
        for value in (*region.args, *(r for op in region.ops for r in op.results)):
            self.visible.pop(f"%{value.name}", None)
        self.depth -= 1
        return region

    def define(self, place: int, type: TypeName) -> Value:
        name = self.texts[place]
        value = Value(name[1:], type)
        first = self.defined.setdefault(name, place)
        if first != place:
            label = f"first defined on line {self.found.line(first)}"
            self.note(REDEFINED, place, f"value `{name}` is defined twice", label)
        self.visible[name] = value
        return value

    def undefined(self, name: str) -> Value:
        """A stand-in for a value that is not visible; each is reported once."""
        if name not in self.missing:
            self.missing.add(name)
            if name in self.defined:
                line = self.found.line(self.defined[name])
                helps: tuple[str, ...] = (
                    f"`{name}` of line {line} is hidden in its region; `cf.yield` hands it over",
                )
            else:
                helps = did_you_mean(name, self.visible)
            message = f"value `{name}` is not defined"
            self.note(UNDEFINED, self.at - 1, message, "not found here", *helps)
        return Value(name[1:], "val")

    def loc(self) -> Loc | None:
        if self.kinds[self.at] != "loc":
            return None
        text = self.texts[self.at][1:]
        self.at += 1
        if len(text) > 4 * 10:
            self.note(SYNTAX, self.at - 1, "a location of more than ten digits", "not a location")
            return None
        start, _, end = text.partition("-")
        line, _, column = start.partition(":")
        if not end:
            return Loc(int(line), int(column), int(line), int(column) + 1)
        end_line, _, end_column = end.partition(":")
        return Loc(int(line), int(column), int(end_line), int(end_column))

    # ---- attributes ------------------------------------------------------------------------------

    def attrs(self) -> dict[str, Attr]:
        self.mark("{")
        found: dict[str, Attr] = {}
        while True:
            place = self.at
            if self.kinds[place] not in ("word", "string"):
                self.malformed("an attribute's name")
            self.at += 1
            text = self.texts[place]
            name = text if self.kinds[place] == "word" else self.string(text)
            self.mark("=")
            value = self.value()
            if name in found:
                message = f"attribute `{name}` is given twice"
                self.note(REDEFINED, place, message, "second one")
            found[name] = value
            if not self.more("}"):
                return found

    def value(self) -> Attr:
        kind, text = self.kinds[self.at], self.texts[self.at]
        if kind in ("[", "{"):
            return self.nested_value(kind)
        self.at += 1
        match kind:
            case "string":
                return self.string(text)
            case "int":
                return self.integer(text)
            case "float":
                return float(text)
            case "symbol":
                return Symbol(self.symbol(text))
            case "word" if text in _WORDS:
                return _WORDS[text]
        self.at -= 1
        self.malformed('a value, such as `1`, `"text"`, `true` or `[1, 2]`')

    def nested_value(self, kind: str) -> Attr:
        self.nested()
        self.at += 1
        value = self.items() if kind == "[" else self.pairs()
        self.depth -= 1
        return value

    def items(self) -> tuple[Attr, ...]:
        if self.kinds[self.at] == "]":
            self.at += 1
            return ()
        found = [self.value()]
        while self.more("]"):
            found.append(self.value())
        return tuple(found)

    def pairs(self) -> dict[str, Attr]:
        found: dict[str, Attr] = {}
        if self.kinds[self.at] == "}":
            self.at += 1
            return found
        while True:
            place = self.at
            key = self.string(self.take("string", "a key as a string"))
            self.mark(":")
            if key in found:
                self.note(REDEFINED, place, f"key `{key}` is given twice", "second one")
            found[key] = self.value()
            if not self.more("}"):
                return found

    def integer(self, text: str) -> int:
        if len(text) > MAX_DIGITS:
            self.note(SYNTAX, self.at - 1, f"an integer of more than {MAX_DIGITS} digits")
            return 0
        return int(text)

    def symbol(self, text: str) -> str:
        """The name in the symbol that was just passed."""
        return self.string(text[1:]) if text[1] == '"' else text[1:]

    def string(self, literal: str) -> str:
        """What the literal that was just passed stands for."""
        try:
            return literals.unquote(literal)
        except ValueError as error:
            self.note(SYNTAX, self.at - 1, str(error), "in this string")
            return ""

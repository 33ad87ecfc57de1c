"""
The functions and methods of scripts as documentation: docs/sgl.md holds tables made from this.

A test checks that every one is here, and that each example has the value next to it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One function or method."""

    name: str
    usage: str
    about: str
    example: str
    """An expression over constants."""
    value: str
    """What it gives, as an expression."""


FUNCTIONS = (
    Entry("len", "len(x)", "items, keys or characters", 'len("abc")', "3"),
    Entry("range", "range(stop)`, `range(start, stop, step)", "lazy whole numbers",
          "list(range(1, 6, 2))", "[1, 3, 5]"),
    Entry("enumerate", "enumerate(xs, start=0)", "pairs of a number and an item",
          'enumerate(["a", "b"], 1)', '[[1, "a"], [2, "b"]]'),
    Entry("zip", "zip(xs, ys, ...)", "rows, as many as the shortest has",
          'zip([1, 2, 3], ["a", "b"])', '[[1, "a"], [2, "b"]]'),
    Entry("sorted", "sorted(xs, key=none, reverse=false)",
          "in order; `key` is a field's name or an index",
          'sorted([{"n": 2}, {"n": 1}], key="n")', '[{"n": 1}, {"n": 2}]'),
    Entry("reversed", "reversed(xs)", "from the end", "reversed([1, 2])", "[2, 1]"),
    Entry("unique", "unique(xs)", "each item once, where it was first", "unique([2, 1, 2])",
          "[2, 1]"),
    Entry("min", "min(xs, key=none, default=...)`, `min(a, b, ...)", "the smallest",
          "min([3, 1, 2])", "1"),
    Entry("max", "max(xs, key=none, default=...)`, `max(a, b, ...)", "the largest",
          'max(["ann", "bo"], default="")', '"bo"'),
    Entry("sum", "sum(xs, start=0)", "of numbers", "sum([1, 2.5])", "3.5"),
    Entry("any", "any(xs)", "whether one holds", 'any([0, "", 2])', "true"),
    Entry("all", "all(xs)", "whether each holds", "all([1, []])", "false"),
    Entry("abs", "abs(x)", "without its sign", "abs(-2)", "2"),
    Entry("round", "round(x, digits=none)", "half to even, as in Python", "round(2.567, 1)", "2.6"),
    Entry("int", "int(x)", "of text, or cut off at the dot", 'int(" 42 ") + int(3.9)', "45"),
    Entry("float", "float(x)", "of text or a whole number", 'float("1e3")', "1000.0"),
    Entry("bool", "bool(x)", "whether a condition would hold", 'bool("")', "false"),
    Entry("str", "str(x)", "what `${x}` shows", "str([1, none])", '"[1,null]"'),
    Entry("list", "list(xs)", "of characters, keys or a range", 'list("ab")', '["a", "b"]'),
    Entry("dict", "dict(pairs, name=value, ...)", "of pairs, another dict, and names",
          'dict([["a", 1]], b=2)', '{"a": 1, "b": 2}'),
    Entry("type", "type(x)",
          "`none`, `bool`, `int`, `float`, `str`, `list`, `dict` or `range`",
          'type(1.5)', '"float"'),
    Entry("json", "json(x, indent=none)", "JSON text, on several lines with `indent`",
          'json({"a": "b"})', "'{\"a\":\"b\"}'"),
    Entry("parse_json", "parse_json(text)", "the value of JSON text", "parse_json('[1, null]')",
          "[1, none]"),
    Entry("value_error", "value_error(message)", "an error for `raise`",
          'value_error("no").message', '"no"'),
    Entry("gen_error", "gen_error(message)", "an error for `raise`", 'gen_error("no").kind',
          '"gen_error"'),
    Entry("extern_error", "extern_error(message)", "an error for `raise`",
          'extern_error("no").kind', '"extern_error"'),
)  # fmt: skip

STR_METHODS = (
    Entry("upper", "upper()", "in capitals", '"aB".upper()', '"AB"'),
    Entry("lower", "lower()", "in small letters", '"aB".lower()', '"ab"'),
    Entry("title", "title()", "each word with a capital", '"a tale".title()', '"A Tale"'),
    Entry("capitalize", "capitalize()", "one capital, then small letters", '"aB".capitalize()',
          '"Ab"'),
    Entry("swapcase", "swapcase()", "capitals and small letters exchanged", '"aB".swapcase()',
          '"Ab"'),
    Entry("casefold", "casefold()", "for comparing without case", '"Straße".casefold()',
          '"strasse"'),
    Entry("strip", "strip(chars=none)", "without blanks, or `chars`, at both ends",
          '" a ".strip()', '"a"'),
    Entry("lstrip", "lstrip(chars=none)", "the same at the start", '"xxa".lstrip("x")', '"a"'),
    Entry("rstrip", "rstrip(chars=none)", "the same at the end", '"a.".rstrip(".")', '"a"'),
    Entry("removeprefix", "removeprefix(part)", "without a start", '"a: b".removeprefix("a: ")',
          '"b"'),
    Entry("removesuffix", "removesuffix(part)", "without an end", '"a.md".removesuffix(".md")',
          '"a"'),
    Entry("startswith", "startswith(part)", "whether it starts so", '"abc".startswith("ab")',
          "true"),
    Entry("endswith", "endswith(part)", "whether it ends so", '"abc".endswith("ab")', "false"),
    Entry("find", "find(part, start=none, end=none)", "where it is first, or -1",
          '"abab".find("b")', "1"),
    Entry("rfind", "rfind(part, start=none, end=none)", "where it is last, or -1",
          '"abab".rfind("b")', "3"),
    Entry("index", "index(part, start=none, end=none)", "as `find`; an error if it is not there",
          '"abab".index("b", 2)', "3"),
    Entry("rindex", "rindex(part, start=none, end=none)", "as `rfind`; an error likewise",
          '"abab".rindex("a")', "2"),
    Entry("count", "count(part, start=none, end=none)", "how often, without overlaps",
          '"aaa".count("aa")', "1"),
    Entry("replace", "replace(old, new, count=-1)", "with each `old` replaced",
          '"aaa".replace("a", "b", 2)', '"bba"'),
    Entry("split", "split(sep=none, maxsplit=-1)", "at `sep`, or at blanks",
          '"a, b".split(", ")', '["a", "b"]'),
    Entry("rsplit", "rsplit(sep=none, maxsplit=-1)", "the same from the end",
          '"a.b.c".rsplit(".", 1)', '["a.b", "c"]'),
    Entry("splitlines", "splitlines(keepends=false)", "at line ends", '"a\\nb\\n".splitlines()',
          '["a", "b"]'),
    Entry("partition", "partition(sep)", "before, `sep`, after", '"k=v=w".partition("=")',
          '["k", "=", "v=w"]'),
    Entry("rpartition", "rpartition(sep)", "the same at the last `sep`", '"k=v=w".rpartition("=")',
          '["k=v", "=", "w"]'),
    Entry("join", "join(xs)", "the items, as `${}` shows them, with it in between",
          '", ".join(["a", 1])', '"a, 1"'),
    Entry("ljust", "ljust(width, fill)", "filled up at the end", '"a".ljust(3, ".")', '"a.."'),
    Entry("rjust", "rjust(width, fill)", "filled up at the start", '"7".rjust(3)', '"  7"'),
    Entry("center", "center(width, fill)", "filled up on both sides", '"a".center(3, "-")',
          '"-a-"'),
    Entry("zfill", "zfill(width)", "filled up with zeros", '"-7".zfill(4)', '"-007"'),
    Entry("expandtabs", "expandtabs(tabsize=8)", "with tabs as blanks", '"a\\tb".expandtabs(4)',
          '"a   b"'),
    Entry("isalpha", "isalpha()", "letters only", '"ab1".isalpha()', "false"),
    Entry("isdigit", "isdigit()", "digits only", '"12".isdigit()', "true"),
    Entry("isdecimal", "isdecimal()", "digits that `int` reads only", '"²".isdecimal()', "false"),
    Entry("isnumeric", "isnumeric()", "numerals of any kind only", '"½".isnumeric()', "true"),
    Entry("isalnum", "isalnum()", "letters and numerals only", '"ab1".isalnum()', "true"),
    Entry("isspace", "isspace()", "blanks only", '" \\t".isspace()', "true"),
    Entry("isupper", "isupper()", "its letters are capitals", '"A1".isupper()', "true"),
    Entry("islower", "islower()", "its letters are small", '"a1".islower()', "true"),
    Entry("istitle", "istitle()", "as `title` would make it", '"A Tale".istitle()', "true"),
    Entry("isidentifier", "isidentifier()", "can be a name", '"a1".isidentifier()', "true"),
    Entry("isascii", "isascii()", "ASCII only", '"é".isascii()', "false"),
)  # fmt: skip

LIST_METHODS = (
    Entry("index", "index(x)", "where it is first; an error if it is not there",
          '["a", "b"].index("b")', "1"),
    Entry("count", "count(x)", "how often", "[1, 2, 1].count(1)", "2"),
)  # fmt: skip

DICT_METHODS = (
    Entry("get", "get(key, default=none)", "the value, or the default", '{"a": 1}.get("b", 0)',
          "0"),
    Entry("keys", "keys()", "a list", '{"a": 1}.keys()', '["a"]'),
    Entry("values", "values()", "a list", '{"a": 1}.values()', "[1]"),
    Entry("items", "items()", "pairs", '{"a": 1}.items()', '[["a", 1]]'),
)  # fmt: skip

TABLES = (
    ("function", FUNCTIONS),
    ("method of strings", STR_METHODS),
    ("method of lists and ranges", LIST_METHODS),
    ("method of dicts", DICT_METHODS),
)


def tables() -> str:
    """Every function and method as Markdown tables."""
    parts = []
    for title, entries in TABLES:
        rows = [f"| {title} | what it gives | example | |", "|---|---|---|---|"]
        rows += [
            f"| `{entry.usage}` | {entry.about} | `{_cell(entry.example)}` | "
            f"`{_cell(entry.value)}` |"
            for entry in entries
        ]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

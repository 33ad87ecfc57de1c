"""Words of the script language, and how tokens are called in messages."""

from __future__ import annotations

ROLES = ("system", "user", "assistant", "tool")
TOP_LEVEL = ("def", "fragment", "extern", "schema", "import", "use")
STATEMENTS = (
    "if", "elif", "else", "for", "while", "fork", "try", "except", "finally",
    "raise", "return", "break", "continue", "pass",
)  # fmt: skip
OPERATORS = ("and", "or", "not", "in", "true", "false", "none", "True", "False", "None")
GENERATORS = ("gen", "select")
RESERVED = frozenset((*STATEMENTS, *OPERATORS, *GENERATORS, "def"))
"""Words that cannot name anything."""

_TOKENS = {
    "_IMPORT": "`import`",
    "_USE": "`use`",
    "_SCHEMA": "`schema`",
    "_EXTERN": "`extern`",
    "_FRAGMENT": "`fragment`",
    "_NL": "end of line",
    "_INDENT": "an indented block",
    "_DEDENT": "end of block",
    "$END": "end of file",
    "NAME": "a name",
    "STRING": "a string",
    "NUMBER": "a number",
    "ROLE": "a role",
    "COLON": "`:`",
    "COMMA": "`,`",
    "DOT": "`.`",
    "EQUAL": "`=`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "VBAR": "`|`",
    "QMARK": "`?`",
    "__ANON_0": "`->`",
    "SIGN": "`+` or `-`",
    "TIMES": "an operator",
    "POWER": "an operator",
    "COMPARE": "a comparison",
    "AUGMENT": "`+=`",
}
_EXPRESSION_START = frozenset({"NAME", "NUMBER", "STRING", "LSQB", "LBRACE", "LPAR"})
_OPERATORS = frozenset(
    {"TIMES", "POWER", "COMPARE", "VBAR", "SIGN", "AND", "OR", "IN", "NOT", "IF"}
)


def token_name(kind: str) -> str:
    """What a terminal is called in messages."""
    return _TOKENS.get(kind) or f"`{kind.lower()}`"


def expected_names(kinds: set[str]) -> list[str]:
    """Names of what may stand at a place, whole families by one name, the likely ones first."""
    # A terminal without a name of its own has none that a reader knows.
    kinds = {kind for kind in kinds if kind in _TOKENS or not kind.startswith("__ANON_")}
    found = []
    if kinds >= _EXPRESSION_START:
        found.append("an expression")
        kinds -= _EXPRESSION_START | {"NOT", "SIGN", "TRUE", "FALSE", "NONE"}
    elif {"TIMES", "COMPARE"} <= kinds:
        found.append("an operator")
        kinds -= _OPERATORS | {"DOT", "LPAR", "LSQB", "AUGMENT", "STRING"}
    order = ["COLON", "EQUAL", "RPAR", "RSQB", "RBRACE", "COMMA", "NAME", "STRING", "_NL"]
    first = [token_name(kind) for kind in order if kind in kinds]
    rest = sorted(token_name(kind) for kind in kinds.difference(order))
    return list(dict.fromkeys(first + found + rest))

"""What an editor shows about the name under the cursor, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sglc.expressions import reference
from sglc.expressions.nodes import Call, Expr, Keyword, Name
from sglc.expressions.parameters import BOUNDS, GEN, SELECT
from sglc.expressions.printer import print_expr
from sglc.expressions.words import ROLES
from sglc.frontends.script.ast import Extern, Function, Import, Param, Schema
from sglc.frontends.script.generation import is_generation
from sglc.frontends.script.types import type_text
from sglc.ir.core import Loc
from sglc.lsp import kinds
from sglc.lsp.project import Analysis
from sglc.lsp.symbols import Binding, Member, Occurrence, Symbol, contains

_WORDS = {
    "fork": "`lm.fork`: the block runs once for each item, each time on a copy of the prompt",
    "use": "sampling parameters for every `gen` of this file that does not set them itself",
    "fragment": "a function that appends to the prompt of its caller",
    "extern": "a Python function; whoever runs the script allows its module by name",
    "schema": "a JSON object; `gen(json=Name)` makes the model write one",
    **{role: f"`lm.role_begin`: a message of the {role}" for role in ROLES},
    "gen": "`lm.gen`: the model continues the prompt",
    "select": "`lm.select`: the model chooses one of the strings",
}
Shown = tuple[str, Loc]


def hover(analysis: Analysis, line: int, column: int) -> Shown | None:
    """Markdown about a place, and the stretch that it is about; None where nothing is known."""
    occurrence = analysis.index.at(line, column)
    call = _generation_at(analysis, line, column)
    if call is not None:
        return _generation(analysis, call), call.function.loc
    if occurrence is not None:
        return _symbol(analysis, occurrence), occurrence.loc
    member = analysis.index.member_at(line, column)
    if member is not None:
        return _member(analysis, member)
    return _word(analysis, line, column)


# ---- variables -----------------------------------------------------------------------------------


def _symbol(analysis: Analysis, occurrence: Occurrence) -> str:
    symbol = occurrence.symbol
    match symbol.node:
        case Function() | Extern():
            return _block(signature(symbol.node), doc_comment(symbol))
        case Schema():
            return _block(_schema(symbol.node), symbol.node.doc or "")
        case Import():
            return _block(f'import "{symbol.node.path}" as {symbol.name}')
        case Param():
            return _block(parameter(symbol.node))
    here = [b for b in symbol.bindings if b.loc == occurrence.loc and occurrence.definition]
    kind = analysis.inference.symbol(symbol)
    if here:
        kind = analysis.inference.binding(here[0])
    sources = dict.fromkeys(
        text for binding in here or symbol.bindings for text in [_source(analysis, binding)] if text
    )
    return _block(f"{symbol.name}: {kinds.show(kind)}", "\n\n".join(sources))


def _source(analysis: Analysis, binding: Binding) -> str:
    """Which op gives the variable its value."""
    value = binding.value
    if binding.how == "branches":
        return "`lm.fork`: its branches' variables, in order"
    if binding.how == "error":
        return "the error that was handled"
    if value is None:
        return ""
    shown = print_expr(value)
    if binding.how != "value":
        return f"from `{_short(shown)}`"
    if is_generation(value):
        assert isinstance(value, Call)
        return _generation(analysis, value)
    if isinstance(value, Call):
        target = analysis.index.target(value.function)
        if target is not None:
            op = "py.call" if target.kind == "extern" else "cf.call"
            return f"`{op} @{target.name}`"
    return f"`{_short(shown)}`"


def _short(text: str) -> str:
    return (text if len(text) <= 80 else text[:77] + "...").replace("`", "'")


def _member(analysis: Analysis, member: Member) -> Shown | None:
    inference = analysis.inference
    kind = inference.expr(member.node.value)
    found = inference.member(kind, member.node.name)
    branch = next(
        (e for e in kinds.members(kind) if isinstance(e, kinds.Branch)
         and member.node.name in e.scope.variables), None
    )  # fmt: skip
    if branch is not None:
        symbol = branch.scope.variables[member.node.name]
        place = Occurrence(member.loc, symbol)
        return _symbol(analysis, place), member.loc
    if kinds.fields(kind).get(member.node.name) is not None:
        return _block(f"{member.node.name}: {kinds.show(found)}"), member.loc
    entry = method_entry(kind, member.node.name)
    if entry is not None:
        return describe_entry(entry), member.loc
    return None


def method_entry(kind: kinds.Kind, name: str) -> reference.Entry | None:
    """The documentation of a method of values of a kind."""
    return next((entry for entry in methods_of(kind) if entry.name == name), None)


def methods_of(kind: kinds.Kind) -> Iterator[reference.Entry]:
    """Methods that values of a kind have; those of every kind where nothing is known."""
    seen: set[str] = set()
    for each in kinds.members(kind):
        for entry in _table(each):
            if entry.name not in seen:
                seen.add(entry.name)
                yield entry


def _table(kind: kinds.Kind) -> Iterable[reference.Entry]:
    if kind == kinds.STR or isinstance(kind, kinds.Choice):
        return reference.STR_METHODS
    if isinstance(kind, kinds.Record | kinds.Branch):
        return reference.DICT_METHODS
    if isinstance(kind, kinds.Named):
        if kind.name in ("list", "range"):
            return reference.LIST_METHODS
        if kind.name == "dict":
            return reference.DICT_METHODS
        if kind == kinds.ANY:
            tables = (reference.STR_METHODS, reference.LIST_METHODS, reference.DICT_METHODS)
            return [entry for table in tables for entry in table]
    return ()


# ---- generations ---------------------------------------------------------------------------------


def _generation_at(analysis: Analysis, line: int, column: int) -> Call | None:
    found = (call for call in analysis.index.generations)
    return next((call for call in found if contains(call.function.loc, line, column)), None)


def _generation(analysis: Analysis, call: Call) -> str:
    """The op of a `gen` or `select` with the parameters in force, and where each comes from."""
    assert isinstance(call.function, Name)
    kind = call.function.id
    table = GEN if kind == "gen" else SELECT
    rows = [f"- `{_setting(k)}`" for k in call.keywords]
    rows += [f"- `{_setting(Keyword('choices', arg))}`" for arg in call.args if kind == "select"]
    given = {keyword.name for keyword in call.keywords}
    used = [
        setting
        for name, setting in analysis.index.unit.settings.items()
        if name not in given and name in table and kind == "gen"
    ]
    rows += [f"- `{_setting(setting)}` from `use`" for setting in used]
    return "\n".join([f"`lm.{kind}`" + (" with" if rows else ""), *rows])


def _setting(keyword: Keyword) -> str:
    return f"{keyword.name}={_short(print_expr(keyword.value))}"


# ---- definitions ---------------------------------------------------------------------------------


def parameter(param: Param) -> str:
    """A parameter as it is declared."""
    text = param.name
    if param.type is not None:
        text += f": {type_text(param.type)}"
    if param.default is not None:
        equals = " = " if param.type is not None else "="
        text += equals + _default(param.default)
    return text


def _default(expr: Expr) -> str:
    text = print_expr(expr)
    return text if len(text) <= 60 else text[:57] + "..."


def signature(node: Function | Extern) -> str:
    """The header of a function."""
    word = {"function": "def", "fragment": "fragment"}
    kind = word[node.kind] if isinstance(node, Function) else "extern def"
    params = ", ".join(map(parameter, node.params))
    returns = f" -> {type_text(node.returns)}" if node.returns is not None else ""
    target = f' from "{node.target}"' if isinstance(node, Extern) else ""
    return f"{kind} {node.name}({params}){returns}{target}"


def doc_comment(symbol: Symbol) -> str:
    """The comment on the lines right above a definition."""
    lines = symbol.unit.text.split("\n")
    found: list[str] = []
    for number in range(symbol.places[0].line - 2, -1, -1):
        line = lines[number].strip()
        if not line.startswith("#"):
            break
        found.append(line.lstrip("#").strip())
    return "\n".join(reversed(found))


def _schema(schema: Schema) -> str:
    lines = [f"schema {schema.name}:"]
    for field in schema.fields:
        default = f" = {_default(field.default)}" if field.default is not None else ""
        doc = f"  # {field.doc}" if field.doc else ""
        lines.append(f"    {field.name}: {type_text(field.type)}{default}{doc}")
    return "\n".join(lines)


def _block(code: str, text: str = "") -> str:
    return f"```sgl\n{code}\n```" + (f"\n\n{text}" if text else "")


# ---- words ---------------------------------------------------------------------------------------


def _word(analysis: Analysis, line: int, column: int) -> Shown | None:
    """Words of the language, builtin functions and parameters of `gen`."""
    word, loc = analysis.word(line, column)
    found = analysis.cursor(line, loc.column)
    if not word or found.kind != "code":
        return None
    if found.opened is not None and found.opened.function in ("gen", "select"):
        text = describe_parameter(word, found.opened.function)
        if text and analysis.line(line)[loc.end_column - 1 :].lstrip().startswith("="):
            return text, loc
    entry = next((each for each in reference.FUNCTIONS if each.name == word), None)
    if entry is not None:
        return describe_entry(entry), loc
    return (_WORDS[word], loc) if word in _WORDS else None


def describe_entry(entry: reference.Entry) -> str:
    """Markdown about a builtin function or method."""
    usage = entry.usage.replace("`, `", "\n")
    return _block(usage, f"{entry.about}\n\n`{entry.example}` is `{entry.value}`")


def describe_parameter(name: str, function: str) -> str:
    """Markdown about a parameter of `gen` or `select`; empty for others."""
    schema = (GEN if function == "gen" else SELECT).get(name)
    if schema is None:
        return ""
    low_high = BOUNDS.get(name)
    bounds = f", from {low_high[0]:g} to {low_high[1]:g}" if low_high is not None else ""
    return f"`{name}` of `{function}`: {_json_words(schema)}{bounds}"


def _json_words(schema: dict[str, object]) -> str:
    if "enum" in schema:
        values = schema["enum"]
        assert isinstance(values, list)
        return "one of " + ", ".join(f"`{value}`" for value in values)
    match schema.get("type"):
        case "array":
            return "a list"
        case str() as name:
            words = {"integer": "a whole number", "number": "a number", "string": "a string"}
            return words.get(name, "true or false")
    return "a string or a list of strings" if "anyOf" in schema else "the name of a schema"

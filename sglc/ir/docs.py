"""
The generated parts of `docs/ir.md`: ops and attributes from their declarations, the grammar.

`python -m sglc.ir.docs` rewrites them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from sglc.ir.attrs import AttrType
from sglc.ir.ops import OPS
from sglc.ir.spec import AttrSpec, Operand, OpSpec, RegionSpec, Result
from sglc.ir.verify_attrs import FUNC, MODULE
from sglc_grammar import read

_FAMILIES = {
    "lm": "Model operations",
    "cf": "Control flow",
    "ex": "Script expressions",
    "py": "Host code",
}


def op_table() -> str:
    """A section for each family, an entry for each op."""
    parts = []
    for family, title in _FAMILIES.items():
        ops = [spec for name, spec in OPS.items() if name.startswith(f"{family}.")]
        parts += [f"### `{family}`: {title}", *(_entry(spec) for spec in ops)]
    return "\n\n".join(parts) + "\n"


def attr_table() -> str:
    """The attributes of modules and functions that sglc reads."""
    rows = ["| attribute | of | type |", "|---|---|---|"]
    for whose, types in (("module", MODULE), ("function", FUNC)):
        rows += [f"| `{name}` | {whose} | {_type(type)} |" for name, type in types.items()]
    return "\n".join(rows) + "\n"


def grammar() -> str:
    """The grammar as a code block, its comments left out."""
    lines = [line for line in read("sglir.lark").splitlines() if not line.startswith("//")]
    return "```lark\n" + "\n".join(lines).strip() + "\n```\n"


PARTS: dict[str, Callable[[], str]] = {
    "ops": op_table,
    "attributes": attr_table,
    "grammar": grammar,
}
"""What stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""


def rewritten(page: str) -> str:
    """The page with all parts replaced. Raises `ValueError` where markers are missing."""
    for name, made in PARTS.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"the page has no `{begin}` … `{end}`")
        page = f"{before}{begin}\n\n{made()}\n{end}{after}"
    return page


def _entry(spec: OpSpec) -> str:
    lines = [f"**`{_signature(spec)}`**  \n{spec.doc}."]
    for region in spec.regions:
        lines.append(f"- region `^{region.label}`{_region(region)}")
    for attr in spec.attrs:
        lines.append(f"- `{attr.name}`: {_attr(attr)}")
    effects = ", ".join(sorted(spec.effects))
    moves = "; moves a promoted prompt" if spec.moves else ""
    lines.append(f"- effects: {effects}{moves}")
    return "\n".join(lines)


def _signature(spec: OpSpec) -> str:
    operands = ", ".join(_operand(o) for o in spec.operands)
    results = ", ".join(_result(r) for r in spec.results)
    return f"{spec.name}({operands})" + (f" -> {results}" if results else "")


def _operand(operand: Operand) -> str:
    if operand.variadic:
        return f"{operand.name}: {operand.type}…"
    text = f"{operand.name}: {operand.type}"
    return f"[{text}]" if operand.optional else text


def _result(result: Result) -> str:
    text = f"{result.name}: {result.type}"
    return f"{text}…" if result.variadic else text


def _region(region: RegionSpec) -> str:
    kind = ", any number" if region.repeated else ", optional" if region.optional else ""
    return f"{kind}; arguments: {region.args or 'none'}"


def _attr(attr: AttrSpec) -> str:
    text = _type(attr.type)
    required = ", required" if attr.required else ""
    return f"{text}{required}" + (f"; {attr.doc}" if attr.doc else "")


def _type(type: AttrType) -> str:
    return type.name.replace("|", "or")


def main(path: Path) -> None:
    """Rewrite the generated parts of the page at `path`."""
    path.write_text(rewritten(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/ir.md"))

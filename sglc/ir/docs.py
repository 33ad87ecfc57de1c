"""The op table of `docs/ir.md`, from the declarations. `python -m sglc.ir.docs` rewrites it."""

from __future__ import annotations

import sys
from pathlib import Path

from sglc.ir.ops import OPS
from sglc.ir.spec import AttrSpec, Operand, OpSpec, RegionSpec, Result

BEGIN, END = "<!-- ops: begin -->", "<!-- ops: end -->"
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


def rewritten(page: str) -> str:
    """The page with the table between its markers replaced. Raises `ValueError` without markers."""
    before, found, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (found and end):
        raise ValueError(f"the page has no `{BEGIN}` … `{END}`")
    return f"{before}{BEGIN}\n\n{op_table()}\n{END}{after}"


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
    text = attr.type.name.replace("|", "or")
    required = ", required" if attr.required else ""
    return f"{text}{required}" + (f"; {attr.doc}" if attr.doc else "")


def main(path: Path) -> None:
    """Rewrite the table in the page at `path`."""
    path.write_text(rewritten(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/ir.md"))

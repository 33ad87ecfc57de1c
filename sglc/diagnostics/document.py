"""docs/errors.md, made from the pages."""

from __future__ import annotations

from sglc.diagnostics.codes import CODES

_RANGES = {
    "SGL01": ("Text that cannot be read", "Scripts, and IR text (015x)."),
    "SGL02": ("Names, types, calls", "Scripts that can be read but have no meaning."),
    "SGL03": ("Compiling", "What runs live and why, and remarks of the passes."),
    "SGL04": ("The IR's rules", "Findings of the verifier: bugs in sglc, not in programs."),
    "SGL05": ("Running", "A program failed while it ran."),
    "SGL06": ("Commands", "Arguments of `sglc` and of programs."),
}


def errors_document() -> str:
    """Every page as Markdown, in order of the codes."""
    parts = [
        "# Diagnostics\n",
        "Errors, warnings and remarks have codes; `sglc explain CODE` prints the page. This file\n"
        "is made from the same pages (`sglc/diagnostics/pages/`), and a test keeps it up to date.\n"
        "The examples are tests too: the wrong one gets exactly its code, the right one none.\n",
    ]
    for start, (title, about) in _RANGES.items():
        pages = [page for code, page in CODES.items() if code.startswith(start)]
        parts.append(f"## {title}\n\n{about}\n")
        parts += [page.markdown() for page in pages]
    return "\n".join(parts)

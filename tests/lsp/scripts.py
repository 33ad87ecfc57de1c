"""Scripts with a cursor, looked at in this process."""

from __future__ import annotations

from sglc.lsp.project import Analysis, Project

CURSOR = "‸"


def analysed(marked: str, uri: str = "test:x.sgl") -> tuple[Analysis, int, int]:
    """What is known about a script, and the line and column of the `‸` in it."""
    before, _, after = marked.partition(CURSOR)
    project = Project()
    project.put(uri, None, before + after, 1)
    analysis = project.analysis(uri)
    assert analysis is not None
    line = before.count("\n") + 1
    return analysis, line, len(before.rpartition("\n")[2]) + 1

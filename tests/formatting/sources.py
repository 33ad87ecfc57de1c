"""Scripts that tests of the formatter begin with."""

from __future__ import annotations

import random
import re
from functools import lru_cache
from pathlib import Path

from sglc.frontends.script.parse import parse_with_problems
from tests.differential.twin_programs import twin_program

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("examples", "tests/golden")
    for path in (ROOT / folder).rglob("*.sgl")
    if path.parent.name != "diagnostics"  # those cannot be read
)
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.name != "errors.md"  # generated, and half of it shows mistakes
]
_SNIPPET = re.compile(r"^```sgl[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(page: Path) -> list[str]:
    """Scripts in a page, without those that show mistakes of syntax."""
    found = _SNIPPET.findall(page.read_text(encoding="utf-8"))
    return [text for text in found if not parse_with_problems(text, "x.sgl")[1]]


@lru_cache(maxsize=1)
def written() -> list[str]:
    """Every script of the repository that parses."""
    texts = [path.read_text(encoding="utf-8") for path in FILES]
    return texts + [text for page in PAGES for text in snippets(page)]


def random_source(rng: random.Random) -> str:
    """A script of the repository, or a generated one."""
    if rng.random() < 0.4:
        return rng.choice(written())
    return twin_program(rng.randrange(10_000)).script

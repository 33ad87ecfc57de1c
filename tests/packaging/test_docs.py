"""Documentation: links lead somewhere, and what is named exists."""

import re
from pathlib import Path

import pytest

from sglc.diagnostics.codes import CODES
from tests.packaging.readme import README

ROOT = README.parent
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert set(LINK.findall(index)) == {page.name for page in PAGES[1:]} - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_codes_exist(page: Path) -> None:
    for code in re.findall(r"\bSGL\d{4}\b", page.read_text(encoding="utf-8")):
        assert code in CODES or code == "SGL9999", code


def test_every_package_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "sglc").glob("*/__init__.py")}
    missing = {name for name in packages if name not in text}
    assert not missing

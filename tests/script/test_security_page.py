"""The security page lists every bound with its default."""

from __future__ import annotations

import re
from pathlib import Path

from sglc.execution.limits import NAMES, Limits

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def test_every_bound_is_listed_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    limits = Limits()
    defaults = {name: getattr(limits, name, None) or getattr(limits.values, name) for name in NAMES}
    assert {name: int(number.replace(",", "")) for name, number in rows} == defaults

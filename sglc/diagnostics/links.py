"""Where a code is explained on the web, for machine-readable output."""

from __future__ import annotations

import functools
import os
import re
from importlib.metadata import PackageNotFoundError, metadata

from sglc.diagnostics.codes import CODES

SETTING = "SGLC_DOCS_URL"
"""Environment variable: where docs/ is served, for instance `https://example.com/sglc/docs`."""
_NO_SLUG = re.compile(r"[^\w\- ]")


def url(code: str) -> str | None:
    """The address of a code's section of docs/errors.md; None when nobody says where docs are."""
    page, base = CODES.get(code), os.environ.get(SETTING) or _declared()
    if page is None or not base:
        return None
    slug = _NO_SLUG.sub("", f"{code}: {page.title}".lower()).replace(" ", "-")
    return f"{base.rstrip('/')}/errors.md#{slug}"


@functools.cache
def _declared() -> str:
    """The package's own `Documentation` address, if its metadata names one."""
    try:
        entries = metadata("sglc").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    pairs = (str(entry).partition(",") for entry in entries)
    return next((to.strip() for name, _, to in pairs if name.strip() == "Documentation"), "")

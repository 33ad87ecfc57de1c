"""Registry of diagnostic codes: titles and the pages that `sglc explain CODE` prints."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.diagnostics.page import Page
from sglc.diagnostics.pages import (
    calls,
    execution,
    ir_text,
    lowering,
    names,
    passes,
    statements,
    syntax,
    types,
    usage,
    verifier,
)
from sglc.diagnostics.suggest import did_you_mean

_MODULES = (
    syntax,
    ir_text,
    names,
    calls,
    statements,
    types,
    lowering,
    passes,
    verifier,
    execution,
    usage,
)
CODES: Mapping[str, Page] = MappingProxyType(
    {
        page.code: page
        for page in sorted(
            (page for module in _MODULES for page in module.PAGES), key=lambda page: page.code
        )
    }
)
"""Every code that sglc reports, in order."""


def lookup(code: str) -> Page:
    """
    The page of a code, upper or lower case.

    Raises:
        UsageError: there is no such code.
    """
    page = CODES.get(code.upper())
    if page is None:
        raise UsageError(
            Diagnostic(
                code="SGL0604",
                message=f"there is no diagnostic `{code}`",
                helps=did_you_mean(code.upper(), CODES),
            )
        )
    return page


def explain(code: str) -> str:
    """The explanation page of a code as plain text; raises as `lookup` does."""
    return lookup(code).text()

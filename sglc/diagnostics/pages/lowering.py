"""SGL03xx: what a Python function relies on, and where it runs live instead of compiled."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = ()

"""SGL04xx: IR that breaks the IR's rules."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = ()

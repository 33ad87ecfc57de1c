"""SGL06xx: arguments of commands."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "SGL0601",
        "wrong argument of a command",
        """
        A command's option or argument has a value that it cannot work with. `sglc COMMAND --help`
        lists what it takes.
        """,
    ),
    Page(
        "SGL0604",
        "unknown diagnostic",
        """
        `sglc explain` was asked about a code that does not exist.
        """,
        """
        sglc explain SGL9999
        """,
        """
        sglc explain SGL0203
        """,
        language="sh",
    ),
)

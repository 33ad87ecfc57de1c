"""SGL04xx: IR that breaks the IR's rules."""

from sglc.diagnostics.page import Page

_OURS = """
        No program can cause this: when it comes from a script or a Python function it is a bug in
        sglc. Please report it with the program. `--no-pass NAME` leaves out the pass that the
        message names. In a `.sglir` file that was edited, correct the file.
        """

PAGES: tuple[Page, ...] = (
    Page("SGL0401", "an operation does not stand where it says", _OURS),
    Page("SGL0402", "operands or results do not fit the operation", _OURS),
    Page("SGL0403", "attributes do not fit the operation", _OURS),
    Page("SGL0404", "regions or carried values do not fit the operation", _OURS),
    Page("SGL0405", "a value is used where it is not defined", _OURS),
    Page("SGL0406", "a prompt's state is not used once and in order", _OURS),
    Page("SGL0407", "an operation has no place in the source", _OURS),
)

"""SGL04xx: IR that breaks the IR's rules."""

from sglc.diagnostics.page import Page

_OURS = """
        No program can cause this: when it comes from a script or a Python function it is a bug in
        sglc. Please report it with the program. `--no-pass NAME` leaves out the pass that the
        message names. In a `.sglir` file that was edited, correct the file.
        """

_GOOD = """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """

PAGES: tuple[Page, ...] = (
    Page("SGL0401", "an operation does not stand where it says", _OURS),
    Page(
        "SGL0402",
        "operands or results do not fit the operation",
        _OURS,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = lm.gen() {name = "v"} !2:5-2:8
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        _GOOD,
        language="sglir",
    ),
    Page(
        "SGL0403",
        "attributes do not fit the operation",
        _OURS,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {valu = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        _GOOD,
        language="sglir",
    ),
    Page(
        "SGL0404",
        "regions or carried values do not fit the operation",
        _OURS,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.if(%v) !2:5-2:8
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        _GOOD,
        language="sglir",
    ),
    Page("SGL0405", "a value is used where it is not defined", _OURS),
    Page(
        "SGL0406",
        "a prompt's state is not used once and in order",
        _OURS,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %s: state = lm.new() !2:5-2:9
          %a: state = lm.text(%s) {text = ["a"]} !2:5-2:9
          %b: state = lm.text(%s) {text = ["b"]} !3:5-3:9
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        _GOOD,
        language="sglir",
    ),
    Page(
        "SGL0407",
        "an operation has no place in the source",
        _OURS,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1}
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        _GOOD,
        language="sglir",
    ),
)

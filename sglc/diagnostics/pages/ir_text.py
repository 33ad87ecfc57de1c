"""SGL015x: IR text (.sglir) that cannot be read."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "SGL0150",
        "text of the IR is not well formed",
        """
        The file does not follow the form of IR text. The message shows what stands there and what
        was expected. IR text is made by `sglc compile`; docs/ir.md describes its form.
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v !2:5-2:13
        } !1:5-1:9
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        language="sglir",
    ),
    Page(
        "SGL0151",
        "unknown operation",
        """
        Operations are named `family.operation`, such as `lm.gen`. docs/ir.md lists all of them.
        A newer sglc may have written the file.
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.cons() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        language="sglir",
    ),
    Page(
        "SGL0152",
        "value is not defined",
        """
        A value is used before its definition, or outside of the region that defines it. Regions
        hide what is defined inside them; they hand results over with `cf.yield`.
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%w) !2:5-2:13
        } !1:5-1:9
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        language="sglir",
    ),
    Page(
        "SGL0153",
        "something is defined twice",
        """
        Names of values are unique in a function, names of functions in a file, and names of
        attributes in an operation.
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        language="sglir",
    ),
    Page(
        "SGL0154",
        "version of IR text is not known",
        """
        The first line names the version of the form that the file was written in, and this sglc
        reads another one. Compile the program again.
        """,
        """
        sglir 9
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        """
        sglir 1
        module "a.sgl" {language = "sgl"}

        func @main() {kind = "function", params = []} {
          %v = ex.const() {value = 1} !2:12-2:13
          cf.return(%v) !2:5-2:13
        } !1:5-1:9
        """,
        language="sglir",
    ),
    Page(
        "SGL0155",
        "the JSON is not an IR module",
        """
        The data does not have the shape that `sglc compile --emit json` writes.
        """,
        """
        from sglc.ir.jsonio import from_json

        from_json('{"sglir": 1, "functions": []}')
        """,
        """
        from sglc.frontends.script import compile_script
        from sglc.ir.jsonio import from_json, to_json

        from_json(to_json(compile_script("def main():\\n    'a'\\n")))
        """,
        language="python",
    ),
)

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
    Page(
        "SGL0401",
        "an operation does not stand where it says",
        _OURS
        + """
        Whoever writes a pass puts operations in place with `Region.insert` and `Region.append`,
        which tell the operation where it is; its list `ops` alone does not.
        """,
        """
        from sglc.frontends.script import compile_script
        from sglc.ir.core import Op, Value
        from sglc.ir.verifier import verify

        module = compile_script("def main():\\n    'a'\\n")
        body = module.funcs["main"].body
        loc = body.ops[0].loc
        one = Value("one", "val")
        const = Op("ex.const", results=[one], attrs={"value": 1}, loc=loc)
        body.ops.insert(0, const)
        verify(module)
        """,
        """
        from sglc.frontends.script import compile_script
        from sglc.ir.core import Op, Value
        from sglc.ir.verifier import verify

        module = compile_script("def main():\\n    'a'\\n")
        body = module.funcs["main"].body
        loc = body.ops[0].loc
        one = Value("one", "val")
        const = Op("ex.const", results=[one], attrs={"value": 1}, loc=loc)
        body.insert(0, const)
        verify(module)
        """,
        language="python",
    ),
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
    Page(
        "SGL0405",
        "a value is used where it is not defined",
        _OURS
        + """
        Whoever writes a pass puts an operation after those that define its operands.
        """,
        """
        from sglc.frontends.script import compile_script
        from sglc.ir.core import Op, Value
        from sglc.ir.verifier import verify

        module = compile_script("def main():\\n    'a'\\n")
        body = module.funcs["main"].body
        loc = body.ops[0].loc
        one = Value("one", "val")
        const = Op("ex.const", results=[one], attrs={"value": 1}, loc=loc)
        more = Value("more", "val")
        add = Op("ex.eval", [one], [more], {"src": "one + 1", "names": ("one",)}, loc=loc)
        body.insert(0, const)
        body.insert(0, add)
        verify(module)
        """,
        """
        from sglc.frontends.script import compile_script
        from sglc.ir.core import Op, Value
        from sglc.ir.verifier import verify

        module = compile_script("def main():\\n    'a'\\n")
        body = module.funcs["main"].body
        loc = body.ops[0].loc
        one = Value("one", "val")
        const = Op("ex.const", results=[one], attrs={"value": 1}, loc=loc)
        more = Value("more", "val")
        add = Op("ex.eval", [one], [more], {"src": "one + 1", "names": ("one",)}, loc=loc)
        body.insert(0, add)
        body.insert(0, const)
        verify(module)
        """,
        language="python",
    ),
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

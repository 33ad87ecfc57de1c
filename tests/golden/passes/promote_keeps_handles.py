import sglc as sgl


@sgl.function
def main(s, log):
    s += "a" + sgl.gen("x")
    log(s)
    try:
        s += "b"
    finally:
        s += "c"
    return s


# CHECK-REMARKS:
# remark[SGL0360] 7:5-7:11: prompt `s` stays a handle in `main`: it is handed to Python code here
# remark[SGL0361] 5:1-12:13: every prompt of `main` starts with the same 1 characters (about 1 tokens), computed once for all rows and calls
# CHECK-IR: promote
# module "promote_keeps_handles.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %log: val) {kind = "program", params = [{"name": "log"}], source = "promote_keeps_handles:main"} {
#   lm.text(%s) {text = ["a"], format = "str"}
#   %x = lm.gen(%s) {name = "x"}
#   py.exec(%s) {src = "log(s)", piece = 0, reads = ["log", "s"], writes = []}
#   cf.try() {kinds = []} ^body {
#     lm.text(%s) {text = ["b"], format = "str"}
#     cf.yield()
#   } ^finally {
#     lm.text(%s) {text = ["c"], format = "str"}
#     cf.yield()
#   }
#   cf.return(%s)
# }

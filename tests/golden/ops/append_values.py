import sglc as sgl


@sgl.function
def main(s, prefix, parts):
    s += prefix
    s += make(parts)
    for part in parts:
        s += part


# CHECK-IR: lower
# module "append_values.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %prefix: val, %parts: val) {kind = "program", params = [{"name": "prefix"}, {"name": "parts"}], source = "append_values:main"} {
#   lm.append(%s, %prefix)
#   %v = py.eval() {src = "make(parts)", piece = 0, reads = ["parts"]}
#   lm.append(%s, %v)
#   cf.for(%parts) ^body(%part: val) {
#     lm.append(%s, %part)
#     cf.yield()
#   }
#   cf.return()
# }

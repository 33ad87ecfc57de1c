import sglc as sgl


@sgl.function
def main(s, key):
    s += sgl.gen("a")
    x = s["a"]
    y = s[key]
    print(s.text(), s.messages(), s.error(), s.get_meta_info("a"))
    s.sync()
    return x, y


# CHECK-IR: lower
# module "reads.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %key: val) {kind = "program", params = [{"name": "key"}], source = "reads:main"} {
#   %a = lm.gen(%s) {name = "a"}
#   %a.1 = lm.read(%s) {name = "a"}
#   %v = lm.read(%s, %key)
#   py.exec(%s) {src = "print(s.text(), s.messages(), s.error(), s.get_meta_info(\"a\"))", piece = 0, reads = ["s"], writes = []}
#   %v.1 = lm.observe(%s) {what = "sync"}
#   %v.2 = py.eval(%a.1, %v) {src = "x, y", piece = 1, reads = ["x", "y"]}
#   cf.return(%v.2)
# }

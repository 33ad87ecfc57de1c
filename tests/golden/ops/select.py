import sglc as sgl


@sgl.function
def main(s, kinds):
    s += sgl.select("kind", ["a", "b"])
    s += sgl.select("other", kinds, temperature=0.0)
    s += sgl.gen("third", choices=["x", "y"])


# CHECK-IR: lower
# module "select.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %kinds: val) {kind = "program", params = [{"name": "kinds"}], source = "select:main"} {
#   %kind = lm.select(%s) {name = "kind", choices = ["a", "b"]}
#   %other = lm.select(%s, %kinds) {name = "other", temperature = 0.0, args = ["choices"]}
#   %third = lm.select(%s) {name = "third", choices = ["x", "y"]}
#   cf.return()
# }

import sglc as sgl


@sgl.function
def main(s, topic):
    with s.var_scope("part"):
        s += "About " + topic
        s += sgl.gen("inner")
    s += s["part"]


# CHECK-IR: lower
# module "var_scope.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %topic: val) {kind = "program", params = [{"name": "topic"}], source = "var_scope:main"} {
#   lm.var_scope(%s) {name = "part"} ^body {
#     lm.text(%s) {text = ["About "], format = "str"}
#     lm.append(%s, %topic)
#     %inner = lm.gen(%s) {name = "inner"}
#     cf.yield()
#   }
#   %part = lm.read(%s) {name = "part"}
#   lm.text(%s, %part) {text = ["", ""], format = "str"}
#   cf.return()
# }
# CHECK-IR: promote
# module "var_scope.py" {
#   language = "python"
# }
#
# func @main(%s: state, %topic: val) {kind = "program", params = [{"name": "topic"}], source = "var_scope:main"} {
#   %s.1: state = lm.var_scope(%s) {name = "part"} ^body(%s.2: state) {
#     %s.3: state = lm.text(%s.2) {text = ["About "], format = "str"}
#     %s.4: state = lm.append(%s.3, %topic)
#     %s.5: state, %inner = lm.gen(%s.4) {name = "inner"}
#     cf.yield(%s.5)
#   }
#   %part = lm.read(%s.1) {name = "part"}
#   %s.6: state = lm.text(%s.1, %part) {text = ["", ""], format = "str"}
#   cf.return()
# }

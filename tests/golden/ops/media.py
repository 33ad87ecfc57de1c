import sglc as sgl


@sgl.function
def main(s, file, clip):
    s += sgl.user(sgl.image(file) + sgl.image("logo.png") + "What is this?")
    s += sgl.user(sgl.video(clip, 8))
    s += sgl.assistant(sgl.gen("answer"))


# CHECK-IR: lower
# module "media.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %file: val, %clip: val) {kind = "program", params = [{"name": "file"}, {"name": "clip"}], source = "media:main"} {
#   lm.role_begin(%s) {role = "user"}
#   lm.image(%s, %file)
#   lm.image(%s) {path = "logo.png"}
#   lm.text(%s) {text = ["What is this?"], format = "str"}
#   lm.role_end(%s) {role = "user"}
#   %v = py.eval() {src = "sgl.video(clip, 8)", piece = 0, reads = ["clip"]}
#   lm.role_begin(%s) {role = "user"}
#   lm.append(%s, %v)
#   lm.role_end(%s) {role = "user"}
#   lm.role_begin(%s) {role = "assistant"}
#   %answer = lm.gen(%s) {name = "answer"}
#   lm.role_end(%s) {role = "assistant"}
#   cf.return()
# }

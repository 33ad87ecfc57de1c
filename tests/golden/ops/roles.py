import sglc as sgl


@sgl.function
def main(s, question):
    s += sgl.system("You are brief.")
    s += sgl.user("Q: " + question)
    s += sgl.assistant(sgl.gen("answer"))
    with s.user():
        s += "again"
    s += sgl.assistant_begin() + sgl.gen("more") + sgl.assistant_end()


# CHECK-IR: lower
# module "roles.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %question: val) {kind = "program", params = [{"name": "question"}], source = "roles:main"} {
#   lm.role_begin(%s) {role = "system"}
#   lm.text(%s) {text = ["You are brief."], format = "str"}
#   lm.role_end(%s) {role = "system"}
#   lm.role_begin(%s) {role = "user"}
#   lm.text(%s) {text = ["Q: "], format = "str"}
#   lm.append(%s, %question)
#   lm.role_end(%s) {role = "user"}
#   lm.role_begin(%s) {role = "assistant"}
#   %answer = lm.gen(%s) {name = "answer"}
#   lm.role_end(%s) {role = "assistant"}
#   lm.role_begin(%s) {role = "user"}
#   cf.try() {kinds = []} ^body {
#     lm.text(%s) {text = ["again"], format = "str"}
#     cf.yield()
#   } ^finally {
#     lm.role_end(%s) {role = "user"}
#     cf.yield()
#   }
#   lm.role_begin(%s) {role = "assistant"}
#   %more = lm.gen(%s) {name = "more"}
#   lm.role_end(%s) {role = "assistant"}
#   cf.return()
# }
# CHECK-IR: promote
# module "roles.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %question: val) {kind = "program", params = [{"name": "question"}], source = "roles:main"} {
#   lm.role_begin(%s) {role = "system"}
#   lm.text(%s) {text = ["You are brief."], format = "str"}
#   lm.role_end(%s) {role = "system"}
#   lm.role_begin(%s) {role = "user"}
#   lm.text(%s) {text = ["Q: "], format = "str"}
#   lm.append(%s, %question)
#   lm.role_end(%s) {role = "user"}
#   lm.role_begin(%s) {role = "assistant"}
#   %answer = lm.gen(%s) {name = "answer"}
#   lm.role_end(%s) {role = "assistant"}
#   lm.role_begin(%s) {role = "user"}
#   cf.try() {kinds = []} ^body {
#     lm.text(%s) {text = ["again"], format = "str"}
#     cf.yield()
#   } ^finally {
#     lm.role_end(%s) {role = "user"}
#     cf.yield()
#   }
#   lm.role_begin(%s) {role = "assistant"}
#   %more = lm.gen(%s) {name = "more"}
#   lm.role_end(%s) {role = "assistant"}
#   cf.return()
# }

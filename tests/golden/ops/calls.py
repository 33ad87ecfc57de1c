import sglc as sgl


def turn(s, question):
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("reply"))
    return s["reply"]


@sgl.function
def ask(s, question):
    turn(s, question)


@sgl.function
def main(s):
    first = turn(s, "one?")
    other = ask.run(question="two?")
    s += first + other["reply"]


# CHECK-IR: lower
# module "calls.py" {
#   language = "python"
# }
#
# func @ask(%s: handle, %question: val) {kind = "program", params = [{"name": "question"}], source = "calls:ask"} {
#   %v = cf.call(%s, %question) {callee = @turn, args = [null]}
#   cf.return()
# }
#
# func @turn(%s: handle, %question: val) {kind = "fragment", params = [{"name": "question"}], source = "calls:turn"} {
#   lm.role_begin(%s) {role = "user"}
#   lm.append(%s, %question)
#   lm.role_end(%s) {role = "user"}
#   lm.role_begin(%s) {role = "assistant"}
#   %reply = lm.gen(%s) {name = "reply"}
#   lm.role_end(%s) {role = "assistant"}
#   %reply.1 = lm.read(%s) {name = "reply"}
#   cf.return(%reply.1)
# }
#
# func @main(%s: handle) {kind = "program", params = [], source = "calls:main"} {
#   %c = ex.const() {value = "one?"}
#   %v = cf.call(%s, %c) {callee = @turn, args = [null]}
#   %c.1 = ex.const() {value = "two?"}
#   %v.1 = lm.run(%c.1) {callee = @ask, args = ["question"]}
#   %v.2 = py.eval(%v.1) {src = "other[\"reply\"]", piece = 0, reads = ["other"]}
#   lm.append(%s, %v)
#   lm.append(%s, %v.2)
#   cf.return()
# }
# CHECK-IR: promote
# module "calls.py" {
#   language = "python"
# }
#
# func @ask(%s: state, %question: val) {kind = "program", params = [{"name": "question"}], source = "calls:ask"} {
#   %s.1: state, %v = cf.call(%s, %question) {callee = @turn, args = [null]}
#   cf.return()
# }
#
# func @turn(%s: state, %question: val) {kind = "fragment", params = [{"name": "question"}], source = "calls:turn"} {
#   %s.1: state = lm.role_begin(%s) {role = "user"}
#   %s.2: state = lm.append(%s.1, %question)
#   %s.3: state = lm.role_end(%s.2) {role = "user"}
#   %s.4: state = lm.role_begin(%s.3) {role = "assistant"}
#   %s.5: state, %reply = lm.gen(%s.4) {name = "reply"}
#   %s.6: state = lm.role_end(%s.5) {role = "assistant"}
#   %reply.1 = lm.read(%s.6) {name = "reply"}
#   cf.return(%reply.1)
# }
#
# func @main(%s: state) {kind = "program", params = [], source = "calls:main"} {
#   %c = ex.const() {value = "one?"}
#   %s.1: state, %v = cf.call(%s, %c) {callee = @turn, args = [null]}
#   %c.1 = ex.const() {value = "two?"}
#   %v.1 = lm.run(%c.1) {callee = @ask, args = ["question"]}
#   %v.2 = py.eval(%v.1) {src = "other[\"reply\"]", piece = 0, reads = ["other"]}
#   %s.2: state = lm.append(%s.1, %v)
#   %s.3: state = lm.append(%s.2, %v.2)
#   cf.return()
# }

import sglc as sgl


@sgl.function
def main(s, limit):
    turns = 0
    while turns < limit:
        turns += 1
        s += sgl.gen("answer", stop="\n")
        if s["answer"] == "skip":
            continue
        elif "stop" in s["answer"]:
            break
    else:
        s += "never"


# CHECK-IR: lower
# module "if_and_while.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %limit: val) {kind = "program", params = [{"name": "limit"}], source = "if_and_while:main"} {
#   py.exec() {src = "turns = 0", piece = 0, reads = [], writes = ["turns"]}
#   cf.while() ^cond {
#     %v = py.eval() {src = "turns < limit", piece = 1, reads = ["turns", "limit"]}
#     cf.condition(%v)
#   } ^body {
#     py.exec() {src = "turns += 1", piece = 2, reads = ["turns"], writes = ["turns"]}
#     %answer = lm.gen(%s) {name = "answer", stop = "\n"}
#     %answer.1 = lm.read(%s) {name = "answer"}
#     %v.1 = ex.eval(%answer.1) {src = "v == \"skip\"", names = ["v"]}
#     cf.if(%v.1) ^then {
#       cf.continue()
#     } ^else {
#       %answer.2 = lm.read(%s) {name = "answer"}
#       %v.2 = py.eval(%answer.2) {src = "\"stop\" in s[\"answer\"]", piece = 3, reads = []}
#       cf.if(%v.2) ^then {
#         cf.break()
#       }
#       cf.yield()
#     }
#     cf.yield()
#   } ^else {
#     lm.text(%s) {text = ["never"], format = "str"}
#     cf.yield()
#   }
#   cf.return()
# }
# CHECK-IR: promote
# module "if_and_while.py" {
#   language = "python"
# }
#
# func @main(%s: state, %limit: val) {kind = "program", params = [{"name": "limit"}], source = "if_and_while:main"} {
#   py.exec() {src = "turns = 0", piece = 0, reads = [], writes = ["turns"]}
#   %s.1: state = cf.while(%s) ^cond(%s.2: state) {
#     %v = py.eval() {src = "turns < limit", piece = 1, reads = ["turns", "limit"]}
#     cf.condition(%v, %s.2)
#   } ^body(%s.3: state) {
#     py.exec() {src = "turns += 1", piece = 2, reads = ["turns"], writes = ["turns"]}
#     %s.4: state, %answer = lm.gen(%s.3) {name = "answer", stop = "\n"}
#     %answer.1 = lm.read(%s.4) {name = "answer"}
#     %v.1 = ex.eval(%answer.1) {src = "v == \"skip\"", names = ["v"]}
#     %s.5: state = cf.if(%v.1, %s.4) ^then(%s.6: state) {
#       cf.continue(%s.6)
#     } ^else(%s.7: state) {
#       %answer.2 = lm.read(%s.7) {name = "answer"}
#       %v.2 = py.eval(%answer.2) {src = "\"stop\" in s[\"answer\"]", piece = 3, reads = []}
#       %s.8: state = cf.if(%v.2, %s.7) ^then(%s.9: state) {
#         cf.break(%s.9)
#       } ^else(%s.10: state) {
#         cf.yield(%s.10)
#       }
#       cf.yield(%s.8)
#     }
#     cf.yield(%s.5)
#   } ^else(%s.11: state) {
#     %s.12: state = lm.text(%s.11) {text = ["never"], format = "str"}
#     cf.yield(%s.12)
#   }
#   cf.return()
# }

import sglc as sgl


@sgl.function
def main(s, name, count: int = 3):
    s += "Hello " + name + f", {count} times"
    s += sgl.gen("answer", max_tokens=count, stop=["\n", "."], temperature=0.5)
    s += "again" + s["answer"]
    return s["answer"]


# CHECK-IR-WITH-PLACES: lower
# module "text_and_gen.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %name: val, %count: val) {kind = "program", params = [{"name": "name"}, {"name": "count", "type": "int", "default": 3}], source = "text_and_gen:main"} {
#   %v = py.eval() {src = "f\"{count}\"", piece = 0, reads = ["count"]} !6:28-6:46
#   lm.text(%s) {text = ["Hello "], format = "str"} !6:10-6:18
#   lm.append(%s, %name) !6:21-6:25
#   lm.text(%s, %v) {text = [", ", " times"], format = "str"} !6:28-6:46
#   %answer = lm.gen(%s, %count) {name = "answer", stop = ["\n", "."], temperature = 0.5, args = ["max_tokens"]} !7:10-7:80
#   %answer.1 = lm.read(%s) {name = "answer"} !8:20-8:31
#   lm.text(%s, %answer.1) {text = ["again", ""], format = "str"} !8:10-8:17
#   %answer.2 = lm.read(%s) {name = "answer"} !9:12-9:23
#   cf.return(%answer.2) !9:5-9:23
# } !5:1-9:23
# CHECK-IR: promote
# module "text_and_gen.py" {
#   language = "python"
# }
#
# func @main(%s: state, %name: val, %count: val) {kind = "program", params = [{"name": "name"}, {"name": "count", "type": "int", "default": 3}], source = "text_and_gen:main"} {
#   %v = py.eval() {src = "f\"{count}\"", piece = 0, reads = ["count"]}
#   %s.1: state = lm.text(%s) {text = ["Hello "], format = "str"}
#   %s.2: state = lm.append(%s.1, %name)
#   %s.3: state = lm.text(%s.2, %v) {text = [", ", " times"], format = "str"}
#   %s.4: state, %answer = lm.gen(%s.3, %count) {name = "answer", stop = ["\n", "."], temperature = 0.5, args = ["max_tokens"]}
#   %answer.1 = lm.read(%s.4) {name = "answer"}
#   %s.5: state = lm.text(%s.4, %answer.1) {text = ["again", ""], format = "str"}
#   %answer.2 = lm.read(%s.5) {name = "answer"}
#   cf.return(%answer.2)
# }

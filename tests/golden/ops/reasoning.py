import sglc as sgl


@sgl.function
def main(s):
    s += sgl.assistant(sgl.separate_reasoning(sgl.gen("answer"), model_type="deepseek-r1"))


# CHECK-IR: lower
# module "reasoning.py" {
#   language = "python"
# }
#
# func @main(%s: handle) {kind = "program", params = [], source = "reasoning:main"} {
#   %v = py.eval() {src = "sgl.separate_reasoning(sgl.gen(\"answer\"), model_type=\"deepseek-r1\")", piece = 0, reads = []}
#   lm.role_begin(%s) {role = "assistant"}
#   lm.append(%s, %v)
#   lm.role_end(%s) {role = "assistant"}
#   cf.return()
# }

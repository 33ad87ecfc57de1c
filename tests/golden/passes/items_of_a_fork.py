import sglc as sgl


@sgl.function
def two_tips(s, topic):
    s += "Tips.\n"
    tips = s.fork(2)
    tips[0] += "Tip one is about taste: " + sgl.gen("tip", max_tokens=8)
    tips[1] += "Tip two is about price: " + sgl.gen("tip", max_tokens=8)
    s += tips[0]["tip"] + tips[1]["tip"]


# CHECK-REMARKS:
# remark[SGL0361] 5:1-10:41: every prompt of `two_tips` starts with the same 6 characters (about 2 tokens), computed once for all rows and calls
# remark[SGL0362] 7:12-7:21: all branches start with the same 4 characters (about 1 tokens), computed once with the prompt before the fork
# remark[SGL0363] 7:12-7:21: branches run in parallel
# CHECK-IR: fork-parallel
# module "items_of_a_fork.py" {
#   language = "python"
# }
#
# func @two_tips(%s: state, %topic: val) {kind = "program", params = [{"name": "topic"}], source = "items_of_a_fork:two_tips", prefix = ["Tips.\n"]} {
#   %s.1: state = lm.text(%s) {text = ["Tips.\n"], format = "str"}
#   %s.2: state, %forks: list = lm.fork(%s.1) {size = 2, hoist = true, common = "Tip ", parallel = true}
#   %c = ex.const() {value = 0}
#   %tips: handle = lm.item(%forks, %c)
#   lm.text(%tips) {text = ["Tip one is about taste: "], format = "str"}
#   %tip = lm.gen(%tips) {name = "tip", max_tokens = 8}
#   %c.1 = ex.const() {value = 1}
#   %tips.1: handle = lm.item(%forks, %c.1)
#   lm.text(%tips.1) {text = ["Tip two is about price: "], format = "str"}
#   %tip.1 = lm.gen(%tips.1) {name = "tip", max_tokens = 8}
#   %c.2 = ex.const() {value = 0}
#   %tips.2: handle = lm.item(%forks, %c.2)
#   %tip.2 = lm.read(%tips.2) {name = "tip"}
#   %c.3 = ex.const() {value = 1}
#   %tips.3: handle = lm.item(%forks, %c.3)
#   %tip.3 = lm.read(%tips.3) {name = "tip"}
#   %s.3: state = lm.text(%s.2, %tip.2, %tip.3) {text = ["", "", ""], format = "str"}
#   cf.return()
# }

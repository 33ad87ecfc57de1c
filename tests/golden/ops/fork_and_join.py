import sglc as sgl


@sgl.function
def main(s, n):
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"tip {i}: " + sgl.gen("tip")
    s += forks[0]["tip"] + forks[1]["tip"]
    more = s.fork(n)
    for f in more:
        f += sgl.gen("x")
    more.join()


# CHECK-IR: lower
# module "fork_and_join.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %n: val) {kind = "program", params = [{"name": "n"}], source = "fork_and_join:main"} {
#   %forks: list = lm.fork(%s) {size = 2}
#   %v = ex.eval() {src = "range(2)", names = []}
#   cf.for(%v) ^body(%i: val) {
#     %f: handle = lm.item(%forks, %i)
#     lm.text(%f, %i) {text = ["tip ", ": "], format = "sgl"}
#     %tip = lm.gen(%f) {name = "tip"}
#     cf.yield()
#   }
#   %c = ex.const() {value = 0}
#   %forks.1: handle = lm.item(%forks, %c)
#   %tip.1 = lm.read(%forks.1) {name = "tip"}
#   %c.1 = ex.const() {value = 1}
#   %forks.2: handle = lm.item(%forks, %c.1)
#   %tip.2 = lm.read(%forks.2) {name = "tip"}
#   lm.text(%s, %tip.1, %tip.2) {text = ["", "", ""], format = "str"}
#   %forks.3: list = lm.fork(%s, %n)
#   cf.for(%forks.3) ^body(%f.1: handle) {
#     %x = lm.gen(%f.1) {name = "x"}
#     cf.yield()
#   }
#   lm.join(%s, %forks.3) {mode = "gather_variable"}
#   cf.return()
# }
# CHECK-IR: fork-parallel
# module "fork_and_join.py" {
#   language = "python"
# }
#
# func @main(%s: state, %n: val) {kind = "program", params = [{"name": "n"}], source = "fork_and_join:main"} {
#   %s.1: state, %forks: list = lm.fork(%s) {size = 2, hoist = true, parallel = true}
#   %v = ex.eval() {src = "range(2)", names = []}
#   cf.for(%v) ^body(%i: val) {
#     %f: handle = lm.item(%forks, %i)
#     lm.text(%f, %i) {text = ["tip ", ": "], format = "sgl"}
#     %tip = lm.gen(%f) {name = "tip"}
#     cf.yield()
#   }
#   %c = ex.const() {value = 0}
#   %forks.1: handle = lm.item(%forks, %c)
#   %tip.1 = lm.read(%forks.1) {name = "tip"}
#   %c.1 = ex.const() {value = 1}
#   %forks.2: handle = lm.item(%forks, %c.1)
#   %tip.2 = lm.read(%forks.2) {name = "tip"}
#   %s.2: state = lm.text(%s.1, %tip.1, %tip.2) {text = ["", "", ""], format = "str"}
#   %s.3: state, %forks.3: list = lm.fork(%s.2, %n) {hoist = true, parallel = true}
#   cf.for(%forks.3) {parallel = true} ^body(%f.1: handle) {
#     %x = lm.gen(%f.1) {name = "x"}
#     cf.yield()
#   }
#   %s.4: state = lm.join(%s.3, %forks.3) {mode = "gather_variable"}
#   cf.return()
# }

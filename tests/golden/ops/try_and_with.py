import sglc as sgl


@sgl.function
def main(s, path):
    try:
        with open(path) as file:
            s += file.read()
    except OSError as error:
        s += "unreadable"
        raise ValueError(path) from error
    else:
        s += sgl.gen("summary")
    finally:
        done()


# CHECK-IR: lower
# module "try_and_with.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %path: val) {kind = "program", params = [{"name": "path"}], source = "try_and_with:main"} {
#   cf.try() {kinds = [["OSError"]]} ^body {
#     %v = py.eval() {src = "open(path)", piece = 0, reads = ["path"]}
#     cf.with(%v) ^body(%target: val) {
#       py.exec(%target) {src = "file = ...", piece = 1, reads = [], writes = ["file"]}
#       %v.1 = py.eval() {src = "file.read()", piece = 2, reads = ["file"]}
#       lm.append(%s, %v.1)
#       cf.yield()
#     }
#     cf.yield()
#   } ^except(%error: val) {
#     py.exec(%error) {src = "error = ...", piece = 3, reads = [], writes = ["error"]}
#     lm.text(%s) {text = ["unreadable"], format = "str"}
#     %v.2 = py.eval() {src = "ValueError(path)", piece = 4, reads = ["path"]}
#     cf.raise(%v.2)
#   } ^else {
#     %summary = lm.gen(%s) {name = "summary"}
#     cf.yield()
#   } ^finally {
#     py.exec() {src = "done()", piece = 5, reads = [], writes = []}
#     cf.yield()
#   }
#   cf.return()
# }

import sglc as sgl


@sgl.function
def main(s, items):
    total = sum(len(item) for item in items)
    match items:
        case [first, *rest]:
            s += str(first)
        case _:
            del items
    assert total, "nothing"
    s += sgl.gen("x", max_tokens=total)


# CHECK-IR: lower
# module "host_pieces.py" {
#   language = "python"
# }
#
# func @main(%s: handle, %items: val) {kind = "program", params = [{"name": "items"}], source = "host_pieces:main"} {
#   %v = py.eval() {src = "sum(len(item) for item in items)", piece = 0, reads = ["items"]}
#   %v.1 = py.eval() {src = "items", piece = 1, reads = ["items"]}
#   %matches = py.exec(%v.1) {src = "case [first, *rest]", piece = 2, reads = [], writes = ["first", "rest"]}
#   cf.if(%matches) ^then {
#     %v.2 = py.eval() {src = "str(first)", piece = 3, reads = ["first"]}
#     lm.append(%s, %v.2)
#     cf.yield()
#   } ^else {
#     %matches.1 = py.exec(%v.1) {src = "case _", piece = 4, reads = [], writes = []}
#     cf.if(%matches.1) ^then {
#       py.exec() {src = "del items", piece = 5, reads = [], writes = ["items"]}
#       cf.yield()
#     }
#     cf.yield()
#   }
#   py.exec(%v) {src = "assert total, \"nothing\"", piece = 6, reads = ["total"], writes = []}
#   %x = lm.gen(%s, %v) {name = "x", args = ["max_tokens"]}
#   cf.return()
# }

# ruff: noqa
"""Every kind of statement, and prompts that reach host code."""

import contextlib

import sglc as sgl

NAMES = ["a", "b"]


def remember(s, what):
    s += f"({what})"
    return what


@sgl.function
def statements(s, question: str, *rest, k: int = 3, names=NAMES, **options) -> str:
    """Everything at once."""
    while k > 0:
        k -= 1
        if k == 1:
            continue
        with s.user():
            s += remember(s, k)
        with s.var_scope("part"):
            s += question
    else:
        print(k)
    for number, name in zip(rest, names):
        s += sgl.gen(name, max_tokens=number, stop=["\n", "."])
        if not s[name]:
            break
    else:
        s["all"] = True
    try:
        x = s["tool"]
    except (KeyError, ValueError) as e:
        raise RuntimeError("no tool") from e
    else:
        s += "tool" + x
    finally:
        del k
    match x.split():
        case ["a", *others] if others:
            return others
        case {"b": c}:
            s += c
    with contextlib.suppress(OSError), open(question) as file:
        s += file.read()

    def later():
        return s.text()

    return later()


@sgl.function
def branches(s, n):
    forks = s.fork(n)
    for f in forks:
        f += sgl.user("x") + sgl.assistant_begin() + sgl.gen("y", n=2) + sgl.assistant_end()
        inner = f.fork(2)
        inner[0] += sgl.gen("z", dtype=int, regex=None)
        inner[1] += "w" + inner[0]["z"]
    forks.join("concate_and_append")
    first = forks[0]
    s += first["y"]
    s += [sgl.gen_int("int", 4), sgl.select("which", NAMES)][n]
    answer = statements.run("q", 1, k=2)
    s += answer["all"] + statements.run(question=s["y"])["part"]
    print(s.messages(), s.error(), s.get_meta_info("y"), "y" in s)
    s.assistant(sgl.gen("last", choices=["l", "r"], temperature=0.0))


# CHECK-IR-WITH-PLACES: lower
# module "statements.py" {
#   language = "python"
# }
#
# func @statements(%s: handle, %question: val, %rest: val, %k: val, %names: val, %options: val) {kind = "program", params = [{"name": "question", "type": "str"}, {"name": "rest"}, {"name": "k", "type": "int", "default": 3}, {"name": "names", "default_src": "NAMES"}, {"name": "options"}], source = "statements:statements", returns = "str", docs = "Everything at once."} {
#   cf.while() ^cond {
#     %v = py.eval() {src = "k > 0", piece = 0, reads = ["k"]} !19:11-19:16
#     cf.condition(%v) !19:11-19:16
#   } ^body {
#     py.exec() {src = "k -= 1", piece = 1, reads = ["k"], writes = ["k"]} !20:9-20:15
#     %v.1 = py.eval() {src = "k == 1", piece = 2, reads = ["k"]} !21:12-21:18
#     cf.if(%v.1) ^then {
#       cf.continue() !22:13-22:21
#     } !21:9-22:21
#     lm.role_begin(%s) {role = "user"} !23:14-23:22
#     cf.try() {kinds = []} ^body {
#       %v.2 = py.eval() {src = "k", piece = 3, reads = ["k"]} !24:30-24:31
#       %v.3 = cf.call(%s, %v.2) {callee = @remember, args = [null]} !24:18-24:32
#       lm.append(%s, %v.3) !24:18-24:32
#       cf.yield() !23:9-24:32
#     } ^finally {
#       lm.role_end(%s) {role = "user"} !23:14-23:22
#       cf.yield() !23:9-24:32
#     } !23:9-24:32
#     lm.var_scope(%s) {name = "part"} ^body {
#       lm.append(%s, %question) !26:18-26:26
#       cf.yield() !25:9-26:26
#     } !25:14-25:33
#     cf.yield() !19:5-28:17
#   } ^else {
#     py.exec() {src = "print(k)", piece = 4, reads = ["k"], writes = []} !28:9-28:17
#     cf.yield() !19:5-28:17
#   } !19:5-28:17
#   %v.4 = py.eval() {src = "zip(rest, names)", piece = 5, reads = ["rest", "names"]} !29:25-29:41
#   cf.for(%v.4) ^body(%item: val) {
#     %number, %name = py.exec(%item) {src = "number, name = ...", piece = 6, reads = [], writes = ["number", "name"]} !29:9-29:21
#     %v.5 = lm.gen(%s, %name, %number) {stop = ["\n", "."], args = ["name", "max_tokens"]} !30:14-30:64
#     %v.6 = lm.read(%s, %name) !31:16-31:23
#     %v.7 = py.eval(%v.6) {src = "not s[name]", piece = 7, reads = []} !31:12-31:23
#     cf.if(%v.7) ^then {
#       cf.break() !32:13-32:18
#     } !31:9-32:18
#     cf.yield() !29:5-34:24
#   } ^else {
#     py.exec(%s) {src = "s[\"all\"] = True", piece = 8, reads = ["s"], writes = []} !34:9-34:24
#     cf.yield() !29:5-34:24
#   } !29:5-34:24
#   cf.try() {kinds = [["KeyError", "ValueError"]]} ^body {
#     %tool = lm.read(%s) {name = "tool"} !36:13-36:22
#     py.exec(%tool) {src = "x = ...", piece = 9, reads = [], writes = ["x"]} !36:9-36:22
#     cf.yield() !35:5-42:14
#   } ^except(%e: val) {
#     py.exec(%e) {src = "e = ...", piece = 10, reads = [], writes = ["e"]} !37:5-38:45
#     %v.8 = py.eval() {src = "RuntimeError(\"no tool\")", piece = 11, reads = []} !38:15-38:38
#     cf.raise(%v.8) !38:9-38:45
#   } ^else {
#     %v.9 = py.eval() {src = "x", piece = 12, reads = ["x"]} !40:23-40:24
#     lm.text(%s) {text = ["tool"], format = "str"} !40:14-40:20
#     lm.append(%s, %v.9) !40:23-40:24
#     cf.yield() !35:5-42:14
#   } ^finally {
#     py.exec() {src = "del k", piece = 13, reads = [], writes = ["k"]} !42:9-42:14
#     cf.yield() !35:5-42:14
#   } !35:5-42:14
#   %v.10 = py.eval() {src = "x.split()", piece = 14, reads = ["x"]} !43:11-43:20
#   %matches = py.exec(%v.10) {src = "case [\"a\", *others] if others", piece = 15, reads = [], writes = ["others"]} !44:14-44:28
#   cf.if(%matches) ^then {
#     %v.11 = py.eval() {src = "others", piece = 16, reads = ["others"]} !45:20-45:26
#     cf.return(%v.11) !45:13-45:26
#   } ^else {
#     %matches.1 = py.exec(%v.10) {src = "case {\"b\": c}", piece = 17, reads = [], writes = ["c"]} !46:14-46:22
#     cf.if(%matches.1) ^then {
#       %v.12 = py.eval() {src = "c", piece = 18, reads = ["c"]} !47:18-47:19
#       lm.append(%s, %v.12) !47:18-47:19
#       cf.yield() !43:5-47:19
#     } !46:14-46:22
#     cf.yield() !43:5-47:19
#   } !44:14-44:28
#   %v.13 = py.eval() {src = "contextlib.suppress(OSError)", piece = 19, reads = []} !48:10-48:38
#   cf.with(%v.13) ^body(%target: val) {
#     %v.14 = py.eval() {src = "open(question)", piece = 20, reads = ["question"]} !48:40-48:54
#     cf.with(%v.14) ^body(%target.1: val) {
#       py.exec(%target.1) {src = "file = ...", piece = 21, reads = [], writes = ["file"]} !48:58-48:62
#       %v.15 = py.eval() {src = "file.read()", piece = 22, reads = ["file"]} !49:14-49:25
#       lm.append(%s, %v.15) !49:14-49:25
#       cf.yield() !48:5-49:25
#     } !48:40-48:54
#     cf.yield() !48:5-49:25
#   } !48:10-48:38
#   py.exec(%s) {src = "def later():\n        return s.text()", piece = 23, reads = ["s"], writes = ["later"]} !51:5-52:24
#   %v.16 = py.eval() {src = "later()", piece = 24, reads = ["later"]} !54:12-54:19
#   cf.return(%v.16) !54:5-54:19
# } !17:1-54:19
#
# func @remember(%s: handle, %what: val) {kind = "fragment", params = [{"name": "what"}], source = "statements:remember"} {
#   %v = py.eval() {src = "f\"{what}\"", piece = 0, reads = ["what"]} !12:10-12:21
#   lm.text(%s, %v) {text = ["(", ")"], format = "str"} !12:10-12:21
#   cf.return(%what) !13:5-13:16
# } !11:1-13:16
#
# func @branches(%s: handle, %n: val) {kind = "program", params = [{"name": "n"}], source = "statements:branches"} {
#   %forks: list = lm.fork(%s, %n) !59:13-59:22
#   cf.for(%forks) ^body(%f: handle) {
#     lm.role_begin(%f) {role = "user"} !61:14-61:27
#     lm.text(%f) {text = ["x"], format = "str"} !61:23-61:26
#     lm.role_end(%f) {role = "user"} !61:14-61:27
#     lm.role_begin(%f) {role = "assistant"} !61:30-61:51
#     %y = lm.gen(%f) {name = "y", n = 2} !61:54-61:71
#     lm.role_end(%f) {role = "assistant"} !61:74-61:93
#     %forks.1: list = lm.fork(%f) {size = 2} !62:17-62:26
#     %c = ex.const() {value = 0} !63:15-63:16
#     %inner: handle = lm.item(%forks.1, %c) !63:9-63:17
#     %z = lm.gen(%inner) {name = "z", dtype = "int", regex = null} !63:21-63:56
#     %c.1 = ex.const() {value = 1} !64:15-64:16
#     %inner.1: handle = lm.item(%forks.1, %c.1) !64:9-64:17
#     %c.2 = ex.const() {value = 0} !64:33-64:34
#     %inner.2: handle = lm.item(%forks.1, %c.2) !64:27-64:35
#     %z.1 = lm.read(%inner.2) {name = "z"} !64:27-64:40
#     lm.text(%inner.1, %z.1) {text = ["w", ""], format = "str"} !64:21-64:24
#     cf.yield() !60:5-64:40
#   } !60:5-64:40
#   lm.join(%s, %forks) {mode = "concate_and_append"} !65:5-65:37
#   %c.3 = ex.const() {value = 0} !66:19-66:20
#   %forks.2: handle = lm.item(%forks, %c.3) !66:13-66:21
#   %y.1 = lm.read(%forks.2) {name = "y"} !67:10-67:20
#   lm.text(%s, %y.1) {text = ["", ""], format = "str"} !67:10-67:20
#   %v = py.eval() {src = "[sgl.gen_int(\"int\", 4), sgl.select(\"which\", NAMES)][n]", piece = 0, reads = ["n"]} !68:10-68:64
#   lm.append(%s, %v) !68:10-68:64
#   %c.4 = ex.const() {value = "q"} !69:29-69:32
#   %c.5 = ex.const() {value = 1} !69:34-69:35
#   %c.6 = ex.const() {value = 2} !69:39-69:40
#   %v.1 = lm.run(%c.4, %c.5, %c.6) {callee = @statements, args = [null, null, "k"]} !69:14-69:41
#   %v.2 = py.eval(%v.1) {src = "answer[\"all\"]", piece = 1, reads = ["answer"]} !70:10-70:23
#   %y.2 = lm.read(%s) {name = "y"} !70:50-70:56
#   %v.3 = lm.run(%y.2) {callee = @statements, args = ["question"]} !70:26-70:57
#   %v.4 = py.eval(%v.3) {src = "statements.run(question=s[\"y\"])[\"part\"]", piece = 2, reads = []} !70:26-70:65
#   lm.append(%s, %v.2) !70:10-70:23
#   lm.append(%s, %v.4) !70:26-70:65
#   py.exec(%s) {src = "print(s.messages(), s.error(), s.get_meta_info(\"y\"), \"y\" in s)", piece = 3, reads = ["s"], writes = []} !71:5-71:67
#   lm.role_begin(%s) {role = "assistant"} !72:5-72:70
#   %last = lm.select(%s) {name = "last", choices = ["l", "r"], temperature = 0.0} !72:17-72:69
#   lm.role_end(%s) {role = "assistant"} !72:5-72:70
#   cf.return() !58:1-72:70
# } !58:1-72:70

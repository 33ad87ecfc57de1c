# ruff: noqa
"""The programs of SGLang's first README, under its import name."""

import sglang as sgl
from sglang import assistant, function, gen, system, user


@function
def multi_turn_question(s, question_1, question_2):
    s += system("You are a helpful assistant.")
    s += user(question_1)
    s += assistant(gen("answer_1", max_tokens=256))
    s += user(question_2)
    s += assistant(gen("answer_2", max_tokens=256))


@sgl.function
def control_flow(s, question):
    s += "To answer this question: " + question + ", "
    s += "I need to use a " + sgl.gen("tool", choices=["calculator", "web browser"]) + ". "

    # You can use if or nested function calls
    if s["tool"] == "calculator":
        s += "The math expression is" + sgl.gen("expression")
    elif s["tool"] == "web browser":
        s += "The website url is" + sgl.gen("url")


@sgl.function
def tip_suggestion(s):
    s += (
        "Here are two tips for staying healthy: "
        "1. Balanced Diet. 2. Regular Exercise.\n\n"
    )

    forks = s.fork(2)  # Launch parallel prompts
    for i, f in enumerate(forks):
        f += f"Now, expand tip {i+1} into a paragraph:\n"
        f += sgl.gen(f"detailed_tip", max_tokens=256, stop="\n\n")

    s += "Tip 1:" + forks[0]["detailed_tip"] + "\n"
    s += "Tip 2:" + forks[1]["detailed_tip"] + "\n"
    s += "In summary" + sgl.gen("summary")


@sgl.function
def image_qa(s, image_file, question):
    s += sgl.user(sgl.image(image_file) + question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=256))


@function
def regular_expression_gen(s):
    s += "Q: What is the IP address of the Google DNS servers?\n"
    s += "A: " + gen(
        "answer",
        temperature=0,
        regex=r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)",
    )


@sgl.function
def text_qa(s, question):
    s += "Q: " + question + "\n"
    s += "A:" + sgl.gen("answer", stop="\n")


# CHECK-IR-WITH-PLACES: lower
# module "readme.py" {
#   language = "python"
# }
#
# func @multi_turn_question(%s: handle, %question_1: val, %question_2: val) {kind = "program", params = [{"name": "question_1"}, {"name": "question_2"}], source = "readme:multi_turn_question"} {
#   lm.role_begin(%s) {role = "system"} !10:10-10:48
#   lm.text(%s) {text = ["You are a helpful assistant."], format = "str"} !10:17-10:47
#   lm.role_end(%s) {role = "system"} !10:10-10:48
#   lm.role_begin(%s) {role = "user"} !11:10-11:26
#   lm.append(%s, %question_1) !11:15-11:25
#   lm.role_end(%s) {role = "user"} !11:10-11:26
#   lm.role_begin(%s) {role = "assistant"} !12:10-12:52
#   %answer_1 = lm.gen(%s) {name = "answer_1", max_tokens = 256} !12:20-12:51
#   lm.role_end(%s) {role = "assistant"} !12:10-12:52
#   lm.role_begin(%s) {role = "user"} !13:10-13:26
#   lm.append(%s, %question_2) !13:15-13:25
#   lm.role_end(%s) {role = "user"} !13:10-13:26
#   lm.role_begin(%s) {role = "assistant"} !14:10-14:52
#   %answer_2 = lm.gen(%s) {name = "answer_2", max_tokens = 256} !14:20-14:51
#   lm.role_end(%s) {role = "assistant"} !14:10-14:52
#   cf.return() !9:1-14:52
# } !9:1-14:52
#
# func @control_flow(%s: handle, %question: val) {kind = "program", params = [{"name": "question"}], source = "readme:control_flow"} {
#   lm.text(%s) {text = ["To answer this question: "], format = "str"} !19:10-19:37
#   lm.append(%s, %question) !19:40-19:48
#   lm.text(%s) {text = [", "], format = "str"} !19:51-19:55
#   lm.text(%s) {text = ["I need to use a "], format = "str"} !20:10-20:28
#   %tool = lm.select(%s) {name = "tool", choices = ["calculator", "web browser"]} !20:31-20:85
#   lm.text(%s) {text = [". "], format = "str"} !20:88-20:92
#   %tool.1 = lm.read(%s) {name = "tool"} !23:8-23:17
#   %v = ex.eval(%tool.1) {src = "v == \"calculator\"", names = ["v"]} !23:8-23:33
#   cf.if(%v) ^then {
#     lm.text(%s) {text = ["The math expression is"], format = "str"} !24:14-24:38
#     %expression = lm.gen(%s) {name = "expression"} !24:41-24:62
#     cf.yield() !23:5-26:51
#   } ^else {
#     %tool.2 = lm.read(%s) {name = "tool"} !25:10-25:19
#     %v.1 = ex.eval(%tool.2) {src = "v == \"web browser\"", names = ["v"]} !25:10-25:36
#     cf.if(%v.1) ^then {
#       lm.text(%s) {text = ["The website url is"], format = "str"} !26:14-26:34
#       %url = lm.gen(%s) {name = "url"} !26:37-26:51
#       cf.yield() !25:5-26:51
#     } !25:5-26:51
#     cf.yield() !23:5-26:51
#   } !23:5-26:51
#   cf.return() !18:1-26:51
# } !18:1-26:51
#
# func @tip_suggestion(%s: handle) {kind = "program", params = [], source = "readme:tip_suggestion"} {
#   lm.text(%s) {text = ["Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n"], format = "str"} !32:9-33:53
#   %forks: list = lm.fork(%s) {size = 2} !36:13-36:22
#   %v = ex.eval() {src = "range(2)", names = []} !37:17-37:33
#   cf.for(%v) ^body(%i: val) {
#     %f: handle = lm.item(%forks, %i) !37:9-37:13
#     %v.1 = ex.eval(%i) {src = "i + 1", names = ["i"]} !38:33-38:36
#     lm.text(%f, %v.1) {text = ["Now, expand tip ", " into a paragraph:\n"], format = "sgl"} !38:14-38:58
#     %detailed_tip = lm.gen(%f) {name = "detailed_tip", max_tokens = 256, stop = "\n\n"} !39:14-39:67
#     cf.yield() !37:5-39:67
#   } !37:5-39:67
#   %c = ex.const() {value = 0} !41:27-41:28
#   %forks.1: handle = lm.item(%forks, %c) !41:21-41:29
#   %detailed_tip.1 = lm.read(%forks.1) {name = "detailed_tip"} !41:21-41:45
#   lm.text(%s, %detailed_tip.1) {text = ["Tip 1:", "\n"], format = "str"} !41:10-41:18
#   %c.1 = ex.const() {value = 1} !42:27-42:28
#   %forks.2: handle = lm.item(%forks, %c.1) !42:21-42:29
#   %detailed_tip.2 = lm.read(%forks.2) {name = "detailed_tip"} !42:21-42:45
#   lm.text(%s, %detailed_tip.2) {text = ["Tip 2:", "\n"], format = "str"} !42:10-42:18
#   lm.text(%s) {text = ["In summary"], format = "str"} !43:10-43:22
#   %summary = lm.gen(%s) {name = "summary"} !43:25-43:43
#   cf.return() !30:1-43:43
# } !30:1-43:43
#
# func @image_qa(%s: handle, %image_file: val, %question: val) {kind = "program", params = [{"name": "image_file"}, {"name": "question"}], source = "readme:image_qa"} {
#   lm.role_begin(%s) {role = "user"} !48:10-48:52
#   lm.image(%s, %image_file) !48:19-48:40
#   lm.append(%s, %question) !48:43-48:51
#   lm.role_end(%s) {role = "user"} !48:10-48:52
#   lm.role_begin(%s) {role = "assistant"} !49:10-49:58
#   %answer = lm.gen(%s) {name = "answer", max_tokens = 256} !49:24-49:57
#   lm.role_end(%s) {role = "assistant"} !49:10-49:58
#   cf.return() !47:1-49:58
# } !47:1-49:58
#
# func @regular_expression_gen(%s: handle) {kind = "program", params = [], source = "readme:regular_expression_gen"} {
#   lm.text(%s) {text = ["Q: What is the IP address of the Google DNS servers?\n"], format = "str"} !54:10-54:66
#   lm.text(%s) {text = ["A: "], format = "str"} !55:10-55:15
#   %answer = lm.gen(%s) {name = "answer", temperature = 0, regex = "((25[0-5]|2[0-4]\\d|[01]?\\d\\d?).){3}(25[0-5]|2[0-4]\\d|[01]?\\d\\d?)"} !55:18-59:6
#   cf.return() !53:1-59:6
# } !53:1-59:6
#
# func @text_qa(%s: handle, %question: val) {kind = "program", params = [{"name": "question"}], source = "readme:text_qa"} {
#   lm.text(%s) {text = ["Q: "], format = "str"} !64:10-64:15
#   lm.append(%s, %question) !64:18-64:26
#   lm.text(%s) {text = ["\n"], format = "str"} !64:29-64:33
#   lm.text(%s) {text = ["A:"], format = "str"} !65:10-65:14
#   %answer = lm.gen(%s) {name = "answer", stop = "\n"} !65:17-65:45
#   cf.return() !63:1-65:45
# } !63:1-65:45

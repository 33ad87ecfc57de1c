"""The programs of the README: tools, tips in forks, an address, a batch, a stream."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def tool_use(s, question):
    s += "Someone asks: " + question + " "
    s += "This calls for a " + sgl.gen("tool", choices=["calculator", "search engine"]) + ". "
    if s["tool"] == "calculator":
        s += "Compute" + sgl.gen("expression")
    elif s["tool"] == "search engine":
        s += "Look up" + sgl.gen("word")


@sgl.function
def tip_suggestion(s):
    s += "Two ways to stay well: 1. Sleep enough. 2. Walk daily.\n\n"

    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"More about way {i + 1}, in one paragraph:\n"
        f += sgl.gen("detailed_tip", max_tokens=256, stop="\n\n")

    s += "Way 1:" + forks[0]["detailed_tip"] + "\n"
    s += "Way 2:" + forks[1]["detailed_tip"] + "\n"
    s += "All in all" + sgl.gen("summary")


@sgl.function
def regular_expression_gen(s):
    s += "Q: Name the address of a public DNS server.\n"
    s += "A: " + sgl.gen(
        "answer",
        temperature=0,
        regex=r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)",
    )


@sgl.function
def text_qa(s, question):
    s += "Q: " + question + "\n"
    s += "A:" + sgl.gen("answer", stop="\n")


ROWS = [{"question": f"What is the capital of {c}?"} for c in ("the UK", "France", "Japan")]
CASES = [
    Case(tool_use, {"question": "What is 1+1?"}),
    Case(tool_use, {"question": "Who was it?"}),
    Case(tip_suggestion),
    Case(regular_expression_gen, rules={r"A: $": "8.8.8.8"}),
    Case(text_qa, rows=ROWS, options={"progress_bar": True}),
    Case(text_qa, ROWS[0], options={"stream": True, "temperature": 0.1}),
]

"""Several samples of an answer in forks, gathered into lists."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def parallel_sample(s, question, count):
    s += "Question: How much is 4 + 4?\nThinking: That is a sum.\nHelper: calculator\nResult: 8\n"
    s += "Question: " + question + "\n"
    forks = s.fork(count)
    forks += "Thinking:" + sgl.gen("reasoning", stop="\n") + "\n"
    forks += "Helper:" + sgl.gen("tool", choices=["calculator", "browser"]) + "\n"
    forks += "Result:" + sgl.gen("answer", stop="\n") + "\n"
    forks.join()


CASES = [
    Case(
        parallel_sample,
        {"question": "How much is 5 + 2 + 4?", "count": 5},
        options={"temperature": 1.0},
        check=lambda s: [len(s[n]) for n in ("reasoning", "tool", "answer")] == [5, 5, 5],
    )
]

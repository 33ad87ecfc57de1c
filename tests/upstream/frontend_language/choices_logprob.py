"""Log probabilities of a choice, for one run and for a batch."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def tool_use(s, question):
    s += "Someone asks: " + question + " "
    s += "This calls for a " + sgl.gen("tool", choices=["calculator", "search engine"])


ROWS = [{"question": "How much is 5 + 6?"}, {"question": "Who is Ada Lovelace?"}]


def scored(state):
    return len(state.get_meta_info("tool")["normalized_prompt_logprobs"]) == 2


CASES = [Case(tool_use, ROWS[0], check=scored), Case(tool_use, rows=ROWS)]

"""A choice between given answers, after an example."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def true_or_false(s, statement):
    s += "Say of each statement whether it is True, False or Unknown.\n"
    s += "Statement: Ice is warmer than steam.\nVerdict: False\n"
    s += "Statement: " + statement + "\n"
    s += "Verdict:" + sgl.select("answer", ["True", "False", "Unknown"])


CASES = [
    Case(
        true_or_false,
        {"statement": "Berlin is a city in Germany."},
        check=lambda s: (
            s["answer"] in ("True", "False", "Unknown")
            and len(s.get_meta_info("answer")["normalized_prompt_logprobs"]) == 3
        ),
    )
]

"""Several generations in one answer of a chat model."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function(num_api_spec_tokens=256)
def profile(s):
    s += sgl.system("You invent people.")
    s += sgl.user("Show me one, line by line.")
    s += sgl.assistant("Name: Ada Lovelace.\nBorn: 10 December 1815.\nWork: mathematics.\n")
    s += sgl.user("Another one.")
    s += sgl.assistant(
        "Name:"
        + sgl.gen("name", stop="\n")
        + "\nBorn:"
        + sgl.gen("born", stop="\n")
        + "\nWork:"
        + sgl.gen("work", stop="\n")
    )


CASES = [Case(profile, check=lambda s: s.messages()[-1]["content"].count("\n") == 2)]

"""A profile line by line; the parameter asks OpenAI for more text than one line."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function(num_api_spec_tokens=64)
def with_speculation(s):
    s += "Profiles:\nName: Ada Lovelace.\nBorn: 10 December 1815.\nWork: mathematics.\n\n"
    s += "Name:" + sgl.gen("name", stop="\n") + "\nBorn:" + sgl.gen("born", stop="\n")
    s += "\nWork:" + sgl.gen("work", stop="\n") + "\n"


@sgl.function
def without_speculation(s):
    s += "Profiles:\nName: Ada Lovelace.\nBorn: 10 December 1815.\nWork: mathematics.\n\n"
    s += "Name:" + sgl.gen("name", stop="\n") + "\nBorn:" + sgl.gen("born", stop="\n")
    s += "\nWork:" + sgl.gen("work", stop="\n") + "\n"


CASES = [Case(with_speculation), Case(without_speculation)]

"""An address by a regular expression."""

import re

import sglc as sgl
from tests.upstream.case import Case

REGEX = r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)"


@sgl.function
def regex_gen(s):
    s += "Q: Name the address of a public DNS server.\n"
    s += "A: " + sgl.gen("answer", temperature=0, regex=REGEX)


CASES = [
    Case(
        regex_gen,
        rules={r"A: $": "8.8.8.8"},
        check=lambda s: re.fullmatch(REGEX, s["answer"]) is not None,
    )
]

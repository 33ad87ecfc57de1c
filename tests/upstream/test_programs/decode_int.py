"""Integers by constraint."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def decode_int(s):
    s += "Hours of one day: " + sgl.gen_int("hours") + "\n"
    s += "Days of one year: " + sgl.gen_int("days") + "\n"


CASES = [
    Case(
        decode_int,
        rules={r"one day: $": "24", r"one year: $": "365"},
        options={"temperature": 0.1},
        check=lambda s: (int(s["hours"]), int(s["days"])) == (24, 365),
    )
]

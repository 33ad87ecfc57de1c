"""A regular expression with characters outside ASCII."""

import sglc as sgl
from tests.upstream.case import Case

REGEX = '\\{\n   "姓名": "[^"]{1,32}",\n   "学院": "(北院|南院)",\n   "年级": [1-7]\n\\}'


@sgl.function
def character_gen(s, name):
    s += name + " 是一个学生。请写出他的资料。\n"
    s += sgl.gen("json_output", max_tokens=256, regex=REGEX)


CASES = [
    Case(
        character_gen,
        {"name": "小明"},
        {"资料": '{\n   "姓名": "小明",\n   "学院": "北院",\n   "年级": 3\n}'},
        check=lambda s: "北院" in s["json_output"],
    )
]

"""Tips are generated one by one, and another program expands each of them meanwhile."""

import sglc as sgl
from tests.upstream.case import Case

NUMBER = 5


@sgl.function
def expand_tip(s, topic, tip):
    s += "A tip about a topic is expanded.\n\n"
    s += "Topic: sleeping\nTip: Dark room.\nExpanded: Light keeps you awake; close the blinds.\n\n"
    s += "Topic: running\nTip: Good shoes.\nExpanded: Your feet carry you; pay for good shoes.\n\n"
    s += "Topic: cooking\nTip: Sharp knives.\nExpanded: A dull knife slips; sharpen it often.\n\n"
    s += "Topic: " + topic + "\nTip: " + tip + "\nExpanded:"
    s += sgl.gen("paragraph", max_tokens=128, stop=["\n\n"])


@sgl.function
def suggest_tips(s, topic):
    s += "You write short guides.\n"
    s += "USER: Give some tips about " + topic + ".\n"
    s += "ASSISTANT: Here are " + str(NUMBER) + " short tips.\n"

    paragraphs = []
    for i in range(1, 1 + NUMBER):
        s += f"{i}." + sgl.gen(f"tip_{i}", max_tokens=24, stop=[".", "\n"]) + ".\n"
        paragraphs.append(expand_tip(topic=topic, tip=s[f"tip_{i}"]))

    for i in range(1, 1 + NUMBER):
        s += f"Tip {i}:" + paragraphs[i - 1]["paragraph"] + "\n"


ROWS = [{"topic": t} for t in ("gardening", "chess")]
CASES = [
    Case(suggest_tips, ROWS[0]),
    Case(suggest_tips, rows=ROWS, options={"temperature": 0}),
]

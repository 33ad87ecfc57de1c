"""A fork with as many branches as there are names: every branch reads the list once."""

import sglc as sgl

NAMES = [
    "diet", "exercise", "sleep", "water", "stress", "hygiene", "sunlight", "walking",
    "stretching", "posture", "friends", "breathing", "breakfast", "vegetables", "fruit", "checkups",
]  # fmt: skip


@sgl.function
def many_tips(s, topic, names):
    s += f"Here are {len(names)} tips for {topic}.\n"
    for name in names:
        s += f"- {name}\n"

    forks = s.fork(len(names))
    for f, name in zip(forks, names, strict=True):
        f += f"Expand the tip '{name}' into one paragraph:\n"
        f += sgl.gen("detail", max_tokens=96, stop="\n\n")

    for f, name in zip(forks, names, strict=True):
        s += f"\n{name}: " + f["detail"]


if __name__ == "__main__":
    state = many_tips.run(topic="staying healthy", names=NAMES, temperature=0)
    print(state.text())

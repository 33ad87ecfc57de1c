"""Steps of an agent, replayed: each is asked for in a fork, then the recorded one is appended."""

import sglc as sgl
from tests.upstream.case import Case

PROMPT = "Solve the task with Thought, Action and Observation.\n" * 3


@sgl.function
def webthink(s, question, triplets):
    s += PROMPT + "Question: " + question
    for i in range(1, len(triplets) + 2):
        s += "Thought " + str(i) + ":"
        forks = s.fork(1)
        forks[0] += sgl.gen("thought_action", max_tokens=200, stop="Observation")
        # The model's own step is dropped; the recorded one makes every run the same.
        forks.join()
        if i > len(triplets):
            break
        s += (
            triplets[i - 1]["thought"]
            + "\nAction "
            + str(i)
            + ":"
            + triplets[i - 1]["action"]
            + "\nObservation "
            + str(i)
            + ":"
            + triplets[i - 1]["observation"]
            + "\n"
        )


STEPS = [
    {"thought": f" thought {i}", "action": f" Search[{i}]", "observation": f" result {i}"}
    for i in range(3)
]
ROWS = [{"question": f"Which {w}?", "triplets": STEPS[:n]} for w, n in (("lake", 3), ("river", 1))]
CASES = [
    Case(webthink, ROWS[0], check=lambda s: len(s["thought_action"]) == 1),
    Case(webthink, rows=ROWS, options={"temperature": 0}),
]

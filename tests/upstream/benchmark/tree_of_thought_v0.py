"""Three levels of thought, three branches each, gathered level by level."""

import sglc as sgl
from tests.upstream.case import Case

TEMPERATURE = 0.3


def propose_plan(s, question, num_branches):
    s += sgl.user("Plan, in a few lines, how to answer this: " + question)
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("plan", max_tokens=256, temperature=TEMPERATURE))
    return forks


def execute_plan(s, num_branches):
    s += sgl.user("Follow the plan and give an answer.")
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("answer", max_tokens=256, temperature=TEMPERATURE))
    return forks


def reflect_solution(s, num_branches):
    s += sgl.user("Rate the answer from 1 to 10.")
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("score", max_tokens=256, temperature=TEMPERATURE))
    return forks


@sgl.function
def tree_search(s, question, num_branches):
    forks_to_join = []
    plans = propose_plan(s, question, num_branches)
    forks_to_join.append(plans)
    for plan in plans:
        answers = execute_plan(plan, num_branches)
        forks_to_join.append(answers)
        for answer in answers:
            scores = reflect_solution(answer, num_branches)
            forks_to_join.append(scores)
    for f in reversed(forks_to_join):
        f.join()


ROWS = [{"question": f"Ann has {i} apples?", "num_branches": 3} for i in (2, 3)]
CASES = [
    Case(tree_search, ROWS[0], check=lambda s: len(s["plan"]) == 3),
    Case(tree_search, rows=ROWS),
]

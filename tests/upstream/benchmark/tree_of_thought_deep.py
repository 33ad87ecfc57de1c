"""Plan, answer, judge, answer again: two branches at each level, the best of the last."""

from collections import Counter

import sglc as sgl
from tests.upstream.case import Case

TEMPERATURE = 0.001
PARAMETERS = {"max_tokens": 256, "temperature": TEMPERATURE}


def propose_plan(s, question, num_branches):
    s += sgl.user("Write a plan for this task, not its solution: " + question)
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("plan", max_tokens=256, temperature=TEMPERATURE))
    return forks


def execute_plan(s, num_branches):
    s += sgl.user("Now carry the plan out, step by step.")
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("answer", max_tokens=256, temperature=TEMPERATURE))
    return forks


def reflect_solution(s, num_branches):
    s += sgl.user("Which steps are wrong? Rate each from 1 to 10.")
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("score", max_tokens=256, temperature=TEMPERATURE))
    return forks


def get_final_answer(s, num_branches):
    s += sgl.user("With this in mind, give the number alone.")
    forks = s.fork(num_branches)
    forks += sgl.assistant(sgl.gen("final_answer", max_tokens=256, temperature=TEMPERATURE))
    return forks


@sgl.function
def tree_search(s, question, num_branches):
    solutions = []
    for plan in propose_plan(s, question, num_branches):
        for answer in execute_plan(plan, num_branches):
            for score in reflect_solution(answer, num_branches):
                solutions.append(get_final_answer(score, num_branches))
    return [[f.text() for f in forks] for forks in solutions]


@sgl.function
def most_frequent(s, question, num_branches):
    """Another program's return value decides what this one says."""
    found = tree_search.run(question, num_branches).ret_value
    ends = Counter(text.rsplit("assistant\n", 1)[-1][:5] for group in found for text in group)
    s += "Most said: " + ends.most_common(1)[0][0] + "\nBecause" + sgl.gen("why", max_tokens=8)
    return sum(ends.values())


CASES = [
    Case(tree_search, {"question": "Ann has 2 apples?", "num_branches": 2}),
    Case(tree_search, rows=[{"question": f"{i} apples?", "num_branches": 2} for i in (4, 5)]),
    Case(
        most_frequent,
        {"question": "Ann has 3 apples?", "num_branches": 2},
        check=lambda s: s.ret_value == 16,
    ),
]

"""Judge an essay: one branch for each dimension, a summary and a grade from all of them."""

import sglc as sgl

DIMENSIONS = ["Clarity", "Originality", "Evidence"]


@sgl.function
def judge(s, essay):
    s += "Please judge the essay below.\nEssay: " + essay + "\n"

    forks = s.fork(len(DIMENSIONS))
    for f, dimension in zip(forks, DIMENSIONS, strict=True):
        f += "Evaluate based on the following dimension: " + dimension + ". "
        f += "End your judgement with the word 'END'\nJudgment:"
        f += sgl.gen("judgment", stop="END")

    for f, dimension in zip(forks, DIMENSIONS, strict=True):
        s += dimension + ":" + f["judgment"] + "\n"
    s += "In summary," + sgl.gen("summary", stop="\n") + "\n"
    s += "Grade:" + sgl.select("grade", [" A", " B", " C", " D"])
    return s["grade"]


if __name__ == "__main__":
    state = judge.run(essay="Dogs are loyal friends. They help people every day.", temperature=0)
    print(state.text())

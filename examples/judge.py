"""Judge an essay: one branch for each dimension, a summary and a grade from all of them."""

import sglc as sgl

DIMENSIONS = ["Clarity", "Originality", "Evidence"]
ESSAY = (
    "The main idea about cats is stated at once. For instance, a study shows clear results. "
    "Therefore, the argument leads to a clear conclusion."
)


@sgl.function
def judge(s, essay):
    s += "Please judge the essay below.\nEssay: " + essay + "\n"

    forks = s.fork(len(DIMENSIONS))
    for f, dimension in zip(forks, DIMENSIONS, strict=True):
        f += "Evaluate based on the following dimension: " + dimension + ". "
        f += "End your judgement with the word 'END'\nJudgment:"
        f += sgl.gen("judgment", stop="END")

    for f in forks:
        s += "Judgment: " + f["judgment"].strip() + "\n"
    s += "In summary," + sgl.gen("summary", stop="\n") + "\n"
    s += "Grade:" + sgl.select("grade", [" A", " B", " C", " D"])
    return s["grade"].strip()


if __name__ == "__main__":
    state = judge.run(essay=ESSAY, temperature=0)
    print(state.text())

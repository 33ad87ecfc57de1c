"""The model picks a tool; what follows depends on its choice."""

import sglc as sgl


@sgl.function
def control_flow(s, question):
    s += "To answer this question: " + question + ", "
    s += "I need to use a " + sgl.gen("tool", choices=["calculator", "web browser"]) + ". "

    # You can use if or nested function calls
    if s["tool"] == "calculator":
        s += "The math expression is" + sgl.gen("expression")
    elif s["tool"] == "web browser":
        s += "The website url is" + sgl.gen("url")


if __name__ == "__main__":
    state = control_flow.run(question="What is 12 * 7?", temperature=0)
    print(state.text())

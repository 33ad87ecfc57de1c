"""An agent: the model chooses a tool, the program calls it, until the model answers."""

from tools import calc, search

import sglc as sgl


@sgl.function
def agent(s, question, max_steps=4):
    s += sgl.system("You are a careful agent.")
    s += sgl.user("Question: " + question)
    for _ in range(max_steps):
        s += sgl.assistant_begin()
        s += "Tool: " + sgl.select("tool", ["calc", "search", "answer"])
        if s["tool"] == "calc":
            s += " expression: " + sgl.gen("expr", regex=r"[0-9+\-*/(). ]+", max_tokens=32)
            observation = calc(s["expr"])
        elif s["tool"] == "search":
            s += " query: " + sgl.gen("query", stop="\n", max_tokens=32)
            observation = search(s["query"])
        else:
            s += " final: " + sgl.gen("answer", stop="\n")
            s += sgl.assistant_end()
            return s["answer"]
        s += sgl.assistant_end()
        s += sgl.tool("Observation: " + observation)
    return None


if __name__ == "__main__":
    state = agent.run(question="What is 12 * 7?", temperature=0)
    for m in state.messages():
        print(m["role"], ":", m["content"])
    print("answer:", state.ret_value)

"""Programs that mutants are tried on, as Python; `programs.sgl` has the same ones."""

import sglc as sgl

KEPT = []


@sgl.function
def roles(s, q):
    s += sgl.system("Be brief.")
    s += sgl.user(f"Question: {q}")
    with s.assistant():
        s += sgl.gen("a", max_tokens=7, stop="\n")
    s += "Then "
    s += sgl.gen("b", max_tokens=9, temperature=0.5)
    s += "first " + s["a"]
    s += " second " + s["b"]
    return s["b"]


@sgl.function
def loops(s, q):
    last = "nothing"
    for i in range(4):
        s += f"turn {i}: "
        s += sgl.gen("t", max_tokens=4)
        last = s["t"]
        if i == 2:
            s += "stop"
            break
        s += f" after {last}\n"
    s += f" end {last}"
    return last


@sgl.function
def forks(s, q):
    s += "Tips:\n"
    names = ["taste", "price"]
    tips = s.fork(2)
    for name, tip in zip(names, tips, strict=True):
        tip += f"About {name}: "
        tip += sgl.gen("d", max_tokens=5)
    for tip in tips:
        s += "- " + tip["d"] + "\n"
    s += sgl.gen("summary", max_tokens=6)
    return s["summary"]


@sgl.function
def choices(s, q):
    s += f"{q} Tool: "
    s += sgl.select("tool", choices=["calc", "search"])
    if s["tool"] == "calc":
        s += " computing "
        s += sgl.gen("x", max_tokens=3)
    else:
        s += " looking "
        s += sgl.gen("x", max_tokens=5)
    s += "."
    return s["tool"]


@sgl.function
def failures(s, q):
    n = 1
    try:
        n = 2
        s += "trying "
        n = int("x")
        s += "never"
    except ValueError:
        s += f"failed with {n} "
    s += sgl.gen("z", max_tokens=2)
    return n


@sgl.function
def host(s, q):
    s += "A "
    s += sgl.gen("a", max_tokens=3)
    print("one")
    s += "BOOM"
    s += sgl.gen("b", max_tokens=3)
    s += " then " + s["b"]
    print("two")
    return 1

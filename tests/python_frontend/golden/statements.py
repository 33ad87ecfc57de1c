# ruff: noqa
"""Every kind of statement, and prompts that reach host code."""

import contextlib

import sglc as sgl

NAMES = ["a", "b"]


def remember(s, what):
    s += f"({what})"
    return what


@sgl.function
def statements(s, question: str, *rest, k: int = 3, names=NAMES, **options) -> str:
    """Everything at once."""
    while k > 0:
        k -= 1
        if k == 1:
            continue
        with s.user():
            s += remember(s, k)
        with s.var_scope("part"):
            s += question
    else:
        print(k)
    for number, name in zip(rest, names):
        s += sgl.gen(name, max_tokens=number, stop=["\n", "."])
        if not s[name]:
            break
    else:
        s["all"] = True
    try:
        x = s["tool"]
    except (KeyError, ValueError) as e:
        raise RuntimeError("no tool") from e
    else:
        s += "tool" + x
    finally:
        del k
    match x.split():
        case ["a", *others] if others:
            return others
        case {"b": c}:
            s += c
    with contextlib.suppress(OSError), open(question) as file:
        s += file.read()

    def later():
        return s.text()

    return later()


@sgl.function
def branches(s, n):
    forks = s.fork(n)
    for f in forks:
        f += sgl.user("x") + sgl.assistant_begin() + sgl.gen("y", n=2) + sgl.assistant_end()
        inner = f.fork(2)
        inner[0] += sgl.gen("z", dtype=int, regex=None)
        inner[1] += "w" + inner[0]["z"]
    forks.join("concate_and_append")
    first = forks[0]
    s += first["y"]
    s += [sgl.gen_int("int", 4), sgl.select("which", NAMES)][n]
    answer = statements.run("q", 1, k=2)
    s += answer["all"] + statements.run(question=s["y"])["part"]
    print(s.messages(), s.error(), s.get_meta_info("y"), "y" in s)
    s.assistant(sgl.gen("last", choices=["l", "r"], temperature=0.0))

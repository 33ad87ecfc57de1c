"""Hypothesis strategy for random scripts that terminate and use every kind of statement."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = st.sampled_from(["alpha ", "beta\\n", "- ", "Question: ", "é😀 "])
LINES = list[str]

HEADER = """
fragment ask(what: str) -> str:
    "Ask about ${what}: "
    reply = gen(max_tokens=3)
    return reply

def other(q: str) -> str:
    "Other: ${q}\\n"
    a = gen(stop="\\n", max_tokens=4)
    return a

def main(topic: str) -> str:
"""


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """The source of a script with a function `main(topic)`."""
    body = _Body(draw)
    lines = ['x = "start"', "y = topic", *body.block(3, loop=False, branch=False)]
    return HEADER + _indent([*lines, 'return "${x} ${y}"'])


def _indent(lines: LINES) -> str:
    return "".join(f"    {line}\n" for line in lines)


class _Body:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0
        self.mine: list[str] = []
        """For each branch around: the variable that it assigns."""

    def fresh(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def block(self, depth: int, *, loop: bool, branch: bool) -> LINES:
        lines: LINES = []
        for _ in range(self.draw(st.integers(1, 3))):
            kinds = ["text", "gen", "select", "call", "ask", "compute"]
            kinds += ["if", "for", "while", "try", "fork"] if depth else []
            kinds += ["leave"] if loop else []
            lines += self.statement(self.draw(st.sampled_from(kinds)), depth, loop, branch)
        return lines

    def target(self, branch: bool) -> str:
        # A branch may assign its own names only.
        return self.mine[-1] if branch else self.draw(st.sampled_from(["x", "y"]))

    def statement(self, kind: str, depth: int, loop: bool, branch: bool) -> LINES:
        draw, target = self.draw, self.target(branch)
        source = draw(st.sampled_from(["x", "y", "topic"]))
        inner = {"loop": loop, "branch": branch}
        match kind:
            case "text":
                return [
                    f'"{draw(WORDS)}"' if draw(st.booleans()) else f'"{draw(WORDS)}${{{source}}}"'
                ]
            case "gen":
                return [f"{target} = gen(max_tokens={draw(st.integers(1, 4))})"]
            case "select":
                return [f'{target} = select(["yes", "no", "perhaps"])']
            case "call":
                return [f"{target} = other({source})"]
            case "ask":
                return [f"{target} = ask({source})"]
            case "compute":
                return [f'{target} = "<" + {source} + ">"']
            case "leave":
                return [
                    f'if "a" in {source}:',
                    "    " + draw(st.sampled_from(["break", "continue"])),
                ]
            case "if":
                then, other = self.block(depth - 1, **inner), self.block(depth - 1, **inner)
                return [f"if len({source}) > 12:", *_deeper(then), "else:", *_deeper(other)]
            case "for":
                body = self.block(depth - 1, loop=True, branch=branch)
                return [f"for {self.fresh()} in range({draw(st.integers(0, 3))}):", *_deeper(body)]
            case "while":
                name = self.fresh()
                body = [f"{name} = {name} + 1", *self.block(depth - 1, loop=True, branch=branch)]
                return [f"{name} = 0", f"while {name} < 2:", *_deeper(body)]
            case "try":
                body = self.block(depth - 1, **inner)
                fail = [f"{self.fresh()} = int({source})"] if draw(st.booleans()) else []
                handler = self.block(depth - 1, **inner)
                return ["try:", *_deeper(body + fail), "except value_error:", *_deeper(handler)]
        return self.fork(depth, branch)

    def fork(self, depth: int, branch: bool) -> LINES:
        name, item, record = self.fresh(), self.fresh(), self.fresh()
        mine = self.fresh()
        self.mine.append(mine)
        body = [f'{mine} = "m"', *self.block(depth - 1, loop=False, branch=True)]
        self.mine.pop()
        lines = [f'fork {item} in ["cats", "dogs"] as {name}:', *_deeper(body)]
        return [*lines, f"for {record} in {name}:", f'    "${{{record}.{mine}}};"']


def _deeper(lines: LINES) -> LINES:
    return [f"    {line}" for line in lines]

# ruff: noqa: B023
"""Programs that share code: closures made in a loop, methods, bound functions."""

import sglc as sgl

SIDE_EFFECTS = []


def shout(s, text):
    s += text.upper()


def whisper(s, text):
    s += text.lower()


def make(word, speak=shout, generate=sgl.gen):
    @sgl.function
    def program(s, question="?"):
        speak(s, word)
        s += word + question
        s += generate("a", max_tokens=4) if question == "" else sgl.gen("a", max_tokens=4)
        s += " then " + s["a"] + word
        return word

    return program


def counter():
    made = []
    total = 0
    for step in range(3):

        @sgl.function
        def program(s, k=step):
            nonlocal total
            s += f"{step}{k}" + sgl.gen("a")
            total += 1
            return step, k, total

        made.append(program)
    return made


class Bot:
    def __init__(self, name):
        self.name = name

    @sgl.function
    def ask(s, name):
        s += name + sgl.gen("a")
        s += s["a"]

    def asker(self):
        @sgl.function
        def ask(s):
            s += self.name + sgl.gen("a")
            return s["a"]

        return ask


def silent_maker(word):
    @sgl.function
    def program(s):
        s += word + sgl.gen("a")
        s += word + s["a"]

    return program

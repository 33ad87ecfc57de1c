"""
What random Python programs use: helpers, other programs, context managers, classes.

A program's file holds those it names, so that a small program has a small file.
"""

from __future__ import annotations

import re

START = '''\
"""Random program: {title}."""
import asyncio
import contextlib
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor

import sglc as sgl

GREETING = "Hello"
LIMIT = 2
KEPT = []  # states and forks that outlive the run, so that what happened to them can be seen
'''

PIECES = {
    "log": """
def log(value):
    print("log", repr(value))
    return value
""",
    "COUNT": """
COUNT = {}


def counted(value):
    COUNT[value] = COUNT.get(value, 0) + 1
    return len(COUNT)
""",
    "VARIABLE": """
VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")
""",
    "in_threads": """
def in_threads(forks, text):
    def work(state):
        state += text + sgl.gen("threaded", max_tokens=3)
        return state["threaded"]

    with ThreadPoolExecutor(3) as pool:
        print(list(pool.map(work, forks)))
""",
    "told": """
def told(error):
    while error is not None:
        lines, tb = [], error.__traceback__
        while tb is not None:
            if tb.tb_frame.f_code.co_filename == __file__:
                lines.append(f"{tb.tb_frame.f_code.co_name}:{tb.tb_lineno}")
            tb = tb.tb_next
        if isinstance(error, RecursionError):
            lines = "deep"
        if isinstance(error, UnboundLocalError):
            lines = len(lines)  # Python 3.11 may report the line before
        notes = [note.replace(__file__, "FILE") for note in getattr(error, "__notes__", ())]
        print("told", type(error).__name__, str(error), lines, notes)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
""",
    "helper": """
def helper(s, n):
    s += f"[helper {n}]" + sgl.gen("helped", max_tokens=4)
    return n + 1
""",
    "asks": """
def asks(s, question):
    with s.user():
        s += question
    with s.assistant():
        s += sgl.gen("asked", max_tokens=5)
    return s["asked"]
""",
    "kwonly": """
def kwonly(*, state, text, times=1):
    for _ in range(times):
        state += text
    return state
""",
    "variadic": """
def variadic(*states, **options):
    for state in states:
        state += options.get("text", "v ")
        if options.get("name"):
            state += sgl.gen(options["name"], max_tokens=3)
    return len(states)
""",
    "deep": """
def deep(n):
    return deep(n + 1) + 1
""",
    "countdown": """
def countdown(s, n):
    if n <= 0:
        return "end"
    s += f"{n} "
    s += sgl.gen("down", max_tokens=2)
    return s["down"][:4] + countdown(s, n - 1)
""",
    "letters": """
def letters(s, *words):
    try:
        for word in words:
            s += word + " "
            yield word
    finally:
        print("letters end")
""",
    "branches": """
def branches(s, n):
    return [f for f in s.fork(n)]
""",
    "Bag": """
class Bag:
    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"Bag({self.value})"

    def __format__(self, spec):
        print("formatting", spec)
        return f"bag({self.value})"

    def __radd__(self, other):
        print("radd")
        return other + "bag"

    def __eq__(self, other):
        print("eq", other)
        return False

    __hash__ = None
""",
    "Text": """
class Text(str):
    def __format__(self, spec):
        print("format text")
        return "T" + str.__format__(self, spec)

    def __add__(self, other):
        print("add text")
        return str.__add__(self, str(other))
""",
    "Holder": """
class Holder:
    def __init__(self, state):
        self.state = state

    def __repr__(self):
        return "Holder()"

    def ask(self, question, *, limit=4):
        self.state += f"{question} "
        self.state += sgl.gen("held", max_tokens=limit)
        return self

    @property
    def last(self):
        return self.state["held"]

    @staticmethod
    def mark(state, text="!"):
        state += text
        return state
""",
    "Stop": """
class Stop(BaseException):
    pass
""",
    "Wrong": """
class Wrong(ValueError):
    def __init__(self, *args, where="here"):
        super().__init__(*args)
        self.where = where
""",
    "Suppressing": """
class Suppressing:
    def __init__(self, *kinds):
        self.kinds = kinds or (Exception,)

    def __enter__(self):
        print("enter")
        return self

    def __exit__(self, kind, error, tb):
        print("exit", kind and kind.__name__)
        return kind is not None and issubclass(kind, self.kinds)
""",
    "Failing": """
class Failing:
    def __init__(self, enter=False):
        self.enter = enter

    def __enter__(self):
        if self.enter:
            raise LookupError("on entering")
        return "entered"

    def __exit__(self, kind, error, tb):
        raise LookupError("on leaving") from error
""",
    "tagged": """
@contextlib.contextmanager
def tagged(s, name):
    s += f"<{name}>"
    try:
        yield s
    except KeyError as error:
        print("tagged saw", error)
        raise
    finally:
        s += f"</{name}>"
""",
    "traced": """
def traced(label):
    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            print("call", label)
            return function(*args, **kwargs)

        return wrapped

    return decorate
""",
    "later": """
async def later(*values):
    await asyncio.sleep(0)
    return [value[:5] for value in values]
""",
    "words": """
async def words(*values):
    for value in values:
        await asyncio.sleep(0)
        yield value + " "
""",
    "alogged": """
@contextlib.asynccontextmanager
async def alogged(name):
    print("aenter", name)
    try:
        yield name
    finally:
        print("aexit", name)
""",
    "nested": """
@sgl.function
def nested(s, q, k=1):
    s += "N:" + q
    for i in range(k):
        s += f"<{i}>" + sgl.gen("inner", max_tokens=3)
    return s["inner"] + "!"
""",
    "silent": """
@sgl.function
def silent(s, q):
    s += sgl.user("S:" + q)
    s += sgl.assistant(sgl.gen("inner", max_tokens=3))
    if s["inner"] != "x":
        s += "more" + sgl.gen("later")
""",
    "outer": """
@sgl.function
def outer(s, other, text):
    s += text + sgl.gen("own", max_tokens=3)
    other += "[outer]" + s["own"]
    return other
""",
    "failing": """
@sgl.function
def failing(s, q):
    s += "BOOM " + q
    s += sgl.gen("inner")
    return s["inner"]
""",
    "raising": """
@sgl.function
def raising(s, q):
    s += q + sgl.gen("inner")
    raise ValueError("in raising " + s["inner"])
""",
    "recursive": """
@sgl.function
def recursive(s, q, depth):
    s += f"depth {depth} " + q
    s += sgl.gen("inner", max_tokens=3)
    if depth > 0:
        s += recursive.run(s["inner"], depth - 1)["inner"]
    return depth
""",
}

_WORD = re.compile(r"\w+")


def surroundings(title: str, body: str) -> str:
    """The beginning of a file whose program is `body`: all pieces it names."""
    wanted: dict[str, None] = {}
    todo = [body]
    while todo:
        for word in _WORD.findall(todo.pop()):
            if word in PIECES and word not in wanted:
                wanted[word] = None
                todo.append(PIECES[word])
    pieces = [text for name, text in PIECES.items() if name in wanted]
    return START.format(title=title) + "".join("\n" + piece for piece in pieces) + "\n\n"

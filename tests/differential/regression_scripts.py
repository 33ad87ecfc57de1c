"""Scripts that random testing found to differ once, made small; by what went wrong."""

SCRIPTS = {
    "a_handler_saw_what_came_after_the_call_that_failed": """
def number(q: str):
    "B${q}"
    x = gen()
    return int(x)

def program(q: str, n: int, items: list[str]):
    a = "old"
    try:
        t = number(q)
        "more "
        a = "new"
        z = gen()
    except value_error as e:
        "caught ${a}"
    y = gen()
""",
    "a_call_beside_its_caller_hid_where_the_generation_stands": """
import "library.sgl" as lib

def program(q: str, n: int, items: list[str]):
    "${lib.shout(q)}"
    for i in range(9):
        t = lib.rate("${i}").why
    return t
""",
    "a_failed_call_beside_its_caller_was_its_own_cause": """
def first(q: str) -> str:
    "A"
    x = gen()
    n = x.index("zzz")
    return x

def program(q: str, n: int, items: list[str]):
    t = first(q)
    x = gen()
    "${t}${x.upper()}"
""",
    "a_failure_that_was_known_already_raised_where_text_shows_it": """
def echo(what: str) -> str:
    "Rate ${what}"
    y = gen()
    return y

def program(q: str, n: int, items: list[str]):
    "BOOM alpha "
    x = gen()
    t = echo(x).upper()
""",
}

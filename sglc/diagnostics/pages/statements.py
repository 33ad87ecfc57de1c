"""SGL02xx: statements that have no meaning where they stand."""

from sglc.diagnostics.page import Page

PAGES = (
    Page(
        "SGL0209",
        "role inside a role",
        """
        Roles do not nest: a message belongs to one role. This includes fragments that open a
        role and are called while another one is open.
        """,
        """
        def main(topic: str):
            user:
                "About "
                assistant "yes?"
        """,
        """
        def main(topic: str):
            user "About "
            assistant "yes?"
        """,
    ),
    Page(
        "SGL0211",
        "cannot leave a fork branch",
        """
        Branches of a fork run at the same time and all run to their end: `return`, and `break`
        or `continue` of a loop around the fork, cannot cross the boundary of a branch.
        """,
        """
        def main(topics: list[str]):
            fork topic in topics as t:
                "About ${topic}:"
                text = gen()
                return text
        """,
        """
        def main(topics: list[str]):
            fork topic in topics as t:
                "About ${topic}:"
                text = gen()
            return t[0].text
        """,
    ),
    Page(
        "SGL0213",
        "not in a loop",
        """
        `break` and `continue` belong to a `for` or `while` loop.
        """,
        """
        def main(topic: str):
            "About ${topic}"
            break
        """,
        """
        def main(topic: str):
            for i in range(3):
                "About ${topic}"
                break
        """,
    ),
    Page(
        "SGL0215",
        "statement does nothing",
        """
        An expression alone on a line has no effect. Strings append to the prompt; to append a
        value, put it in a string: `"${value}"`.
        """,
        """
        def main(topic: str):
            topic
        """,
        """
        def main(topic: str):
            "${topic}"
        """,
    ),
    Page(
        "SGL0219",
        "unknown kind of error",
        """
        `except` handles `gen_error` (the model or its server failed), `extern_error` (a Python
        function raised), `value_error` (an expression has no value), or, without a kind, all.
        """,
        """
        def main(text: str):
            try:
                x = int(text)
            except ValueError:
                x = 0
            return x
        """,
        """
        def main(text: str):
            try:
                x = int(text)
            except value_error:
                x = 0
            return x
        """,
    ),
    Page(
        "SGL0225",
        "code is never reached",
        """
        A warning. What stands above always leaves the block, so this line never runs.
        """,
        """
        def main(topic: str):
            return topic
            "About ${topic}"
        """,
        """
        def main(topic: str):
            "About ${topic}"
            return topic
        """,
    ),
    Page(
        "SGL0240",
        "raise without an error",
        """
        `raise` takes an error: `value_error("why")`, `gen_error("why")` or `extern_error("why")`,
        or the name of an `except ... as name`. Alone it raises the handled error again, which
        only makes sense inside `except`.
        """,
        """
        def main(age: int):
            if age < 0:
                raise "an age is not negative"
            return age
        """,
        """
        def main(age: int):
            if age < 0:
                raise value_error("an age is not negative")
            return age
        """,
    ),
    Page(
        "SGL0241",
        "function defined inside a block",
        """
        A function inside a function stands directly in its body, so that it is the same function
        on every way through it. Move it out of the `if`, loop, role or fork.
        """,
        """
        def main(topic: str):
            if topic:
                def shout(word: str):
                    return word.upper()
                return shout(topic)
        """,
        """
        def main(topic: str):
            def shout(word: str):
                return word.upper()
            if topic:
                return shout(topic)
        """,
    ),
)

"""SGL05xx: a program failed while it ran."""

from sglc.diagnostics.page import Page

PAGES = (
    Page(
        "SGL0501",
        "generation failed",
        """
        A `gen` or `select` got no answer: the prompt is longer than the model's context, the
        server refused or broke off, or the answer is not what `json` asked for. Everything that
        depends on the answer fails with it; the message points at the `gen`. A script handles it
        with `except gen_error`.
        """,
        """
        def main(topic: str):
            return ask(topic)

        def ask(topic: str) -> str:
            user "${topic}"
            assistant:
                text = gen()
            return text
        """,
        """
        def main(topic: str):
            try:
                text = ask(topic)
            except gen_error:
                text = "no answer"
            return text

        def ask(topic: str) -> str:
            user "${topic}"
            assistant:
                text = gen()
            return text
        """,
    ),
    Page(
        "SGL0502",
        "extern function failed",
        """
        A Python function that the script calls raised an exception, or returned something that
        is not a value of scripts (none, booleans, numbers, strings, lists, dicts). A script
        handles it with `except extern_error`.
        """,
        """
        extern def fail(x: str) -> str from "broken_tools:fail"

        def main(question: str = "?"):
            return fail(question)
        """,
        """
        extern def fail(x: str) -> str from "broken_tools:fail"

        def main(question: str = "?"):
            try:
                return fail(question)
            except extern_error as e:
                return e.message
        """,
    ),
    Page(
        "SGL0503",
        "expression has no value",
        """
        Evaluating an expression failed: a bad index or key, a division by zero, text that is no
        number, operands that do not go together, a variable that was never set. A script handles
        it with `except value_error`.
        """,
        """
        def main(text: str):
            return int(text)
        """,
        """
        def main(text: str):
            try:
                n = int(text)
            except value_error:
                n = 0
            return n
        """,
    ),
    Page(
        "SGL0504",
        "limit exceeded",
        """
        The program reached a bound on steps, loop turns, call depth, branches or the size of a
        value. Programs can loop for ever, so each has a bound; raise it in the run's options if
        the program is right. `except` does not handle this.
        """,
        """
        def main():
            while true:
                "again and again"
        """,
        """
        def main():
            for i in range(3):
                "again and again"
        """,
    ),
    Page(
        "SGL0505",
        "extern module is not allowed",
        """
        A script reaches Python only through modules that whoever runs it names:
        `--allow-extern MODULE`.
        """,
        """
        sglc run agent.sgl
        """,
        """
        sglc run agent.sgl --allow-extern tools
        """,
        language="sh",
    ),
    Page(
        "SGL0506",
        "extern function cannot be loaded",
        """
        The module cannot be imported, or has no such function.
        """,
        """
        extern def search(x: str) -> str from "broken_tools:serach"

        def main(question: str = "?"):
            return search(question)
        """,
        """
        extern def search(x: str) -> str from "broken_tools:search"

        def main(question: str = "?"):
            return search(question)
        """,
    ),
    Page(
        "SGL0507",
        "exception in a Python program",
        """
        The body of a `@sglc.function`, or Python code that it called, raised an exception. The
        place is the last line of the program's own files on the way to it.
        """,
        """
        sglc run raises.py
        """,
        """
        sglc run text_qa.py -p question=Who?
        """,
        language="sh",
    ),
    Page(
        "SGL0508",
        "file is not allowed",
        """
        A script reads images and videos only from folders that whoever runs it names:
        `--allow-files FOLDER`. Links are followed first, so that a link out of the folder does not
        help.
        """,
        """
        sglc run picture.sgl
        """,
        """
        sglc run picture.sgl --allow-files .
        """,
        language="sh",
    ),
    Page(
        "SGL0599",
        "internal error in a row",
        """
        A bug in sglc broke one row of a batch; the other rows ran. Run the row alone to get a
        report. There is no example: no program and no input should ever cause this.
        """,
    ),
)

"""SGL0226 and on: what can never work, or has no effect, by what values can be."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "SGL0226",
        "value of the wrong type",
        """
        Operands, arguments, items or results that can never go together. Types come from
        annotations, schemas, constants and what builtin functions give; where a value may be of
        the right type, or a `try` with `except value_error` is around it, nothing is reported.
        What `gen` gives is text, also with `dtype=int`: convert it with `int(x)`.
        """,
        """
        def main(question: str, times: int):
            "${question} " + times
            text = gen()
            return text
        """,
        """
        def main(question: str, times: int):
            "${question} ${times}"
            text = gen()
            return text
        """,
    ),
    Page(
        "SGL0227",
        "variable is read before it is set",
        """
        The function sets this variable, but only further down: usually the `gen` that fills it
        stands below the text that shows it. A prompt grows from top to bottom.
        """,
        """
        def main(question: str):
            "${question} It is ${answer}."
            answer = gen(stop=".")
        """,
        """
        def main(question: str):
            "${question} It is "
            answer = gen(stop=".")
            "."
        """,
    ),
    Page(
        "SGL0228",
        "record has no such field",
        """
        The schema, the branch of the fork or the dict that the value comes from has no field of
        this name. A branch has the names that it assigns, and its item.
        """,
        """
        schema Person:
            name: str
            age: int

        def main(text: str):
            "${text}"
            who = gen(json=Person)
            return who.nme
        """,
        """
        schema Person:
            name: str
            age: int

        def main(text: str):
            "${text}"
            who = gen(json=Person)
            return who.name
        """,
    ),
    Page(
        "SGL0229",
        "comparison has only one outcome",
        """
        A warning. The two sides can never be equal: text is compared with a number, or what a
        `select` chose with a text that is none of its choices.
        """,
        """
        def main(question: str):
            "${question}"
            tool = select(["calculator", "search"])
            if tool == "calculater":
                " expression: "
                gen()
        """,
        """
        def main(question: str):
            "${question}"
            tool = select(["calculator", "search"])
            if tool == "calculator":
                " expression: "
                gen()
        """,
    ),
    Page(
        "SGL0230",
        "generated value is lost",
        """
        A warning. A variable that a `gen` or `select` set is set again before anything reads it,
        whichever way the program takes. The text stays in the prompt; the variable holds the later
        value only. Use another name, or write `gen(...)` without a name.
        """,
        """
        def main(topic: str):
            "Pro ${topic}:"
            text = gen()
            "Contra ${topic}:"
            text = gen()
            return text
        """,
        """
        def main(topic: str):
            "Pro ${topic}:"
            pro = gen()
            "Contra ${topic}:"
            contra = gen()
            return [pro, contra]
        """,
    ),
    Page(
        "SGL0231",
        "branches of a fork never differ",
        """
        A warning. Every branch starts from the same prompt, appends the same text and generates
        greedily (`temperature=0`), so all branches are the same. Use the item in the branch, or
        sample.
        """,
        """
        def main(question: str):
            "${question}"
            fork 3 as drafts:
                text = gen(temperature=0)
            return [d.text for d in drafts]
        """,
        """
        def main(question: str):
            "${question}"
            fork 3 as drafts:
                text = gen(temperature=0.8)
            return [d.text for d in drafts]
        """,
    ),
    Page(
        "SGL0232",
        "pattern or schema is too large",
        """
        A `regex`, a `stop_regex` or a JSON schema stands for more than the engine follows quickly.
        A pattern counts with its repetitions written out: `(ab{3}){100}` has 400 characters. To
        limit the length of an answer, use `max_tokens`.
        """,
        """
        def main(topic: str):
            "All about ${topic}: "
            text = gen(regex=r"[a-z ]{1,100000}")
            return text
        """,
        """
        def main(topic: str):
            "All about ${topic}: "
            text = gen(regex=r"[a-z ]+", max_tokens=1000)
            return text
        """,
    ),
    Page(
        "SGL0233",
        "script calls Python functions",
        """
        A remark of `sglc check`: the script declares functions of this module with `extern` and
        calls them. Whoever runs it has to allow the module with `--allow-extern MODULE`, and should
        know what the functions do.
        """,
        """
        extern def calc(expr: str) -> str from "tools:calc"

        def main(question: str):
            return calc(question)
        """,
        """
        def main(question: str):
            return question
        """,
    ),
)

"""SGL02xx: names, types, imports, and where a program starts."""

from sglc.diagnostics.page import Page

PAGES = (
    Page(
        "SGL0201",
        "unknown function",
        """
        No function of this name is defined in the file, and it is not built in. Functions of
        other files are called as `name.function(...)` after `import "file.sgl" as name`, and
        Python functions have to be declared with `extern def`.
        """,
        """
        def main(question: str):
            return anser(question)

        def answer(question: str) -> str:
            user "${question}"
            assistant:
                text = gen()
            return text
        """,
        """
        def main(question: str):
            return answer(question)

        def answer(question: str) -> str:
            user "${question}"
            assistant:
                text = gen()
            return text
        """,
    ),
    Page(
        "SGL0202",
        "undefined name",
        """
        Nothing assigns this name before it is read, on any way through the function.
        """,
        """
        def main(question: str):
            user "${qestion}"
        """,
        """
        def main(question: str):
            user "${question}"
        """,
    ),
    Page(
        "SGL0203",
        "name may be unset",
        """
        A warning. On some way through the function nothing assigns this name before it is read
        here: only one arm of an `if` sets it, or a loop that may run zero times. Reading it then
        raises `value_error`.
        """,
        """
        def main(question: str):
            if question:
                answer = gen()
            return answer
        """,
        """
        def main(question: str):
            answer = none
            if question:
                answer = gen()
            return answer
        """,
    ),
    Page(
        "SGL0208",
        "unknown type or invalid schema",
        """
        Types are `str`, `int`, `float`, `bool`, `any`, `list[T]`, `dict[str, T]`, strings such
        as `"yes" | "no"`, schemas of the file, and `T?` for a value that may be none. A schema
        must not contain itself except inside `list[...]`, `dict[...]` or `?`.
        """,
        """
        schema Person:
            name: string

        def main(text: str):
            "${text}"
            who = gen(json=Person)
            return who.name
        """,
        """
        schema Person:
            name: str

        def main(text: str):
            "${text}"
            who = gen(json=Person)
            return who.name
        """,
    ),
    Page(
        "SGL0210",
        "defined twice",
        """
        Two functions, schemas, imports, fields, parameters or keyword arguments have one name.
        """,
        """
        def main(topic: str):
            "About ${topic}"

        def main(title: str):
            "About ${title}"
        """,
        """
        def main(topic: str):
            "About ${topic}"

        def headline(title: str):
            "About ${title}"
        """,
    ),
    Page(
        "SGL0212",
        "branch assigns a name of the function",
        """
        A branch sees the variables of its function as they were at the fork, and what it assigns
        stays in the branch. To keep the two apart, a branch cannot assign a name that the
        function assigns elsewhere. Read a branch's names afterwards as `t.name`.
        """,
        """
        def main(topics: list[str]):
            total = 0
            fork topic in topics as t:
                "About ${topic}:"
                text = gen()
                total = total + len(text)
            return total
        """,
        """
        def main(topics: list[str]):
            total = 0
            fork topic in topics as t:
                "About ${topic}:"
                text = gen()
            for branch in t:
                total = total + len(branch.text)
            return total
        """,
    ),
    Page(
        "SGL0216",
        "cannot import",
        """
        The imported script does not exist, lies outside the folder of the script that is run, or
        imports itself through others.
        """,
        """
        import "../secrets.sgl" as secrets

        def main(topic: str):
            "About ${topic}"
        """,
        """
        def main(topic: str):
            "About ${topic}"
        """,
    ),
    Page(
        "SGL0221",
        "no function to start with",
        """
        A script is started at `FILE:function`; without a name, at its only function or at
        `main`. Fragments cannot be started: they need a prompt to append to.
        """,
        """
        def first(q: str):
            "${q}"

        def second(q: str):
            "${q}"
        """,
        """
        def main(q: str):
            "${q}"

        def second(q: str):
            "${q}"
        """,
        language="sgl",
    ),
    Page(
        "SGL0242",
        "an outer variable is hidden where it is needed",
        """
        A local function reads a variable of the function around it. Where it is called, another
        variable has the same name: the item of a fork, or a variable of the local function that
        calls it. Both cannot be meant, so one of them needs another name.
        """,
        """
        def main(topic: str, others: list[str]):
            def ask():
                "What is ${topic}?"
                return topic
            fork topic in others as t:
                asked = ask()
            return t
        """,
        """
        def main(topic: str, others: list[str]):
            def ask():
                "What is ${topic}?"
                return topic
            fork other in others as t:
                asked = ask()
            return t
        """,
    ),
)

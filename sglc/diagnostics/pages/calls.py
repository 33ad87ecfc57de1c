"""SGL02xx: calls, `gen` and `select`, and their arguments."""

from sglc.diagnostics.page import Page

PAGES = (
    Page(
        "SGL0204",
        "wrong number of arguments",
        """
        A call leaves out an argument that has no default, gives too many, or gives one twice.
        """,
        """
        def main(topic: str):
            return tell(topic)

        def tell(topic: str, length: int) -> str:
            "About ${topic} in ${length} words:"
            text = gen()
            return text
        """,
        """
        def main(topic: str):
            return tell(topic, length=50)

        def tell(topic: str, length: int) -> str:
            "About ${topic} in ${length} words:"
            text = gen()
            return text
        """,
    ),
    Page(
        "SGL0205",
        "unknown keyword argument",
        """
        The function has no parameter of this name.
        """,
        """
        def main(topic: str):
            return tell(topic, lenght=50)

        def tell(topic: str, length: int = 10) -> str:
            "About ${topic} in ${length} words:"
            text = gen()
            return text
        """,
        """
        def main(topic: str):
            return tell(topic, length=50)

        def tell(topic: str, length: int = 10) -> str:
            "About ${topic} in ${length} words:"
            text = gen()
            return text
        """,
    ),
    Page(
        "SGL0206",
        "unknown or bad parameter of gen, select or use",
        """
        `gen`, `select` and `use` take named parameters; this one does not exist or its value has
        the wrong type. `use` takes constants only.
        """,
        """
        def main(topic: str):
            "About ${topic}:"
            text = gen(max_token=20)
            return text
        """,
        """
        def main(topic: str):
            "About ${topic}:"
            text = gen(max_tokens=20)
            return text
        """,
    ),
    Page(
        "SGL0207",
        "invalid regular expression or grammar",
        """
        `regex` or `stop_regex` is not a regular expression, or uses look-around or
        back-references, which constrained decoding cannot follow; or `ebnf` is no grammar.
        """,
        """
        def main(topic: str):
            "Year of ${topic}:"
            year = gen(regex=r"[0-9")
            return year
        """,
        """
        def main(topic: str):
            "Year of ${topic}:"
            year = gen(regex=r"[0-9]{4}")
            return year
        """,
    ),
    Page(
        "SGL0214",
        "gen or select inside an expression",
        """
        `gen` and `select` append to the prompt, so each stands on its own: as a statement, or as
        the whole right-hand side of an assignment or `return`.
        """,
        """
        def main(topic: str):
            "About ${topic}: ${gen()}"
        """,
        """
        def main(topic: str):
            "About ${topic}: "
            text = gen()
        """,
    ),
    Page(
        "SGL0217",
        "malformed extern target",
        """
        An extern function names a Python function as `"module:function"`, with dots inside
        either part if need be.
        """,
        """
        extern def calc(expr: str) -> str from "tools.calc"

        def main(expr: str):
            return calc(expr)
        """,
        """
        extern def calc(expr: str) -> str from "tools:calc"

        def main(expr: str):
            return calc(expr)
        """,
    ),
    Page(
        "SGL0218",
        "bad default value",
        """
        Defaults are constants that fit the annotation, and parameters with a default follow
        those without.
        """,
        """
        def main(topic: str, turns: int = "three"):
            "About ${topic}"
        """,
        """
        def main(topic: str, turns: int = 3):
            "About ${topic}"
        """,
    ),
    Page(
        "SGL0220",
        "argument has the wrong type",
        """
        A program's argument does not fit its annotation. On the command line, values are text
        that is converted by the annotation: lists, dicts and schemas are written as JSON.
        """,
        """
        sglc run chat.sgl -p topic=tea -p turns=three
        """,
        """
        sglc run chat.sgl -p topic=tea -p turns=3
        """,
        language="sh",
    ),
    Page(
        "SGL0222",
        "missing or unknown program argument",
        """
        The function that is started needs an argument that was not given, or has no parameter of
        a name that was.
        """,
        """
        sglc run chat.sgl -p topc=tea
        """,
        """
        sglc run chat.sgl -p topic=tea
        """,
        language="sh",
    ),
    Page(
        "SGL0223",
        "call inside a list comprehension",
        """
        Functions of the script and extern functions do things besides giving a value, so they
        are called in statements. Use a `for` loop.
        """,
        """
        def shout(word: str):
            return word.upper()

        def main(words: list[str]):
            return [shout(word) for word in words]
        """,
        """
        def shout(word: str):
            return word.upper()

        def main(words: list[str]):
            out = []
            for word in words:
                out = out + [shout(word)]
            return out
        """,
    ),
    Page(
        "SGL0224",
        "unknown method",
        """
        No value has a method of this name. Methods that would change a value (`append`, `sort`,
        `update`, ...) do not exist: build a new value instead.
        """,
        """
        def main(words: list[str]):
            words = words.append("end")
            return words
        """,
        """
        def main(words: list[str]):
            words = words + ["end"]
            return words
        """,
    ),
)

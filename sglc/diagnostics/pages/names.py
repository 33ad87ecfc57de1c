"""SGL02xx: names, types, schemas, calls."""

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
        "invalid regular expression",
        """
        `regex` or `stop_regex` is not a regular expression, or uses look-around or
        back-references, which constrained decoding cannot follow.
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

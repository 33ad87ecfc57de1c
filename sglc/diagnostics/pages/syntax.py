"""SGL01xx: a script's text cannot be read."""

from sglc.diagnostics.page import Page

PAGES = (
    Page(
        "SGL0101",
        "unexpected text",
        """
        The parser found something that cannot stand there. The message names what it expected.
        A missing `:` at the end of a line that opens a block is the usual cause.
        """,
        """
        def greet(name: str):
            if name == "Ada"
                "Hello again."
        """,
        """
        def greet(name: str):
            if name == "Ada":
                "Hello again."
        """,
    ),
    Page(
        "SGL0102",
        "unexpected character",
        """
        The character has no meaning in a script outside strings and comments. Quotation marks
        copied from a word processor are a usual cause.
        """,
        """
        def greet(name: str):
            x = name && 1
        """,
        """
        def greet(name: str):
            x = name and 1
        """,
    ),
    Page(
        "SGL0103",
        "tab in the indentation",
        """
        Scripts are indented with spaces. How wide a tab is depends on who looks at it, so sglc
        does not guess. Tabs inside strings are text and are kept.
        """,
        'def greet(name: str):\n\t"Hello."\n',
        'def greet(name: str):\n    "Hello."\n',
    ),
    Page(
        "SGL0104",
        "unindent matches no outer block",
        """
        A line is indented less than the one before, but not as far as any block around it.
        """,
        'def greet(name: str):\n        "Hello."\n    "Bye."\n',
        'def greet(name: str):\n    "Hello."\n    "Bye."\n',
    ),
    Page(
        "SGL0105",
        "unexpected or missing indentation",
        """
        A line that ends in `:` needs an indented block below it (`pass` is a block that does
        nothing), and only such a line may be followed by deeper indentation.
        """,
        """
        def greet(name: str):
            if name:
            "Hello."
        """,
        """
        def greet(name: str):
            if name:
                "Hello."
        """,
    ),
    Page(
        "SGL0106",
        "bracket does not match",
        """
        An opening `(`, `[` or `{` is never closed, or a closing one has nothing to close.
        """,
        """
        def greet(name: str):
            x = gen(max_tokens=3
            "Bye."
        """,
        """
        def greet(name: str):
            x = gen(max_tokens=3)
            "Bye."
        """,
    ),
    Page(
        "SGL0107",
        "string is never closed",
        '''
        A string in single or double quotes ends on the line where it began. Text of several
        lines stands between three quotes: `"""`.
        ''',
        """
        def greet(name: str):
            "Hello
            x = gen()
        """,
        """
        def greet(name: str):
            "Hello"
            x = gen()
        """,
    ),
    Page(
        "SGL0108",
        "reserved word used as a name",
        """
        Words of the language (`if`, `for`, `return`, `fork`, `gen`, ...) cannot name variables,
        parameters or functions. Role names and words such as `schema` can.
        """,
        """
        def greet(name: str):
            gen = "Hello"
        """,
        """
        def greet(name: str):
            answer = "Hello"
        """,
    ),
    Page(
        "SGL0109",
        "unknown escape in a string",
        r"""
        The escapes are \n \t \r \" \' \\ \0 \xhh \uhhhh \Uhhhhhhhh, and \ at the end of a line
        of a triple-quoted string, which joins two lines. A raw string r"..." has no escapes and
        no `${}`: use it for regular expressions. A literal dollar before `{` is written `$$`.
        """,
        r"""
        def greet(name: str):
            x = gen(regex="\d+")
        """,
        r"""
        def greet(name: str):
            x = gen(regex=r"\d+")
        """,
    ),
    Page(
        "SGL0110",
        "unknown role or statement",
        """
        A word followed by a string or by `:` is read as a role or as the start of a statement.
        The roles are `system`, `user`, `assistant` and `tool`.
        """,
        """
        def greet(name: str):
            usr "Hello ${name}"
        """,
        """
        def greet(name: str):
            user "Hello ${name}"
        """,
    ),
    Page(
        "SGL0111",
        "malformed `${}` in a string",
        """
        `${` starts an expression that ends at the matching `}` on the same line. It must not be
        empty, and strings inside it need the other kind of quotes. `$$` is a literal dollar.
        """,
        """
        def greet(name: str):
            "Hello ${name"
        """,
        """
        def greet(name: str):
            "Hello ${name}"
        """,
    ),
    Page(
        "SGL0112",
        "file cannot be read",
        """
        The file does not exist, is a folder, or is not UTF-8 text.
        """,
        """
        import "latin1.sgl" as lib

        def main():
            lib.greet()
        """,
        """
        import "chat.sgl" as lib

        def main():
            lib.main("tea")
        """,
        language="sgl",
    ),
    Page(
        "SGL0113",
        "not something that can be assigned to",
        """
        Only names can be assigned to. Values never change: build a new one instead of changing
        an element, for example with `+` for lists and `|` for dicts.
        """,
        """
        def greet(name: str):
            d = {"a": 1}
            d["b"] = 2
        """,
        """
        def greet(name: str):
            d = {"a": 1}
            d = d | {"b": 2}
        """,
    ),
    Page(
        "SGL0114",
        "too deeply nested",
        """
        Blocks, brackets or operators are nested so deeply that sglc gives up. Move a part into a
        function or into a variable of its own.
        """,
        """
        def main():
            x = ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
                ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
                1
                ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
                ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
            return x
        """,
        """
        def main():
            x = 1
            return x
        """,
    ),
)

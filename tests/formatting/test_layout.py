"""What the layout is: one case a rule."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from sglc.diagnostics.core import ParseError
from sglc.formatting import script
from sglc.formatting.script import FormatterError, format_script
from tests.formatting.sources import FILES, PAGES, snippets
from tests.golden_files import updating

CASES = {
    "blanks between tokens": (
        """
        def f ( a,b : int=3,c='x' )->str ? :
            x=- 1+a [ 1 : b ]*2**3
            y = { 'a':1 , "b" :[1,2] } | c . d
            x+=not a  or b!=  3
            z = gen( stop = 'a' , max_tokens=-  1 )
            user   "x"
        """,
        """
        def f(a, b: int = 3, c='x') -> str?:
            x = -1 + a[1:b] * 2 ** 3
            y = {'a': 1, "b": [1, 2]} | c.d
            x += not a or b != 3
            z = gen(stop='a', max_tokens=-1)
            user "x"
        """,
    ),
    "definitions stand two lines apart": (
        """
        use temperature = 0,top_p=1
        import "a.sgl" as a
        def f():
          pass
        fragment g():
              pass



        # About h.

        def h():

            pass


            pass
        """,
        """
        use temperature=0, top_p=1
        import "a.sgl" as a


        def f():
            pass


        fragment g():
            pass


        # About h.

        def h():
            pass

            pass
        """,
    ),
    "headers on one line": (
        """
        def f(x):
            if x: return 1  # one
            else: pass
            user: "a"
        def g(): pass
        """,
        """
        def f(x):
            if x:
                return 1  # one
            else:
                pass
            user:
                "a"


        def g():
            pass
        """,
    ),
    "fields of a schema are no headers": (
        """
        schema S :
          "doc"
          user:str?,"who"
          if_:list[ int ]=[]
        """,
        """
        schema S:
            "doc"
            user: str?, "who"
            if_: list[int] = []
        """,
    ),
    "comments stay in their block": (
        """
        def f(x):
          # first
          if x:
              # in if
              pass
              # end of if
          # before else
          else:
           pass
           # end of else
          return 1   # trailing
          # end of f
        # of the file
        """,
        """
        def f(x):
            # first
            if x:
                # in if
                pass
                # end of if
            # before else
            else:
                pass
                # end of else
            return 1  # trailing
            # end of f


        # of the file
        """,
    ),
    "comments in brackets": (
        """
        def f():
            x = foo(  # open
               # own
              a, # after a
              b # before the comma
              , # after the comma
              c
              # before close
            )  # end
            y = (1 + # one
              2)
        """,
        """
        def f():
            x = foo(  # open
                # own
                a,  # after a
                b,  # before the comma
                # after the comma
                c,
                # before close
            )  # end
            y = (
                1
                +  # one
                2
            )
        """,
    ),
    "a comma after the last item keeps one item a line": (
        """
        def f():
            x = [1, 2,]
            y = [1,
                 2]
        """,
        """
        def f():
            x = [
                1,
                2,
            ]
            y = [1, 2]
        """,
    ),
    "strings next to each other keep their lines": (
        """
        def f():
            x = gen(regex=r"a"
               r"b", stop="c"   "d")
        """,
        """
        def f():
            x = gen(
                regex=r"a"
                    r"b",
                stop="c" "d",
            )
        """,
    ),
    "a continued line stays continued": (
        """
        def f():
            x = 1 + \\
             2
        """,
        """
        def f():
            x = 1 + \\
                2
        """,
    ),
    "functions in functions, and every kind of block": (
        """
        def f(xs):
          def g( ): return {k:1 for k in xs}
          fragment h(): pass
          x=1
          for a,b in xs: pass
          else: pass
          try: pass
          except (value_error,gen_error) as e: raise
          else: raise value_error( "a" )
          finally: pass
        """,
        """
        def f(xs):
            def g():
                return {k: 1 for k in xs}

            fragment h():
                pass

            x = 1
            for a, b in xs:
                pass
            else:
                pass
            try:
                pass
            except (value_error, gen_error) as e:
                raise
            else:
                raise value_error("a")
            finally:
                pass
        """,
    ),
    "text is not touched": (
        '''
        def f():
          user """
             deep  \t
           less
            """
          x = """a
         b"""
        ''',
        '''
        def f():
            user """
             deep  \t
           less
            """
            x = """a
         b"""
        ''',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_layout(name: str) -> None:
    source, wanted = CASES[name]
    assert format_script(dedent(source), "x.sgl") == dedent(wanted).lstrip("\n")


def test_long_lines_break_at_brackets_then_at_operators() -> None:
    long, other = "a" * 40, "b" * 40
    source = dedent(
        f"""
        def f({long}, {other}, c: str = "x"):
            return call({long}, {other})[{long}]
            x = call(name={long} + {other} * 2 + {long}, y=[{other}])
            y = select([{long}, {other}, {long}])
            z = [{long}.x for {long} in {other} if {other}]
        """
    )
    assert format_script(source, "x.sgl") == dedent(
        f"""\
        def f(
            {long},
            {other},
            c: str = "x",
        ):
            return call({long}, {other})[
                {long}
            ]
            x = call(
                name={long}
                    + {other} * 2
                    + {long},
                y=[{other}],
            )
            y = select([
                {long},
                {other},
                {long},
            ])
            z = [
                {long}.x
                for {long} in {other}
                if {other}
            ]
        """
    )


def test_long_values_get_brackets_where_they_have_operators() -> None:
    long = "a" * 60
    source = dedent(
        f"""
        def f({long}):
            x = {long} or {long}
            if {long} and f({long})[0]:
                return "{long}" "{long}"
            y = f(1,) + 2
            z = {long} \\
                + {long}
            "{long}" "{long}"
        """
    )
    assert format_script(source, "x.sgl") == dedent(
        f"""\
        def f({long}):
            x = (
                {long}
                or {long}
            )
            if (
                {long}
                and f({long})[0]
            ):
                return (
                    "{long}"
                    "{long}"
                )
            y = f(
                1,
            ) + 2
            z = {long} \\
                + {long}
            "{long}" "{long}"
        """
    )


def test_width_counts_cells() -> None:
    wide = "日" * 40
    assert "\n" not in format_script(f'use stop=["{wide}"]', "x.sgl").rstrip("\n")
    assert '[\n    "' in format_script(f'use stop=["{wide}", "{wide}"]', "x.sgl")


@pytest.mark.parametrize("source", ["", "\n\n", "  \n"])
def test_nothing_stays_nothing(source: str) -> None:
    assert format_script(source, "x.sgl") == ""


def test_a_long_chain_of_branches_is_a_deep_tree_and_no_problem() -> None:
    chain = "".join(f"    elif x == {i}:\n        y = {i}\n" for i in range(95))
    source = f"def f(x):\n    if x:\n        pass\n{chain}"
    assert format_script(source, "x.sgl") == source


def test_only_comments() -> None:
    assert format_script("\n# a\n\n\n\n   # b", "x.sgl") == "# a\n\n\n# b\n"


def test_mistakes_are_reported_and_nothing_is_returned() -> None:
    with pytest.raises(ParseError) as caught:
        format_script("def f():\n    x = (1\n\ndef g():\n    usr 'a'\n", "x.sgl")
    assert [d.code for d in caught.value.diagnostics] == ["SGL0106", "SGL0110"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("1", "2"), "means something else"),
        (lambda text: text.replace("  # c", ""), "lost or moved a comment"),
        (lambda text: text.replace('"a" "b"', '"ab"'), "changed a string"),
        (lambda text: text.replace(")", ""), "does not parse"),
    ],
)
def test_the_self_check_sees_every_kind_of_damage(
    monkeypatch: pytest.MonkeyPatch, change: object, message: str
) -> None:
    run = script._Printer.run
    monkeypatch.setattr(script._Printer, "run", lambda self: change(run(self)))  # type: ignore[operator]
    with pytest.raises(FormatterError, match=message):
        format_script('def f():\n    x = foo(1)  # c\n    "a" "b"\n', "x.sgl")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_scripts_of_this_repository_are_formatted(path: Path) -> None:
    """`sglc fmt examples tests/golden` rewrites them."""
    text = path.read_text(encoding="utf-8")
    assert format_script(text, str(path)) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_in_the_documentation_are_formatted(page: Path) -> None:
    """With `SGLC_UPDATE_GOLDEN=1` they are rewritten."""
    text = page.read_text(encoding="utf-8")
    wanted = text
    for snippet in snippets(page):
        wanted = wanted.replace(f"\n{snippet}```\n", f"\n{format_script(snippet, page.name)}```\n")
    if updating():
        page.write_text(wanted, encoding="utf-8")
    assert wanted == page.read_text(encoding="utf-8")

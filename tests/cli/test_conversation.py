"""What a conversation looks like on stdout."""

import io

from sglc.cli.conversation import Printer, plain


def shown(*pieces: str | tuple[str, ...], value: object = None) -> str:
    out = io.StringIO()
    printer = Printer(out)
    for piece in pieces:
        if isinstance(piece, str):
            printer.text(piece)
        elif piece:
            printer.begin(*piece)
        else:
            printer.end()
    printer.finish(value)
    return out.getvalue()


def test_plain_text_is_as_it_is() -> None:
    assert shown("Q: a\n", "A:", " b") == "Q: a\nA: b\n"


def test_messages_are_stripped_on_the_left_and_start_a_line() -> None:
    conversation = shown(("user",), "  \n", " hi ", (), ("assistant",), "Hello", " you", ())
    assert conversation == "user: hi \nassistant: Hello you\n"


def test_text_before_a_message() -> None:
    assert shown("note", ("user",), "hi", ()) == "note\nuser: hi\n"


def test_empty_message() -> None:
    assert shown(("user",), (), ("assistant",), "x", ()) == "user: \nassistant: x\n"


def test_return_value() -> None:
    assert shown("a", value="b") == "a\n=> b\n"
    assert shown("a\n", value={"n": [1, None]}) == 'a\n=> {"n": [1, null]}\n'
    assert shown(value=0) == "=> 0\n"


def test_plain_values() -> None:
    class Thing:
        def __repr__(self) -> str:
            return "Thing()"

    assert plain({1: (Thing(), {2.5})}) == {"1": ["Thing()", [2.5]]}

"""
`FILE[:function]`, as the command line names a program: find the file, read it, lower it to IR.

Nothing here imports or runs a program, `.py` included; `sglc.programs.program` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, Span, UsageError
from sglc.ir.core import Func, Module
from sglc.ir.signature import declared

SUFFIXES = (".sgl", ".py", ".sglir")


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a program: its annotation as text, and whether a value must be given."""

    name: str
    type: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """`FILE[:function]`, with a file that exists and can be read."""

    path: Path
    function: str | None
    text: str
    stdin: bool = False
    """The text came from stdin; the path only names it."""

    @property
    def file(self) -> str:
        """The path as the user gave it; locations refer to it."""
        return str(self.path)

    @property
    def kind(self) -> str:
        """`sgl`, `py` or `sglir`."""
        return self.path.suffix[1:]


def parse_target(text: str) -> Target:
    """
    Split `FILE[:function]` and read the file.

    Raises UsageError when there is no such file, it is not text, or has an unknown ending.
    """
    path, function = Path(text), None
    if not path.exists() and ":" in text:
        name, _, function = text.rpartition(":")
        path = Path(name)
    if path.is_dir() or not path.exists():
        what = "is a directory" if path.is_dir() else "no such file"
        raise _usage("SGL0606", f"cannot read `{path}`: {what}", *_similar_files(path))
    if path.suffix not in SUFFIXES:
        raise _not_a_program(path)
    try:
        content = _decoded(path)
    except UnicodeDecodeError as error:
        message = f"`{path}` is not {error.encoding.upper()} text: {error.reason}"
        raise _usage("SGL0606", message) from None
    except SyntaxError as error:  # the encoding that a Python file declares
        raise _usage("SGL0606", f"cannot read `{path}`: {error.msg}") from None
    except OSError as error:
        raise _usage("SGL0606", f"cannot read `{path}`: {reason(error)}") from None
    return Target(path, function or None, content)


def _decoded(path: Path) -> str:
    """Text without a byte order mark; a Python file may declare its encoding (PEP 263)."""
    if path.suffix == ".py":
        import tokenize

        with tokenize.open(path) as file:
            return file.read()
    return path.read_text(encoding="utf-8-sig")


def from_stdin(text: str, name: str) -> Target:
    """
    A program that was read from stdin. `name` is what messages call it; its ending says what it is.

    Raises UsageError for an unknown ending.
    """
    path = Path(name)
    if path.suffix not in SUFFIXES:
        raise _not_a_program(path)
    return Target(path, None, text, stdin=True)


def load_module(target: Target) -> Module:
    """
    The IR of a file: parsed and lowered (`.sgl`, `.py`) or parsed (`.sglir`), and verified.

    Never imports or runs the program. Raises ParseError, LowerError, VerifyError.
    """
    return load_with_remarks(target)[0]


def load_with_remarks(target: Target) -> tuple[Module, list[Diagnostic]]:
    """As `load_module`, with what the front end has to say about the program."""
    from sglc.passes.instrumentation import Instrumentation
    from sglc.programs.front_end import front_end

    report = Instrumentation().run(front_end(target))
    assert isinstance(report.value, Module)
    return report.value, report.remarks


def choose(module: Module, target: Target) -> Func:
    """
    The function to run: the one named, else `main`, else the only one that is a program.

    Raises UsageError when there is no such function or the choice is not clear.
    """
    programs = {name: f for name, f in module.funcs.items() if is_program(f)}
    if target.function is not None:
        if target.function in programs:
            return programs[target.function]
        close = get_close_matches(target.function, programs, 1)
        raise _usage(
            "SGL0607",
            f"no function `{target.function}` in `{target.path}`",
            f"did you mean `{close[0]}`?" if close else functions_help(programs),
        )
    if "main" in programs:
        return programs["main"]
    if len(programs) == 1:
        return next(iter(programs.values()))
    what = "no function to run" if not programs else "more than one function"
    raise _usage("SGL0607", f"{what} in `{target.path}`", functions_help(programs, target.path))


def is_program(func: Func) -> bool:
    """Whether a function can be run on a prompt of its own."""
    return func.attrs.get("kind") in {"function", "program"} and "." not in func.name


def params_of(func: Func) -> tuple[Param, ...]:
    """Parameters of a function of the IR, the state left out."""
    return tuple(
        Param(str(entry["name"]), _text(entry.get("type")), "default" not in entry)
        for entry in declared(func)
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def functions_help(programs: Mapping[str, object], path: Path | None = None) -> str:
    """Help that lists the functions of a file, and how to name one when `path` is given."""
    if not programs:
        return "declare one with `def name():` (.sgl) or `@sglc.function` (.py)"
    names = ", ".join(f"`{name}`" for name in programs)
    return f"functions are {names}" if path is None else f"write `{path}:NAME`; names are {names}"


def _similar_files(path: Path) -> Sequence[str]:
    if not path.parent.is_dir():
        return ()
    names = [p.name for p in path.parent.iterdir() if p.suffix in SUFFIXES and p.is_file()]
    close = get_close_matches(path.name, names, 1)
    return (f"did you mean `{path.parent / close[0]}`?",) if close else ()


def syntax_diagnostic(error: SyntaxError) -> Diagnostic:
    """Python's own finding as a diagnostic."""
    line, column = error.lineno or 1, error.offset or 1
    end_line, end = error.end_lineno or line, error.end_offset or 0
    if (end_line, end) <= (line, column):
        end_line, end = line, column + 1
    span = Span(error.filename or "<text>", line, column, end_line, end)
    return Diagnostic(code="SGL0101", message=f"Python: {error.msg}", span=span)


def reason(error: OSError) -> str:
    """Why a file could not be read or written, as messages say it."""
    return (error.strerror or str(error)).lower()


def _not_a_program(path: Path) -> UsageError:
    endings = ", ".join(SUFFIXES)
    return _usage("SGL0608", f"`{path}` is not a program", f"programs end in {endings}")


def _usage(code: str, message: str, *helps: str) -> UsageError:
    return UsageError(Diagnostic(code=code, message=message, helps=helps))

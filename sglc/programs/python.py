"""Functions of Python modules: importing them, and the runs they make."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from sglc.diagnostics.core import Diagnostic, ParseError, UsageError
from sglc.ir.core import Func, Module
from sglc.language.function import SglFunction
from sglc.programs.arguments import convert
from sglc.programs.failures import diagnose
from sglc.programs.program import Program, RunOptions
from sglc.programs.running import Running
from sglc.programs.script import exec_options
from sglc.programs.target import Param, Target, functions_help, syntax_diagnostic


class PythonProgram(Program):
    """A `@sglc.function`."""

    def __init__(self, function: SglFunction) -> None:
        self.function = function
        signature = inspect.signature(function.func)
        self.params = tuple(
            Param(
                name, _annotation(p), p.default is p.empty and name not in function.bind_arguments
            )
            for name, p in list(signature.parameters.items())[1:]
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        )

    def convert(self, given: Mapping[str, object], *, text: bool) -> dict[str, Any]:
        """Arguments, converted and checked by the function's annotations."""
        return convert(given, self.params, text=text)

    def start(self, args: Mapping[str, Any], how: RunOptions) -> Running:
        """Begin a run; the body has a thread of its own, as it may wait anywhere."""
        state = self.function.run(
            **args,
            **{("max_new_tokens" if k == "max_tokens" else k): v for k, v in how.sampling.items()},
            backend=how.backend,
            seed=how.seed,
            compiled=not how.eager,
            options=exec_options(how.pipeline, eager=how.eager),
            stream=True,
        )
        return Running(state)


def from_file(target: Target) -> PythonProgram:
    """Import the file under its own name, its folder on the path, and take the function."""
    return PythonProgram(_function(vars(import_file(target.path)), target))


def import_file(path: Path) -> ModuleType:
    """The file as a module; once, also when a backend was looked up in it."""
    search(path.resolve().parent)
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and Path(known.__file__ or "").resolve() == path.resolve():
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise _syntax_error(error) from None
    except Exception as error:
        found = diagnose(error)
        if found is None:
            raise
        raise found from None
    return module


def from_dump(target: Target, module: Module, func: Func, allowed: frozenset[str]) -> PythonProgram:
    """
    The live function that a dump of Python is a plan of.

    Raises UsageError when its module is not allowed, is gone, or its source has changed.
    """
    from sglc.frontends.python.source import find_source

    name, _, qualname = str(func.attrs.get("source", "")).partition(":")
    if not qualname:
        raise _refused(f"`{target.path}` does not name the Python function it comes from")
    if name not in allowed:
        raise _refused(
            f"`{target.path}` needs the Python module `{name}`",
            f"allow it with `--allow-module {name}`",
        )
    search(Path.cwd())
    search(target.path.resolve().parent)
    try:
        found: Any = importlib.import_module(name)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise _refused(f"cannot find `{name}:{qualname}`: {error}") from None
    if not isinstance(found, SglFunction):
        raise _refused(f"`{name}:{qualname}` is no `@sglc.function`")
    if find_source(found.func).sha256 != func.attrs.get("source_sha256"):
        raise _refused(
            f"`{name}:{qualname}` has changed since `{target.path}` was made",
            "compile it again",
        )
    return PythonProgram(found)


def search(folder: Path) -> None:
    """Look for modules in `folder` first, as Python does for the script it runs."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _function(names: Mapping[str, Any], target: Target) -> SglFunction:
    programs = {name: value for name, value in names.items() if isinstance(value, SglFunction)}
    own = {n: f for n, f in programs.items() if f.func.__module__ == target.path.stem}
    if target.function is not None:
        if target.function in programs:
            return programs[target.function]
        close = get_close_matches(target.function, programs, 1)
        help_ = f"did you mean `{close[0]}`?" if close else functions_help(programs)
        message = f"no function `{target.function}` in `{target.path}`"
        raise UsageError(Diagnostic(code="SGL0607", message=message, helps=(help_,)))
    if "main" in own or len(own) == 1:
        return own.get("main") or next(iter(own.values()))
    what = "no function to run" if not own else "more than one function"
    help_ = functions_help(own, target.path)
    message = f"{what} in `{target.path}`"
    raise UsageError(Diagnostic(code="SGL0607", message=message, helps=(help_,)))


def _annotation(parameter: inspect.Parameter) -> str | None:
    if parameter.annotation is parameter.empty:
        return None
    if isinstance(parameter.annotation, str):
        return parameter.annotation
    return inspect.formatannotation(parameter.annotation)


def _syntax_error(error: SyntaxError) -> ParseError:
    return ParseError(syntax_diagnostic(error))


def _refused(message: str, *helps: str) -> UsageError:
    return UsageError(Diagnostic(code="SGL0612", message=message, helps=helps))

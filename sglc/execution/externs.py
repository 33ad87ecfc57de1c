"""
Python functions that scripts reach through `extern`.

Only modules that whoever runs the script names are imported. Calls run on threads of their own, so
that the driver never waits for them.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from sglc.diagnostics.core import Diagnostic, ExecutionError
from sglc.diagnostics.suggest import did_you_mean
from sglc.execution.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Iterator

_path_lock = threading.Lock()


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(64, thread_name_prefix="sglc-extern")


class Externs:
    """Resolves `module:function`, for modules that are allowed."""

    def __init__(
        self,
        allowed: Collection[str] = (),
        folder: str | Path | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.allowed = frozenset(allowed)
        """Names of modules; a package allows its submodules."""
        self.folder = None if folder is None else Path(folder)
        """Where modules are looked for after Python's own path: the script's folder."""
        self.functions = dict(functions or {})
        """Functions by target that need no import, such as those a Python caller hands over."""

    def permitted(self, module: str) -> bool:
        """Whether the module, or a package around it, is allowed."""
        parts = module.split(".")
        return any(".".join(parts[: i + 1]) in self.allowed for i in range(len(parts)))

    def resolve(self, target: str) -> Callable[..., Any]:
        """
        The function behind `module:function`.

        Raises:
            ExecutionError: the module is not allowed, or has no such function.
        """
        found = self.functions.get(target)
        if found is not None:
            return found
        module_name, _, path = target.partition(":")
        if not self.permitted(module_name):
            raise ExecutionError(
                Diagnostic(
                    code="SGL0505",
                    message=f"the script calls `{target}`, and module `{module_name}` is not "
                    "allowed",
                    helps=(f"allow it with --allow-extern {module_name}",),
                )
            )
        value: Any = self._import(module_name)
        for name in path.split("."):
            if name.startswith("_"):
                raise _refused(target, f"`{name}` is private")
            if not hasattr(value, name):
                raise ExecutionError(
                    Diagnostic(
                        code="SGL0506",
                        message=f"module `{module_name}` has no function `{path}`",
                        helps=did_you_mean(name, dir(value)),
                    )
                )
            value = getattr(value, name)
            if isinstance(value, ModuleType):
                self._permit(target, value.__name__)
        if not callable(value):
            raise ExecutionError(
                Diagnostic(code="SGL0506", message=f"`{target}` is not a function")
            )
        # What a module has imported from elsewhere is not the module's own.
        if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
            self._permit(target, str(value.__module__))
        self.functions[target] = value
        return value  # type: ignore[no-any-return]  # callable, as far as Python can tell

    def _permit(self, target: str, module: str) -> None:
        if not self.permitted(module):
            raise _refused(target, f"it is from module `{module}`", module)

    def _import(self, name: str) -> ModuleType:
        try:
            with _search_last(self.folder):
                return importlib.import_module(name)
        except Exception as error:
            kind = type(error).__name__
            missing = isinstance(error, ModuleNotFoundError) and error.name == name
            reason = "there is none" if missing else f"{kind}: {error}"
            raise ExecutionError(
                Diagnostic(code="SGL0506", message=f"cannot import module `{name}`: {reason}")
            ) from error


def _refused(target: str, reason: str, module: str | None = None) -> ExecutionError:
    helps = () if module is None else (f"allow it with --allow-extern {module}",)
    message = f"the script calls `{target}`, which is not allowed: {reason}"
    return ExecutionError(Diagnostic(code="SGL0505", message=message, helps=helps))


@contextmanager
def _search_last(folder: Path | None) -> Iterator[None]:
    """
    Let imports look into a folder too.

    It comes last: a file beside a script must not stand in for a module that is installed.
    """
    if folder is None:
        yield
        return
    entry = str(folder.resolve())
    with _path_lock:
        sys.path.append(entry)
        try:
            yield
        finally:
            # The entry may also have been there before, further ahead.
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(entry)]


def call_later(function: Callable[..., Any], args: Sequence[object]) -> Pending[Any]:
    """Call a function on a thread; the Pending has its result or its exception."""
    result: Pending[Any] = Pending()

    def work() -> None:
        try:
            value = function(*args)
        except BaseException as error:
            result.set_exception(error)
        else:
            result.set_result(value)

    _pool().submit(work)
    return result

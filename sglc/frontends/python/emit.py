"""
Emission: a rewritten definition as one Python function in the place of the user's.

File, lines, qualified name, globals, original cells, defaults and annotations are the user's; the
runtime object is a constant of the code, so no name is added to any scope.
"""

from __future__ import annotations

import ast
import functools
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sglc.frontends.python.deferral import Runtime
from sglc.frontends.python.names import Guard, LiveNames, symbol_of
from sglc.frontends.python.rewrite import RUNTIME, Plan
from sglc.frontends.python.source import FUTURE_FLAGS, FunctionNode, FunctionSource
from sglc.frontends.python.texts import Call, walk

if TYPE_CHECKING:
    from sglc.frontends.python.tails import SilentTail


def emit(
    source: FunctionSource,
    plan: Plan,
    function: types.FunctionType,
    names: LiveNames,
    replaced: Callable[[list[Guard]], None],
    tail: SilentTail | None = None,
) -> Callable[..., Any]:
    """
    The function that runs in place of `function`, with the same signature.

    When names that compilation relied on stand for something else, `replaced` is told, and the
    user's own function runs instead.
    """
    if tail is not None:
        runtime: Runtime = tail.runtime
        bound = bind(source, tail.node, function, runtime)
    elif plan.changed:
        runtime = Runtime(plan.sites, language_functions(plan, names))
        bound = bind(source, plan.node, function, runtime)
    else:
        return function
    code = bound.__code__

    @functools.wraps(function)
    def emitted(*args: Any, **kwargs: Any) -> Any:
        broken = names.broken()
        if broken:
            replaced(broken)
            return function(*args, **kwargs)
        try:
            return bound(*args, **kwargs)
        except BaseException as error:
            leaving, new = runtime.leaving(error, code)
            if not new:
                raise
        raise leaving

    return emitted


def bind(
    source: FunctionSource, node: FunctionNode, function: types.FunctionType, runtime: object
) -> types.FunctionType:
    """Compile a definition where the user's stands and give it the user's surroundings."""
    ast.fix_missing_locations(node)
    code = source.compile_with(node, function.__code__.co_flags & FUTURE_FLAGS)
    code = _with_runtime(code, runtime).replace(co_qualname=function.__code__.co_qualname)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    bound = types.FunctionType(
        code,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        tuple(cells[name] for name in code.co_freevars),
    )
    bound.__kwdefaults__ = function.__kwdefaults__
    bound.__qualname__ = function.__qualname__
    bound.__module__ = function.__module__
    bound.__doc__ = function.__doc__
    bound.__annotations__ = function.__annotations__
    bound.__dict__.update(function.__dict__)
    return bound


def _with_runtime(code: types.CodeType, runtime: object) -> types.CodeType:
    """The code with the runtime object in its place, comprehensions included."""

    def constant(value: object) -> object:
        if isinstance(value, types.CodeType):
            return _with_runtime(value, runtime)
        return runtime if isinstance(value, str) and value == RUNTIME else value

    constants = tuple(map(constant, code.co_consts))
    if all(a is b for a, b in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=constants)


def language_functions(plan: Plan, names: LiveNames) -> dict[str, Any]:
    """The objects behind the language's symbols that deferred texts call."""
    wanted = {
        part.symbol
        for site in plan.sites
        if site.text is not None
        for part in walk(site.text)
        if isinstance(part, Call)
    }
    found = {symbol_of(guard.value): guard.value for guard in names.guards.values()}
    return {symbol: found[symbol] for symbol in wanted}

"""
SGLang's module of this name: the operations of a program as a graph of expressions.

SGLang runs the program on place-holders. Here they come from the program's IR, so nothing of the
user's runs: what is straight-line, or loops over known numbers, lists and forks, can be shown;
where the program decides by a value there is no one graph, and tracing says where that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from sglc.diagnostics.core import SglcError
from sglc.expressions.evaluate import evaluate, parsed
from sglc.frontends.python.lower import lower_parsed
from sglc.frontends.python.source import SourceFile
from sglc.ir.core import Func, Module, Op, Region, Symbol, Value
from sglc.language.exprs import (
    SglConstantText,
    SglExpr,
    SglImage,
    SglRoleBegin,
    SglRoleEnd,
    SglVarScopeBegin,
    SglVarScopeEnd,
)
from sglc.language.function import SglFunction
from sglc.language.gen import gen, select
from sglc.language.nodes import (
    SglArgument,
    SglConcateAndAppend,
    SglFork,
    SglGetForkItem,
    SglVariable,
)

__all__ = ["TracerProgramState", "trace_program"]


class TracerProgramState:
    """What a trace knows of one prompt."""

    def __init__(self, arguments: Mapping[str, object], last: SglExpr | None = None) -> None:
        self.arguments = dict(arguments)
        self.nodes: list[SglExpr] = []
        self.variables: dict[str | None, SglVariable | list[SglVariable]] = {}
        self.child_states: list[TracerProgramState] = []
        self.ret_value: object = None
        self.last_node = last

    def append(self, node: SglExpr) -> None:
        """Put a node after the last one."""
        node.prev_node, self.last_node = self.last_node, node
        self.nodes.append(node)

    def text(self, parts: Iterable[object]) -> None:
        """Append text; neighbouring constants are one node."""
        constant = ""
        for part in parts:
            if isinstance(part, str | int):
                constant += str(part)
                continue
            if constant:
                self.append(SglConstantText(constant))
            constant = ""
            # A value may be appended more than once, and a node stands in one place.
            self.append(_again(part))
        if constant:
            self.append(SglConstantText(constant))

    def bind(self, node: SglExpr, name: str | None) -> SglVariable:
        """Append what makes a variable."""
        self.append(node)
        made = SglVariable(name, node)
        self.variables[name] = made
        return made

    def fork(self, size: int) -> list[TracerProgramState]:
        """Branches that continue here."""
        self.append(SglFork(size))
        children = []
        for index in range(size):
            child = TracerProgramState(self.arguments, self.last_node)
            child.variables = dict(self.variables)
            child.append(SglGetForkItem(index))
            children.append(child)
        self.child_states += children
        return children

    def get_var(self, name: str) -> object:
        """The argument of this name where it is known, else the variable."""
        argument = self.arguments.get(name)
        return argument if argument is not None else self.variables[name]

    def __getitem__(self, name: str) -> object:
        return self.get_var(name)

    def flatten_nodes(self) -> list[SglExpr]:
        """Nodes of this prompt and of its branches."""
        return [*self.nodes, *(n for child in self.child_states for n in child.flatten_nodes())]


def trace_program(
    program: SglFunction, arguments: Mapping[str, object], backend: Any = None
) -> TracerProgramState:
    """
    The operations of a program; arguments that are not given are unknown.

    Runs nothing of the program. NotImplementedError where it runs live, or where what it does
    depends on a value.
    """
    form = program._program.compiled()
    if form is None or form.module is None:
        why = "; ".join(remark.message for remark in getattr(form, "remarks", ()))
        raise NotImplementedError(f"trace: {why or 'the program is not compiled'}")
    given = {name: SglArgument(name) for name in program.arg_names}
    known = {**given, **arguments, **program.bind_arguments}
    state = TracerProgramState(known)
    func = form.module.funcs[form.source.qualname]
    tracer = _Tracer(_with_programs(form.module, form.source.file))
    tracer.function(func, state, known)
    state.ret_value = tracer.returned
    return state


def _with_programs(module: Module, file: SourceFile) -> Module:
    """A function's module with the other programs of its file, which it may call."""
    try:
        whole = lower_parsed(file)[0]
    except SglcError:
        return module
    return Module(module.file, {**whole.funcs, **module.funcs}, module.attrs)


class _ReturnedError(Exception):
    """The function has ended."""


class _Tracer:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.env: dict[Value, Any] = {}
        self.returned: object = None
        self.calls: list[str] = []

    def function(
        self, func: Func, state: TracerProgramState, arguments: Mapping[str, object]
    ) -> None:
        if func.name in self.calls:
            raise NotImplementedError(f"trace: `{func.name}` calls itself")
        self.calls.append(func.name)
        self.env[func.params[0]] = state
        for param in func.params[1:]:
            name = param.name
            self.env[param] = arguments.get(name, SglArgument(name))
        self.returned = None
        with suppress(_ReturnedError):
            self.region(func.body)
        self.calls.pop()

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op(op)

    def op(self, op: Op) -> None:
        handler = _OPS.get(op.name)
        if handler is None:
            self.refuse(op, f"`{op.name.removeprefix('cf.')}` depends on a value")
        made = handler(self, op, [self.env.get(v) for v in op.operands])
        if op.results and made is not None:
            self.env[op.results[0]] = made

    def refuse(self, op: Op, why: str) -> NoReturn:
        raise NotImplementedError(
            f"trace: {self.module.file}:{op.loc}: {why}; `sglc explain` shows such programs"
        )

    def evaluated(self, op: Op, values: list[Any]) -> Any:
        names = op.attrs["names"]
        assert isinstance(names, tuple)
        if any(isinstance(v, SglExpr) for v in values):
            return SglArgument(str(op.attrs["src"]))
        variables = dict(zip(map(str, names), values, strict=True))
        return evaluate(parsed(str(op.attrs["src"])), variables)

    def host(self, op: Op, values: list[Any]) -> Any:
        """Python code: its value is unknown, and it must not have a prompt."""
        if any(v.type in ("handle", "list") for v in op.operands):
            self.refuse(op, "a prompt is handed to Python code")
        for result in op.results[1:]:
            self.env[result] = SglArgument(result.name)
        return SglArgument(str(op.attrs["src"])) if op.results else None

    def text(self, op: Op, values: list[Any]) -> None:
        constants = op.attrs["text"]
        assert isinstance(constants, tuple)
        parts: list[object] = [constants[0]]
        for value, constant in zip(values[1:], constants[1:], strict=True):
            parts += [value, constant]
        values[0].text(parts)

    def sample(self, op: Op, values: list[Any]) -> SglVariable:
        names = op.attrs.get("args", ())
        assert isinstance(names, tuple)
        given: dict[str, Any] = {k: v for k, v in op.attrs.items() if k != "args"}
        given |= dict(zip(map(str, names), values[1:], strict=True))
        given.pop("choices_method", None)
        node = gen(**given) if op.name == "lm.gen" else select(**given)
        state: TracerProgramState = values[0]
        return state.bind(node, given.get("name"))

    def role(self, op: Op, values: list[Any]) -> None:
        kind = SglRoleBegin if op.name == "lm.role_begin" else SglRoleEnd
        values[0].append(kind(str(op.attrs["role"])))

    def image(self, op: Op, values: list[Any]) -> None:
        values[0].append(SglImage(op.attrs["path"] if "path" in op.attrs else values[1]))

    def var_scope(self, op: Op, values: list[Any]) -> None:
        state, name = values[0], str(op.attrs["name"])
        state.append(SglVarScopeBegin(name))
        self.region(op.regions[0])
        state.bind(SglVarScopeEnd(name), name)

    def read(self, op: Op, values: list[Any]) -> Any:
        name = op.attrs["name"] if "name" in op.attrs else values[1]
        if isinstance(name, SglExpr):
            return SglArgument(f"variable {name!r}")
        try:
            return values[0].get_var(name)
        except KeyError:
            self.refuse(op, f"no variable {name!r}")

    def fork(self, op: Op, values: list[Any]) -> Any:
        size = op.attrs["size"] if "size" in op.attrs else values[1]
        if not isinstance(size, int):
            self.refuse(op, "the number of forks depends on a value")
        return values[0].fork(size)

    def item(self, op: Op, values: list[Any]) -> Any:
        forks, index = values
        if not isinstance(index, int):
            self.refuse(op, "which branch it is depends on a value")
        return forks[index]

    def join(self, op: Op, values: list[Any]) -> None:
        state, children = values
        if op.attrs["mode"] == "concate_and_append":
            state.append(SglConcateAndAppend(children))
            return
        names = [n for child in children for n in child.variables if n not in state.variables]
        for name in dict.fromkeys(names):
            state.variables[name] = [c.variables[name] for c in children if name in c.variables]

    def call(self, op: Op, values: list[Any]) -> Any:
        callee = op.attrs["callee"]
        assert isinstance(callee, Symbol)
        func = self.module.funcs.get(callee.name)
        fresh = op.name == "lm.run"
        if func is None:
            self.refuse(op, f"`{callee.name}` is in another file")
        rest = values if fresh else values[1:]
        state = TracerProgramState({}) if fresh else values[0]
        names = op.attrs["args"]
        assert isinstance(names, tuple)
        params = [p.name for p in func.params[1:]]
        given = zip(names, rest, strict=True)
        arguments = {str(name or params[i]): value for i, (name, value) in enumerate(given)}
        self.function(func, state, arguments)
        returned, self.returned = self.returned, None
        if not fresh:
            return returned
        state.ret_value = returned
        return state

    def loop(self, op: Op, values: list[Any]) -> None:
        items = values[0]
        if not isinstance(items, Sequence | range) or len(op.regions) > 1:
            self.refuse(op, "how often it runs depends on a value")
        body = op.regions[0]
        for item in items:
            self.env[body.args[0]] = item
            self.region(body)

    def guarded(self, op: Op, values: list[Any]) -> None:
        if op.attrs.get("kinds"):
            self.refuse(op, "what fails depends on a value")
        for region in op.regions:
            self.region(region)

    def leave(self, op: Op, values: list[Any]) -> NoReturn:
        self.returned = values[0] if values else None
        raise _ReturnedError

    def append(self, op: Op, values: list[Any]) -> None:
        values[0].text([values[1]])

    def constant(self, op: Op, values: list[Any]) -> Any:
        return op.attrs["value"]

    def nothing(self, op: Op, values: list[Any]) -> None:
        """The end of a region."""

    def observe(self, op: Op, values: list[Any]) -> SglArgument:
        return SglArgument(str(op.attrs["what"]))


def _again(value: object) -> SglExpr:
    """A node for one more use of a value."""
    if isinstance(value, SglVariable):
        return SglVariable(value.name, value.source)
    if isinstance(value, SglArgument):
        return SglArgument(value.name, value.value)
    return SglArgument(repr(value), value)


_OPS: dict[str, Callable[[_Tracer, Op, list[Any]], Any]] = {
    "cf.call": _Tracer.call,
    "cf.for": _Tracer.loop,
    "cf.return": _Tracer.leave,
    "cf.try": _Tracer.guarded,
    "cf.yield": _Tracer.nothing,
    "ex.const": _Tracer.constant,
    "ex.eval": _Tracer.evaluated,
    "lm.append": _Tracer.append,
    "lm.fork": _Tracer.fork,
    "lm.gen": _Tracer.sample,
    "lm.image": _Tracer.image,
    "lm.item": _Tracer.item,
    "lm.join": _Tracer.join,
    "lm.observe": _Tracer.observe,
    "lm.read": _Tracer.read,
    "lm.role_begin": _Tracer.role,
    "lm.role_end": _Tracer.role,
    "lm.run": _Tracer.call,
    "lm.select": _Tracer.sample,
    "lm.text": _Tracer.text,
    "lm.var_scope": _Tracer.var_scope,
    "py.eval": _Tracer.host,
    "py.exec": _Tracer.host,
}

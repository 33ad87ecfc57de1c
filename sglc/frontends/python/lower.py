"""
From Python functions to an IR module: a live function, or a file that is only read.

`lower_file` never imports the file. `lower_source` lowers one function whose names a resolver
knows, with the plain functions of the same file that it hands its prompt to.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import replace
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, LowerError, ParseError, Span
from sglc.frontends.python.frame import Frame
from sglc.frontends.python.names import FileNames, Resolver
from sglc.frontends.python.refusals import refusal
from sglc.frontends.python.returns import Returns
from sglc.frontends.python.rewrite import rewrite
from sglc.frontends.python.scope import Scope, analyse
from sglc.frontends.python.source import (
    FunctionNode,
    FunctionSource,
    SourceFile,
    function_in_file,
    functions,
)
from sglc.frontends.python.statements import Statements
from sglc.frontends.python.texts import plain_data
from sglc.ir.builder import make_func
from sglc.ir.collector import without_collection
from sglc.ir.core import Loc, Module, TypeName


def lower_file(path: str | Path, text: str | None = None) -> tuple[Module, list[Diagnostic]]:
    """
    Lower every program of a file without importing it; also gives the remarks.

    A program is a function decorated with `function` of `sglc` or `sglang`, under whatever name
    the file imports it. Raises `ParseError` for a file that is no Python, `LowerError` for a
    program whose first parameter is not `s`.
    """
    name = str(path)
    source = Path(path).read_text(encoding="utf-8") if text is None else text
    return lower_parsed(parse_file(name, source))


@without_collection
def parse_file(name: str, text: str) -> SourceFile:
    """Parse a file's text. Raises `ParseError` where it is no Python."""
    try:
        return SourceFile.parse(name, text)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        span = Span(
            name, line, column, error.end_lineno or line, max(error.end_offset or 0, column + 1)
        )
        raise ParseError(
            Diagnostic(code="SGL0101", message=f"not Python: {error.msg}", span=span)
        ) from None
    except ValueError as error:  # a null byte, before Python 3.12
        span = Span.point(name, 1, 1)
        raise ParseError(
            Diagnostic(code="SGL0101", message=f"not Python: {error}", span=span)
        ) from None


@without_collection
def lower_parsed(file: SourceFile) -> tuple[Module, list[Diagnostic]]:
    """As `lower_file`, for a file that has been parsed."""
    names = FileNames(file.tree)
    module = new_module(file)
    remarks: list[Diagnostic] = []
    plain = {n.name: n for n in file.tree.body if isinstance(n, ast.FunctionDef)}
    parents = dict(functions(file))
    returns = Returns(file, names, plain)
    for node in ast.walk(file.tree):
        if isinstance(node, FunctionNode) and names.is_program(node):
            source_of = function_in_file(file, node, parents[node])
            _check_state(source_of)
            said = lower_into(module, source_of, names, plain, returns=returns)
            if names.is_strict(node) and source_of.qualname not in module.funcs:
                raise LowerError([as_error(remark) for remark in said])
            remarks += said
    return module, remarks


def new_module(file: SourceFile) -> Module:
    """An empty module of a Python file."""
    digest = hashlib.sha256(file.text.encode()).hexdigest()
    return Module(file.path, attrs={"language": "python", "source_sha256": digest})


def lower_into(
    module: Module,
    source: FunctionSource,
    resolver: Resolver,
    plain: dict[str, ast.FunctionDef],
    kind: str = "program",
    returns: Returns | None = None,
) -> list[Diagnostic]:
    """Lower a function, and the fragments it calls, into a module; the remarks."""
    if source.qualname in module.funcs:
        return []
    reason = refusal(source)
    if reason is not None:
        return [reason]
    if returns is None:
        returns = Returns(source.file, resolver, plain)
    scope = analyse(source, resolver, returns)
    called = _fragments(scope, plain)
    frame = function_frame(module, source, scope, frozenset(called), kind)
    remarks = [*frame.remarks, *rewrite(scope).remarks]
    for name in called:
        fragment = function_in_file(source.file, plain[name], ())
        remarks += lower_into(module, fragment, resolver, plain, "fragment", returns)
    return remarks


def function_frame(
    module: Module,
    source: FunctionSource,
    scope: Scope,
    fragments: frozenset[str],
    kind: str = "program",
) -> Frame:
    """Lower one function into a module; the frame has its IR and the syntax of its host code."""
    func = make_func(
        module, source.qualname, _parameters(scope), _attributes(scope, kind), _loc(source)
    )
    frame = Frame(scope, module, func, fragments)
    for name, value in zip(scope.parameters, func.params, strict=True):
        frame.bind(name, value)
    Statements(frame).block(source.node.body)
    if not frame.builder.terminated:
        frame.op("cf.return", source.node)
    return frame


def _check_state(source: FunctionSource) -> None:
    args = source.node.args
    first = args.posonlyargs + args.args
    if not first or first[0].arg != "s":
        raise LowerError(
            Diagnostic(
                code="SGL0303",
                message=f"the first parameter of `{source.qualname}` must be `s`",
                span=source.span(first[0] if first else source.node),
                helps=("a program's first parameter is its state: `def program(s, ...)`",),
            )
        )


def _fragments(scope: Scope, plain: dict[str, ast.FunctionDef]) -> list[str]:
    """Plain functions of the file that this one calls with a prompt as first argument."""
    found: dict[str, None] = {}
    for node in ast.walk(scope.source.node):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if (
                name in plain
                and not plain[name].decorator_list
                and scope.is_outside(name)
                and isinstance(first, ast.Name | ast.Subscript)
                and scope.expression_kind(first) == "state"
                and (plain[name].args.posonlyargs or plain[name].args.args)
                and refusal_free(scope, plain[name])
            ):
                found.setdefault(name)
    return list(found)


def refusal_free(scope: Scope, node: ast.FunctionDef) -> bool:
    """Whether a plain function can be lowered."""
    return refusal(function_in_file(scope.source.file, node, ())) is None


def _parameters(scope: Scope) -> list[tuple[str, TypeName]]:
    return [
        (name, "handle" if index == 0 else "val") for index, name in enumerate(scope.parameters)
    ]


def _attributes(scope: Scope, kind: str) -> dict[str, object]:
    source = scope.source
    args = source.node.args
    positional = [*args.posonlyargs, *args.args]
    defaults: dict[str, ast.expr] = {}
    if args.defaults:
        defaults |= {
            a.arg: d for a, d in zip(positional[-len(args.defaults) :], args.defaults, strict=True)
        }
    defaults |= {
        a.arg: d for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None
    }
    every = [*positional, *([args.vararg] if args.vararg else []), *args.kwonlyargs]
    every += [args.kwarg] if args.kwarg else []
    params: list[dict[str, object]] = []
    for arg in every[1:]:
        entry: dict[str, object] = {"name": arg.arg}
        if arg.annotation is not None:
            entry["type"] = ast.unparse(arg.annotation)
        if arg.arg in defaults:
            data = plain_data(defaults[arg.arg])
            if data is not None:
                entry["default"] = data.value
            else:
                entry["default_src"] = source.file.segment(defaults[arg.arg])
        params.append(entry)
    attrs: dict[str, object] = {
        "kind": kind,
        "params": params,
        "source": f"{module_name(source.file.path)}:{source.qualname}",
        "source_sha256": source.sha256,
    }
    if source.node.returns is not None:
        attrs["returns"] = ast.unparse(source.node.returns)
    docs = ast.get_docstring(source.node)
    if docs:
        attrs["docs"] = docs
    return attrs


def _loc(source: FunctionSource) -> Loc:
    span = source.span(source.node)
    return Loc(span.line, span.column, span.end_line, span.end_column)


def as_error(remark: Diagnostic) -> Diagnostic:
    """What strict compilation makes of a remark."""
    return replace(remark, severity="error")


def module_name(path: str) -> str:
    """The name a file is imported by: its stem, after those of the packages it lies in."""
    file = Path(path)
    parts = [file.stem] if file.stem != "__init__" else []
    folder = file.resolve().parent
    while (folder / "__init__.py").exists() and folder.name:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)

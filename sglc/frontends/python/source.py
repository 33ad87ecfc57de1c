"""
Finding the source of a Python function: its AST with the positions of the file it came from.

The whole file is parsed, never a dedented piece, so every position is absolute. Nothing of the
user's is executed. A live function's source is only believed when compiling it gives the very
bytecode the function has, so an edited file, or one rewritten at import, is noticed.
"""

from __future__ import annotations
import __future__

import ast
import hashlib
import linecache
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sglc.diagnostics.core import Diagnostic, Span

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

FUTURE_FLAGS = 0
for _feature in __future__.all_feature_names:
    FUTURE_FLAGS |= getattr(__future__, _feature).compiler_flag

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
"""Python's lines: unlike `str.splitlines`, form feeds and the like end none."""


class NoSourceError(Exception):
    """The function has no usable source; `diagnostic` is the remark that says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A parsed file."""

    path: str
    text: str
    tree: ast.Module
    lines: tuple[str, ...] = field(repr=False)
    """Lines with their ends, split once: every node's place needs them."""

    @staticmethod
    def parse(path: str, text: str) -> SourceFile:
        """Parse `text`; raises `SyntaxError` as Python does, with the file's name."""
        return SourceFile(path, text, ast.parse(text, filename=path), tuple(_LINE.findall(text)))

    def segment(self, node: ast.AST) -> str:
        """Source text of a node, decorators not included; empty for one that has no place."""
        line, end_line = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None)
        if line is None or end_line is None or end is None:
            return ""
        covered = [text.encode() for text in self.lines[line - 1 : end_line]]
        covered[-1] = covered[-1][:end]
        covered[0] = covered[0][start:]
        return b"".join(covered).decode()

    def span(self, node: ast.AST) -> Span:
        """The node's place. Columns count characters from 1, though `ast` counts UTF-8 bytes."""
        line = getattr(node, "lineno", 1)
        end_line = getattr(node, "end_lineno", line)
        return Span(
            self.path,
            line,
            self.column(line, getattr(node, "col_offset", 0)),
            end_line,
            self.column(end_line, getattr(node, "end_col_offset", 0)),
        )

    def column(self, line: int, offset: int) -> int:
        """Column from 1, in characters, of a byte offset in a line."""
        if not 0 < line <= len(self.lines) or self.lines[line - 1].isascii():
            return offset + 1
        return len(self.lines[line - 1].encode()[:offset].decode(errors="ignore")) + 1


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """One function in a parsed file."""

    file: SourceFile
    node: FunctionNode
    parents: tuple[ast.AST, ...]
    """Enclosing classes and functions, outermost first, the module not included."""
    code: types.CodeType
    """What compiling the function gives: names by kind, without running anything."""
    _compiled: dict[tuple[FunctionNode, int], types.CodeType] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What was compiled in the function's place, by the definition itself."""

    @property
    def qualname(self) -> str:
        """`__qualname__` as Python computes it."""
        return self.code.co_qualname

    @property
    def sha256(self) -> str:
        """Hash of the function's text, decorators included, indentation not."""
        start = min([self.node.lineno, *(d.lineno for d in self.node.decorator_list)])
        lines = [t.rstrip("\n") for t in self.file.lines[start - 1 : self.node.end_lineno]]
        indent = self.node.col_offset
        text = "\n".join(line[indent:] if not line[:indent].strip() else line for line in lines)
        return hashlib.sha256(text.encode()).hexdigest()

    def span(self, node: ast.AST) -> Span:
        """The node's place in the file."""
        return self.file.span(node)

    def compile_with(self, node: FunctionNode | None = None, flags: int = 0) -> types.CodeType:
        """
        Compile the function, or `node` in its place, exactly where it stands in its file.

        Only the top-level statement around it is kept, and the imports, which does not change the
        code of the function: scopes, cells and private names come from the enclosing classes and
        functions alone.
        """
        key = (node or self.node, flags)
        if key not in self._compiled:
            self._compiled[key] = _compile(self.file, self.node, self.parents, *key)
        return self._compiled[key]


def functions(file: SourceFile) -> Iterator[tuple[FunctionNode, tuple[ast.AST, ...]]]:
    """Every function definition of a file with its enclosing classes and functions, in order."""

    def visit(
        node: ast.AST, parents: tuple[ast.AST, ...]
    ) -> Iterator[tuple[FunctionNode, tuple[ast.AST, ...]]]:
        for child in ast.iter_child_nodes(node):
            inner = parents
            if isinstance(child, FunctionNode):
                yield child, parents
            if isinstance(child, FunctionNode | ast.ClassDef | ast.Lambda):
                inner = (*parents, child)
            yield from visit(child, inner)

    yield from visit(file.tree, ())


def function_in_file(
    file: SourceFile, node: FunctionNode, parents: tuple[ast.AST, ...]
) -> FunctionSource:
    """A function found by `functions`, with its code compiled and not run."""
    return FunctionSource(file, node, parents, _compile(file, node, parents, node, 0))


def find_source(function: Callable[..., object]) -> FunctionSource:
    """The source of a live function; raises `NoSourceError` with the reason when there is none."""
    if not isinstance(function, types.FunctionType):
        raise NoSourceError(_remark("SGL0301", f"`{function!r}` is not a plain Python function"))
    code = function.__code__
    name = function.__qualname__
    if code.co_name == "<lambda>":
        raise NoSourceError(_remark("SGL0301", "a lambda has no statements to compile"))
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise NoSourceError(
            _remark(
                "SGL0301",
                f"the source of `{name}` is not available",
                notes=(f"`{code.co_filename}` is no file: it was typed in, or made by `exec`",),
            )
        )
    try:
        file = SourceFile.parse(code.co_filename, "".join(lines))
    except SyntaxError:
        raise NoSourceError(_changed(code, name)) from None
    flags = code.co_flags & FUTURE_FLAGS
    for node, parents in functions(file):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        if first == code.co_firstlineno and node.name == code.co_name:
            compiled = _compile(file, node, parents, node, flags)
            if same_code(compiled, code):
                return FunctionSource(file, node, parents, compiled)
    raise NoSourceError(_changed(code, name))


def same_code(a: types.CodeType, b: types.CodeType) -> bool:
    """Whether two code objects do the same, nested functions included."""
    if (a.co_code, a.co_names, a.co_varnames, a.co_freevars, a.co_cellvars) != (
        b.co_code,
        b.co_names,
        b.co_varnames,
        b.co_freevars,
        b.co_cellvars,
    ) or len(a.co_consts) != len(b.co_consts):
        return False
    for x, y in zip(a.co_consts, b.co_consts, strict=True):
        if isinstance(x, types.CodeType) and isinstance(y, types.CodeType):
            if not same_code(x, y):
                return False
        elif type(x) is not type(y) or (x != y if isinstance(x, frozenset) else repr(x) != repr(y)):
            return False
    return True


def _compile(
    file: SourceFile,
    original: FunctionNode,
    parents: tuple[ast.AST, ...],
    node: FunctionNode,
    flags: int,
) -> types.CodeType:
    """Code of `node` standing where `original` stands."""
    top: ast.AST = parents[0] if parents else original
    statement = next((s for s in file.tree.body if s is top), None)
    if statement is None:  # it stands in an `if` or `try` of the module
        statement = next(s for s in file.tree.body if top in ast.walk(s))
    if node is not original:
        statement = _replaced(statement, original, node)
    module = ast.Module([*_imports(file.tree), statement], [])
    code = compile(module, file.path, "exec", flags=flags, dont_inherit=True)
    first = min([original.lineno, *(d.lineno for d in original.decorator_list)])
    found = _find_code(code, original.name, first)
    assert found is not None, f"{file.path}: no code for {original.name}"
    return found


def _imports(tree: ast.Module) -> Iterator[ast.stmt]:
    """
    Imports of the module's own scope, `from __future__` first as in the file.

    CPython compiles calls of imported names' attributes in a way of their own.
    """
    stack: list[ast.AST] = list(reversed(tree.body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def _find_code(code: types.CodeType, name: str, first: int) -> types.CodeType | None:
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            if const.co_name == name and const.co_firstlineno == first:
                return const
            found = _find_code(const, name, first)
            if found is not None:
                return found
    return None


def _replaced(root: ast.stmt, old: FunctionNode, new: FunctionNode) -> ast.stmt:
    """Copy of `root` with `new` in the place of `old`; the parsed file stays as it is."""

    def copy(node: ast.AST) -> ast.AST:
        if node is old:
            return new
        fields: dict[str, object] = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                fields[name] = copy(value)
            elif isinstance(value, list):
                fields[name] = [copy(v) if isinstance(v, ast.AST) else v for v in value]
            else:
                fields[name] = value
        return ast.copy_location(type(node)(**fields), node)

    result = copy(root)
    assert isinstance(result, ast.stmt)
    return result


def _changed(code: types.CodeType, name: str) -> Diagnostic:
    return _remark(
        "SGL0301",
        f"the source of `{name}` does not match the code that is running",
        span=Span.point(code.co_filename, code.co_firstlineno, 1),
        notes=("the file was changed after it was imported, or rewritten while importing",),
    )


def _remark(
    code: str, message: str, *, span: Span | None = None, notes: tuple[str, ...] = ()
) -> Diagnostic:
    return Diagnostic(code=code, message=message, severity="remark", span=span, notes=notes)

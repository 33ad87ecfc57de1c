"""Expressions a program appends to its state: `"text" + sgl.gen("x") + ...`."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from sglc.language.choices import ChoicesSamplingMethod
from sglc.language.sampling import GenParams

Place = tuple[str, int]
"""File and line of the program."""

_HERE = __file__.rsplit("/", 1)[0] + "/"
_ids = itertools.count()


def calling_place() -> Place | None:
    """File and line of the nearest frame outside this package's `language` folder."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back  # type: ignore[assignment]
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else None


class SglExpr:
    """Base of all expressions. `+` with strings and expressions builds an `SglExprList`."""

    __slots__ = ("node_id", "pid", "place", "prev_node")

    def __init__(self) -> None:
        self.node_id = next(_ids)
        self.prev_node: SglExpr | None = None
        self.pid: object = None
        self.place: Place | None = None

    def __add__(self, other: object) -> SglExprList:
        return _concatenate(self, _wrap(other))

    def __radd__(self, other: object) -> SglExprList:
        return _concatenate(_wrap(other), self)

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError(
            f"{self!r} inside an f-string would become plain text; append it instead: "
            f's += "..." + {_call_form(self)} + "..."'
        )

    def print_graph_dfs(self) -> str:
        """The expression and those before it, one `%id = %previous + node` a line."""
        lines: list[str] = []
        seen: set[int] = set()
        todo: list[SglExpr] = [self]
        while todo:
            node = todo.pop()
            if node.node_id in seen:
                continue
            seen.add(node.node_id)
            before = "" if node.prev_node is None else f"%{node.prev_node.node_id} + "
            lines.append(f"%{node.node_id} = {before}{node!r}")
            if node.prev_node is not None:
                todo.append(node.prev_node)
        return "\n".join(reversed(lines)) + "\n"


def _call_form(expr: SglExpr) -> str:
    name = getattr(expr, "name", None)
    if isinstance(expr, SglSelect):
        return f"sgl.select({name!r}, choices=...)"
    return f"sgl.gen({name!r})" if isinstance(expr, SglGen) else "<expression>"


def _wrap(value: object) -> SglExpr:
    if isinstance(value, str):
        return SglConstantText(value)
    assert isinstance(value, SglExpr), (
        f"cannot add {type(value).__name__} {value!r} to an expression; use str(...) for text"
    )
    return value


def _concatenate(left: SglExpr, right: SglExpr) -> SglExprList:
    def parts(expr: SglExpr) -> list[SglExpr]:
        return expr.expr_list if isinstance(expr, SglExprList) else [expr]

    return SglExprList(parts(left) + parts(right))


class SglExprList(SglExpr):
    """Expressions in order."""

    __slots__ = ("expr_list",)

    def __init__(self, expr_list: Sequence[SglExpr]) -> None:
        super().__init__()
        self.expr_list = list(expr_list)

    def __repr__(self) -> str:
        return f"ExprList({self.expr_list})"


class SglConstantText(SglExpr):
    """Text known where it is written."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        super().__init__()
        self.value = value

    def __repr__(self) -> str:
        return f"Constant({self.value!r})"


class SglGen(SglExpr):
    """One generation."""

    __slots__ = ("name", "sampling_params")

    def __init__(
        self,
        name: str | None = None,
        sampling_params: GenParams | None = None,
        *,
        place: Place | None = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.name = name
        self.sampling_params = (
            sampling_params if sampling_params is not None else GenParams(**params)
        )
        self.place = place or calling_place()

    def __repr__(self) -> str:
        return f"Gen({self.name!r})"


class SglSelect(SglExpr):
    """A choice between given strings by their log probabilities."""

    __slots__ = ("choices", "choices_method", "name", "temperature")

    def __init__(
        self,
        name: str | None,
        choices: Sequence[str],
        temperature: float,
        choices_method: ChoicesSamplingMethod,
        *,
        place: Place | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.choices = choices
        self.temperature = temperature
        self.choices_method = choices_method
        self.place = place or calling_place()

    def __repr__(self) -> str:
        return (
            f"Select({self.name}, choices={self.choices}, choices_method={self.choices_method!r})"
        )


class SglRoleBegin(SglExpr):
    """Opens a chat role."""

    __slots__ = ("role",)

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def __repr__(self) -> str:
        return f"RoleBegin({self.role})"


class SglRoleEnd(SglExpr):
    """Closes a chat role."""

    __slots__ = ("role",)

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def __repr__(self) -> str:
        return f"RoleEnd({self.role})"


class SglImage(SglExpr):
    """An image: a local path, encoded bytes, or an object with `save` (PIL)."""

    __slots__ = ("path",)

    def __init__(self, path: Any) -> None:
        super().__init__()
        self.path = path

    def __repr__(self) -> str:
        return f"SglImage({self.path!r})"


class SglVideo(SglExpr):
    """Frames of a local video file."""

    __slots__ = ("num_frames", "path")

    def __init__(self, path: str, num_frames: int) -> None:
        super().__init__()
        self.path = path
        self.num_frames = num_frames

    def __repr__(self) -> str:
        return f"SglVideo({self.path!r}, {self.num_frames})"


class SglVarScopeBegin(SglExpr):
    """From here on text belongs to a named scope."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __repr__(self) -> str:
        return f"VarScopeBegin({self.name})"


class SglVarScopeEnd(SglExpr):
    """Binds a scope's text to its name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __repr__(self) -> str:
        return f"VarScopeEnd({self.name})"


class SglSeparateReasoning(SglExpr):
    """Splits the reasoning off the generation before it."""

    __slots__ = ("expr", "model_type", "name")

    def __init__(self, model_type: str | None, expr: SglExpr) -> None:
        super().__init__()
        self.model_type = model_type
        self.expr = expr
        names = [gen.name for gen in _gens(expr)]
        if not names or names[-1] is None:
            raise ValueError("name must be provided for the gen inside separate_reasoning")
        self.name: str = names[-1]

    def __repr__(self) -> str:
        return f"SeparateReasoning(model_type={self.model_type}, name={self.name})"


def _gens(expr: SglExpr) -> Iterator[SglGen]:
    if isinstance(expr, SglGen):
        yield expr
    elif isinstance(expr, SglExprList):
        for part in expr.expr_list:
            yield from _gens(part)

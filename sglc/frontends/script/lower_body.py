"""Lowering of a function's statements."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.expressions.nodes import Call, Expr, Literal, Text
from sglc.frontends.script.ast import (
    Assign,
    Emit,
    ExprStmt,
    For,
    Fork,
    Function,
    If,
    Leave,
    Pass,
    Raise,
    Return,
    Role,
    Stmt,
    Try,
    While,
)
from sglc.frontends.script.generation import is_generation, is_image
from sglc.frontends.script.lower_control import ControlLowering
from sglc.frontends.script.symbols import Unit
from sglc.ir.builder import Builder
from sglc.ir.core import Func, Value


class BodyLowering(ControlLowering):
    """Lowers one function."""

    def __init__(
        self,
        unit: Unit,
        function: Function,
        func: Func,
        synthetic: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(unit, function, synthetic)
        self.function = function
        self.func = func

    def run(self) -> None:
        """Fill the function's body."""
        params = list(self.func.params)
        self.builder = Builder(self.func.body, self.function.loc)
        if self.function.kind == "fragment":
            self.handle = params.pop(0)
        else:
            self.handle = self.builder.op("lm.new", results=[("s", "handle")]).results[0]
        self.env = {value.name: value for value in params}
        # Nobody looked whether a captured variable is set when it was handed over.
        self.maybe_unset |= {v for v in params if v.name in self.function.captured}
        self.block(self.function.body)
        if not self.builder.terminated:
            self.builder.op("cf.return")

    # ---- statements ------------------------------------------------------------------------------

    def block(self, stmts: Sequence[Stmt]) -> None:
        """Lower statements up to the first that always leaves."""
        for stmt in stmts:
            if self.builder.terminated:
                return
            self.builder.loc = stmt.loc
            self.stmt(stmt)

    def stmt(self, stmt: Stmt) -> None:
        """Lower one statement."""
        match stmt:
            case Emit():
                self.emit(stmt.text)
            case ExprStmt():
                self._expr_stmt(stmt.value)
            case Assign():
                self._assign(stmt)
            case Role():
                self._role(stmt)
            case Return():
                self._return(stmt)
            case Leave():
                self._leave(stmt)
            case If():
                self._if(stmt)
            case While():
                self._while(stmt)
            case For():
                self._for(stmt)
            case Fork():
                self._fork(stmt)
            case Try():
                self._try(stmt)
            case Raise():
                self._raise(stmt)
            case Pass() | Function():
                pass

    def emit(self, text: Literal | Text) -> None:
        """Append text with its operands."""
        parts = [str(text.value)] if isinstance(text, Literal) else list(text.parts)
        constants, operands = [""], []
        for part in parts:
            if isinstance(part, str):
                constants[-1] += part
            elif isinstance(part, Literal) and isinstance(part.value, str):
                constants[-1] += part.value
            else:
                operands.append(self.expr(part))
                constants.append("")
        if constants == [""]:
            return
        self.builder.op(
            "lm.text", [self.handle, *operands], {"text": constants, "format": "sgl"}, loc=text.loc
        )

    def _expr_stmt(self, value: Expr) -> None:
        if is_generation(value):
            assert isinstance(value, Call)
            self.generation(value, None)
        elif is_image(self.unit, value):
            assert isinstance(value, Call)
            self.builder.op("lm.image", [self.handle, self.expr(value.args[0], "image")])
        else:
            self.expr(value)

    def right_side(self, value: Expr, name: str | None) -> Value:
        """A whole right-hand side."""
        if is_generation(value):
            assert isinstance(value, Call)
            return self.generation(value, name)
        return self.expr(value, name or "v")

    def _assign(self, stmt: Assign) -> None:
        names = [name.id for name in stmt.targets]
        own = names[0] if len(names) == 1 and names[0] not in self.synthetic else None
        value = self.right_side(stmt.value, own)
        self.assign_all(names, value, stmt.loc)

    def _role(self, stmt: Role) -> None:
        attrs = {"role": stmt.role}
        self.builder.op("lm.role_begin", [self.handle], attrs, loc=stmt.role_loc.loc)
        saved, self.role = self.role, stmt.role
        self.block(stmt.body)
        self.role = saved
        if not self.builder.terminated:
            self.builder.op("lm.role_end", [self.handle], attrs, loc=stmt.role_loc.loc)

    def _close_role(self, around: str | None) -> None:
        """Before control leaves: close the role, unless it was open `around` already."""
        if self.role is not None and around is None:
            self.builder.op("lm.role_end", [self.handle], {"role": self.role})

    def _return(self, stmt: Return) -> None:
        values = [self.right_side(stmt.value, None)] if stmt.value is not None else []
        self._close_role(None)
        self.builder.op("cf.return", values)

    def _raise(self, stmt: Raise) -> None:
        value = self.expr(stmt.value, "error") if stmt.value is not None else self.handled
        assert value is not None
        self.builder.op("cf.raise", [value])

    def _leave(self, stmt: Leave) -> None:
        assert self.loop is not None
        self._close_role(self.loop.role)
        self.builder.op(f"cf.{stmt.kind}", self.current(self.loop.carried))

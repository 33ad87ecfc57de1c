"""Lowering of what is appended to a prompt: `state += <text, gen, select, roles, anything>`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from sglc.frontends.python.frame import Frame
from sglc.frontends.python.names import ROLE_MARKS, ROLES
from sglc.frontends.python.texts import ORDERS, Read, plain_data, recognise
from sglc.ir.core import Op, Region, Value
from sglc.ir.ops import GEN_PARAMS, METHODS, SAMPLING_PARAMS, SELECT_PARAMS

_TYPE_NAMES = {f"builtins.{t}": t for t in ("int", "float", "str", "bool")}
_METHODS = (
    "token_length_normalized",
    "greedy_token_selection",
    "unconditional_likelihood_normalized",
)


@dataclass(slots=True)
class _Run:
    """Text collected for one `lm.text`."""

    constants: list[str] = field(default_factory=lambda: [""])
    values: list[Value] = field(default_factory=list)
    node: ast.expr | None = None
    numbers: bool = False
    """Some operands are integers, which both languages print alike."""

    def number(self, value: Value, node: ast.expr) -> None:
        self.value(value, node)
        self.numbers = True

    def constant(self, text: str, node: ast.expr) -> None:
        self.constants[-1] += text
        self.node = self.node or node

    def value(self, value: Value, node: ast.expr) -> None:
        self.values.append(value)
        self.constants.append("")
        self.node = self.node or node


class Appender:
    """
    Lowers one append.

    Everything is evaluated first, in Python's order, then the prompt moves: an exception in the
    middle of an expression leaves the prompt as it was. So values come before `lm` ops.
    """

    def __init__(self, frame: Frame, handle: Value) -> None:
        self.frame = frame
        self.handle = handle
        self._steps: list[tuple[str, ast.expr, list[Value], dict[str, object], str]] = []
        self._run = _Run()

    def append(self, node: ast.expr) -> None:
        """Lower `state += node`."""
        self.part(node)
        self.finish()

    def finish(self) -> None:
        """Emit the ops that move the prompt."""
        self._flush()
        for name, node, operands, attrs, hint in self._steps:
            results = [(hint, "val")] if name in ("lm.gen", "lm.select") else []
            self.frame.op(name, node, [self.handle, *operands], attrs, results)  # type: ignore[arg-type]
        self._steps.clear()

    def role(self, role: str, node: ast.expr, content: ast.expr | None) -> None:
        """A whole message."""
        self._step("lm.role_begin", node, [], {"role": role})
        if content is not None:
            self.part(content)
        self._step("lm.role_end", node, [], {"role": role})

    def part(self, node: ast.expr) -> None:
        """One operand of a `+` chain, or the whole of it."""
        match node:
            case ast.Constant(value=str(text)):
                self._run.constant(text, node)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                self.part(left)
                self.part(right)
            case ast.JoinedStr(values=values):
                for part in values:
                    self._formatted(part, node)
            case ast.Call() if self._call(node):
                pass
            case ast.Name() | ast.Subscript() if self._is_text(node):
                self._run.value(self.frame.value(node), node)
            case _:
                self._step("lm.append", node, [self.frame.value(node)], {})

    def _is_text(self, node: ast.expr) -> bool:
        """A read or a string local is text; any other local may hold an expression."""
        return (
            isinstance(recognise(self.frame.scope, node), Read)
            or self.frame.scope.expression_kind(node) == "str"
        )

    def _formatted(self, value: ast.expr, whole: ast.expr) -> None:
        if isinstance(value, ast.Constant):
            self._run.constant(str(value.value), whole)
            return
        assert isinstance(value, ast.FormattedValue)
        plain = value.conversion == -1 and value.format_spec is None
        if plain and self.frame.scope.expression_kind(value.value) == "int":
            number = self._number(value.value)
            if number is not None:
                self._run.number(number, value.value)
                return
        if plain and isinstance(recognise(self.frame.scope, value.value), Read):
            self._run.value(self.frame.value(value.value), value.value)
            return
        src = f'f"{{{self.frame.source(value.value)}}}"' if plain else ast.unparse(value)
        # Before Python 3.12 parts of an f-string have the place of the whole.
        self._run.value(self.frame.piece_eval(value, src=src, at=whole), whole)

    def _number(self, node: ast.expr) -> Value | None:
        """An integer that is a value of its own, and not computed by Python."""
        match node:
            case ast.Name(id=name):
                known = self.frame.lookup(name)
            case ast.Constant():
                known = self.frame.value(node)
            case _:
                known = self.frame.pure_value(node)
        owner = known.owner if known is not None else None
        pure = isinstance(owner, Op) and owner.name.startswith("ex.")
        return known if pure or isinstance(owner, Region) else None

    def _call(self, node: ast.Call) -> bool:
        symbol = self.frame.scope.symbol(node.func)
        keywords = {k.arg: k.value for k in node.keywords if k.arg is not None}
        if len(keywords) != len(node.keywords) or any(
            isinstance(a, ast.Starred) for a in node.args
        ):
            return False
        if symbol is None:
            return False
        if symbol in ROLES:
            if len(node.args) + len(keywords) > 1 or not keywords.keys() <= {"expr"}:
                return False
            content = [*node.args, *keywords.values()]
            self.role(symbol, node, content[0] if content else None)
            return True
        if symbol in ROLE_MARKS and not node.args and not keywords:
            role, _, end = symbol.rpartition("_")
            self._step(f"lm.role_{end}", node, [], {"role": role})
            return True
        if symbol in ORDERS:
            return self._sample(symbol, node, keywords)
        if symbol == "image" and len(node.args) == 1 and not keywords:
            value = node.args[0]
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                self._step("lm.image", node, [], {"path": value.value})
            else:
                self._step("lm.image", node, [self.frame.value(value)], {})
            return True
        return False

    def _sample(self, symbol: str, node: ast.Call, keywords: dict[str, ast.expr]) -> bool:
        order = ORDERS[symbol]
        if len(node.args) > len(order):
            return False
        given = dict(zip(order, node.args, strict=False)) | keywords
        if not given.keys() <= set(order) or len(given) != len(node.args) + len(keywords):
            return False
        choices = given.get("choices")
        select = symbol == "select"
        if choices is not None and not select:
            known = plain_data(choices)
            if known is None:
                return False  # whether this is a `gen` or a `select` shows at run time
            select = bool(known.value)
            if not select:
                given = {k: v for k, v in given.items() if k not in ("choices", "choices_method")}
        elif not select:
            given.pop("choices_method", None)
        if select:
            given = {k: v for k, v in given.items() if k in SELECT_PARAMS}
        if symbol in ("gen_int", "gen_string"):
            dtype: dict[str, object] = {"dtype": "int" if symbol == "gen_int" else "str"}
        else:
            dtype = {}
        attrs: dict[str, object] = dict(dtype)
        operands: dict[str, Value] = {}
        for name, value in given.items():
            found, constant = self._constant(name, value)
            if found:
                if constant is not None or name not in SAMPLING_PARAMS:
                    attrs[name] = constant
            else:
                operands[name] = self.frame.value(value)
        if operands:
            attrs["args"] = list(operands)
        op, allowed = ("lm.select", SELECT_PARAMS) if select else ("lm.gen", GEN_PARAMS)
        assert attrs.keys() - {"args"} <= allowed
        label = attrs.get("name")
        hint = label if isinstance(label, str) and label.isidentifier() else "v"
        self._step(op, node, list(operands.values()), attrs, hint)
        return True

    def _constant(self, name: str, node: ast.expr) -> tuple[bool, object]:
        """Whether a parameter is a constant that an attribute can hold, and which."""
        if name == "dtype":
            text = node.value if isinstance(node, ast.Constant) else None
            text = text or _TYPE_NAMES.get(self.frame.scope.symbol(node) or "")
            return isinstance(text, str), text
        if name == "choices_method":
            last = ast.unparse(node).rpartition(".")[2]
            return last in _METHODS and METHODS.accepts(last), last
        if isinstance(node, ast.JoinedStr) and all(
            isinstance(v, ast.Constant) for v in node.values
        ):
            return True, "".join(str(v.value) for v in node.values if isinstance(v, ast.Constant))
        data = plain_data(node)
        return data is not None, data.value if data is not None else None

    def _step(
        self,
        name: str,
        node: ast.expr,
        operands: list[Value],
        attrs: dict[str, object],
        hint: str = "v",
    ) -> None:
        self._flush()
        self._steps.append((name, node, operands, attrs, hint))

    def _flush(self) -> None:
        run, self._run = self._run, _Run()
        if run.node is not None:
            form = "sgl" if run.numbers else "str"
            attrs: dict[str, object] = {"text": run.constants, "format": form}
            self._steps.append(("lm.text", run.node, run.values, attrs, "v"))

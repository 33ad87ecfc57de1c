"""
What a pass is: a frozen dataclass whose fields are its options.

The text form `name{option=value}` parses and prints back. The shape is xDSL's `ModulePass`
(`xdsl/passes.py`), the declared result onnx-ir's `PassResult`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from sglc.diagnostics.core import Diagnostic, PassError, Span
from sglc.diagnostics.suggest import did_you_mean
from sglc.ir.core import Func, Loc, Module

UNKNOWN_PASS, BAD_PIPELINE, BAD_OPTION = "SGL0380", "SGL0381", "SGL0382"

OptionValue = bool | int | float | str


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass did."""

    changed: bool
    """Whether the module is different now; the pipeline verifies it then."""
    remarks: tuple[Diagnostic, ...] = ()
    """What was found or could not be done, with severity `remark`."""


@dataclass(frozen=True)
class Pass(ABC):
    """A transformation of a module. Subclasses are frozen dataclasses; fields are options."""

    name: ClassVar[str]

    @abstractmethod
    def apply(self, module: Module) -> PassResult:
        """
        Change the module in place.

        The module passes the verifier before and after. A pass does what declared effects and
        promoted states allow; where it is not sure it does nothing and says why in a remark.
        """

    def __str__(self) -> str:
        """The text form, with options that differ from their defaults."""
        given = [
            f"{option_name(f.name)}={_show(getattr(self, f.name))}"
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        ]
        return f"{self.name}{{{' '.join(given)}}}" if given else self.name

    @classmethod
    def from_options(cls, options: dict[str, str]) -> Pass:
        """The pass with options given as text. Raises `OptionError` for unknown or bad ones."""
        fields = {option_name(f.name): f for f in dataclasses.fields(cls)}
        values: dict[str, OptionValue] = {}
        for name, text in options.items():
            if name not in fields:
                message = f"pass `{cls.name}` has no option `{name}`"
                known = ", ".join(f"`{field}`" for field in fields)
                there_are = f"its options are {known}" if fields else "it has no options"
                raise OptionError(name, message, did_you_mean(name, fields) or (there_are,))
            field = fields[name]
            values[field.name] = _read(cls.name, name, text, field.default)
        return cls(**values)


class OptionError(PassError):
    """An option that a pass does not have, or a value that the option does not take."""

    def __init__(self, option: str, message: str, helps: tuple[str, ...], value: bool = False):
        self.option = option
        self.on_value = value
        """Whether the value is wrong, not the name."""
        super().__init__(Diagnostic(code=BAD_OPTION, message=message, helps=helps))


def option_name(field: str) -> str:
    """An option's name in pipelines, from its field's."""
    return field.replace("_", "-")


def _show(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(owner: str, name: str, text: str, default: object) -> OptionValue:
    """An option's value; options have defaults, whose type is the option's."""
    kind = type(default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text]
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except (KeyError, ValueError):
        message = f"option `{name}` of pass `{owner}` is `{text}`, which is no {kind.__name__}"
        raise OptionError(name, message, (f"its default is `{_show(default)}`",), True) from None
    return text


def pass_error(code: str, message: str, *helps: str) -> PassError:
    """A `PassError` with one diagnostic, of no place."""
    return PassError(Diagnostic(code=code, message=message, helps=helps))


def remark(
    code: str,
    message: str,
    module: Module,
    loc: Loc | None,
    label: str = "",
    *notes: str,
    func: Func | None = None,
) -> Diagnostic:
    """A remark at a place of the file that `func` is from, by default the module's."""
    span = span_of(module, func, loc)
    return Diagnostic(
        code=code, message=message, severity="remark", span=span, label=label, notes=notes
    )


def span_of(module: Module, func: Func | None, loc: Loc | None) -> Span | None:
    """A location of a function as a place in a file, which for what is imported is its own."""
    if loc is None or not loc.line:
        return None
    file = None if func is None else func.attrs.get("file")
    name = file if isinstance(file, str) else module.file
    return Span(name, loc.line, loc.column, loc.end_line, loc.end_column)

"""What the interpreter's parts share: the run, its strands, frames of calls, failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sglc.diagnostics.core import Diagnostic, Label, ParseError, Span
from sglc.execution.externs import Externs
from sglc.execution.files import Files
from sglc.execution.handle import Handle
from sglc.execution.interpreter_errors import ScriptError, script_error, span_of
from sglc.execution.limits import Limits
from sglc.execution.pending import Pending
from sglc.execution.session import Session
from sglc.execution.values import PendingFailedError
from sglc.expressions.conversion import ConversionError
from sglc.expressions.meter import Meter, TooLargeError
from sglc.expressions.problem import Problem
from sglc.expressions.values import ValueFailedError, ValueLimits
from sglc.ir.core import Func, Loc, Module, Op, Value
from sglc.ir.signature import declared

Pieces = Mapping[int, Callable[..., object]]
"""Host code of a Python function by number; called with the frame's variables and operands."""


@dataclass(frozen=True, slots=True)
class Signal:
    """How a region ended: the terminator's name and the values it hands over."""

    kind: str
    values: tuple[object, ...]


@dataclass(slots=True)
class Run:
    """What the whole run shares."""

    module: Module
    session: Session
    limits: Limits
    externs: Externs
    pieces: Pieces
    files: Files
    script: bool
    """Failures become diagnostics; Python functions get them as they are."""
    meter: Meter
    """Counts the steps, and bytes of values."""
    values: ValueLimits
    """Bounds of values, with the meter."""
    appended: int = 0
    """Characters of prompts."""
    generations: int = 0
    states: int = 0
    """Branches and calls under way."""
    generated: dict[int, tuple[Pending[Any], Span | None]] = field(default_factory=dict)
    """Where each generation that is under way stands in the program, by the Pending's id."""

    def stands_for(self, value: Pending[Any], generated: Pending[Any]) -> None:
        """`value` fails because a generation did: it stands where that one does."""
        if id(generated) in self.generated:
            self.generated[id(value)] = (value, self.generated[id(generated)][1])


@dataclass(slots=True)
class Context:
    """What one strand of the run shares."""

    run: Run
    guards: list[list[Pending[Any]]] = field(default_factory=list)
    """For each `try` whose body is running: what was generated in it."""
    calls: list[tuple[Pending[Any], Context]] = field(default_factory=list)
    """Calls that run on strands of their own, whose bodies may still fail."""
    depth: int = 0

    def child(self) -> Context:
        """For a strand that runs beside this one, inside the same `try`."""
        return Context(self.run, [[]] if self.guards else [], depth=self.depth)

    def take_over(self, child: Context) -> None:
        """What a strand that has ended generated belongs to the `try` around it too."""
        if self.guards and child.guards:
            self.guards[-1].extend(child.guards[0])

    def issued(self, value: Pending[Any], span: Span | None) -> None:
        """Note a generation."""
        self.run.generated[id(value)] = (value, span)
        if self.guards:
            self.guards[-1].append(value)


@dataclass(slots=True)
class Frame:
    """One call of a function."""

    func: Func
    file: str
    context: Context
    env: dict[Value, Any] = field(default_factory=dict)
    handle: Handle | None = None
    """The state that calls are made from."""
    prompt: Handle | None = None
    """The state that the body's first `lm.new` gets, where one was made for it."""
    caller: Handle | None = None
    variables: dict[str, object] = field(default_factory=dict)
    """Locals of a Python function, which its host pieces read and write."""
    checkpoints: list[tuple[object, ...]] = field(default_factory=list)
    """For each `try` whose body is running: its carried values as they were last."""

    @property
    def run(self) -> Run:
        """The run."""
        return self.context.run

    def span(self, loc: Loc | None) -> Span | None:
        """A place in this function's file."""
        return span_of(self.file, loc)

    def branch(self, context: Context, handle: Handle) -> Frame:
        """The same call in a branch: it sees the values as they are, and keeps its own."""
        return Frame(
            self.func,
            self.file,
            context,
            dict(self.env),
            handle,
            caller=self.caller,
            variables=dict(self.variables),
        )

    def bind(self, op: Op, *values: object) -> None:
        """Set an op's results; those of promoted prompts are the prompt's handle."""
        results = op.results
        if results and results[0].type == "state" and len(results) == len(values) + 1:
            self.env[results[0]] = self.env[op.operands[0]]
            results = results[1:]
        for result, value in zip(results, values, strict=True):
            self.env[result] = value


def plain(value: object) -> object:
    """An attribute value as a value of scripts."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def schemas_of(module: Module) -> Mapping[str, Any]:
    """The module's record types."""
    schemas = module.attrs.get("schemas", {})
    assert isinstance(schemas, Mapping)
    return schemas


def cause_of(error: Exception) -> BaseException | None:
    """What a failure's traceback shows besides itself."""
    if not isinstance(error, PendingFailedError):
        return None
    # A call beside this one failed with what the program sees already: that is no cause of itself.
    return error.error.__cause__ if isinstance(error.error, ScriptError) else error.error


def over_limit(frame: Frame, op: Op, message: str, limit: str) -> ScriptError:
    """A bound of the run is reached."""
    span = frame.span(op.loc)
    return script_error("limit", message, span, "stopped here", helps=_set_limit(limit))


_OF_VALUES = ("characters", "items", "bits")


def _set_limit(name: str) -> tuple[str, ...]:
    return (f"`--limit {name}=NUMBER` sets another bound",)


def convert_failure(frame: Frame, error: Exception, loc: Loc | None) -> BaseException:
    """The failure as the program sees it: located, or as it is in Python."""
    here = frame.span(loc)
    match error:
        case PendingFailedError():
            return generation_failure(frame.run, error, here)
        case ValueFailedError():
            return script_error("value_error", str(error), here, "has no value")
        case TooLargeError():
            label = "too large" if error.limit in _OF_VALUES else "stopped here"
            return script_error("limit", str(error), here, label, helps=_set_limit(error.limit))
        case ConversionError():
            return script_error("value_error", str(error), here, "does not fit")
        case Problem():  # only in IR that was written or changed by hand
            message = f"the expression of an `ex.eval` cannot be read: {error.message}"
            return ParseError(Diagnostic(code="SGL0150", message=message, span=here))
    return error


def generation_failure(run: Run, failed: PendingFailedError, here: Span | None) -> BaseException:
    """The failure of a generation, at the generation, with a mark where it was needed."""
    error = failed.error
    if not run.script or isinstance(error, ScriptError):
        return error
    _, place = run.generated.get(id(failed.pending), (None, None))
    labels = [Label(here, "needed here")] if here is not None and place not in (None, here) else []
    notes = [note for note in getattr(error, "__notes__", ()) if " at " in note]
    name = type(error).__name__
    text = str(error) or name
    known = name in ("GenerationError", "ConversionError")
    return script_error(
        "gen_error",
        f"generation failed: {text}" if known else f"generation failed: {name}: {text}",
        place or here,
        "this generation",
        labels=labels,
        notes=notes[:1] if place is None else (),
    )


def bind_arguments(frame: Frame, args: Mapping[str, object], prompt: Handle | None) -> None:
    """Set a function's parameters; `prompt` is for those that take one."""
    func = frame.func
    params = list(func.params)
    if params and params[0].type in ("handle", "state"):
        first = params.pop(0)
        assert prompt is not None, f"@{func.name} needs a prompt"
        frame.env[first] = frame.handle = prompt
    for param, entry in zip(params, declared(func), strict=False):
        name = str(entry["name"])
        frame.env[param] = args[name] if name in args else plain(entry["default"])

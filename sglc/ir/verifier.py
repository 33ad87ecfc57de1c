"""
Checks what no source program can break: a finding here is a bug in sglc, and says so.

Runs after parsing, lowering and every pass. What an op requires comes from its declaration
(`sglc.ir.ops`); the typing of carried values is in `verify_control`, linearity in `verify_linear`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sglc.diagnostics.core import Diagnostic, Span, VerifyError
from sglc.ir.collector import without_collection
from sglc.ir.core import Attr, Func, Loc, Module, Op, Region, Symbol, Value
from sglc.ir.ops import FUNC_ENDS, OPS, PARAMS
from sglc.ir.printer import name_values, op_text
from sglc.ir.signature import declared
from sglc.ir.spec import Operand, OpSpec, Result
from sglc.ir.verify_attrs import attr_findings
from sglc.ir.verify_control import control_findings
from sglc.ir.verify_linear import linear_findings
from sglc.ir.verify_schemas import schema_findings, symbol_findings

STRUCTURE, OPERANDS, ATTRIBUTES, REGIONS, SCOPE, LINEAR, LOCATION = (
    "SGL0401",
    "SGL0402",
    "SGL0403",
    "SGL0404",
    "SGL0405",
    "SGL0406",
    "SGL0407",
)
_PROMPTS = frozenset({"handle", "state"})
_ACCEPTS: dict[str, frozenset[str]] = {
    "prompt": _PROMPTS,
    "list": frozenset({"list"}),
    "val": frozenset({"val"}),
    "handle": frozenset({"handle"}),
    "iterable": frozenset({"val", "list", "iter"}),
    "any": frozenset({"state", "handle", "val", "list", "iter"}),
}


@without_collection
def verify(module: Module) -> None:
    """Raise `VerifyError` with every finding, each with its op's text; return if there are none."""
    about = (*attr_findings(module), *schema_findings(module))
    findings = [_finding(module, message) for message in about]
    findings += [d for func in module.funcs.values() for d in _FuncVerifier(module, func).run()]
    if findings:
        raise VerifyError(findings)


_PLEASE = "this is a bug in sglc: please report it with the program"


def _finding(module: Module, message: str) -> Diagnostic:
    return Diagnostic(
        code=ATTRIBUTES,
        message=message,
        span=_span(module.file, Loc(1, 1, 1, 2)),
        notes=(_PLEASE,),
    )


class _FuncVerifier:
    def __init__(self, module: Module, func: Func) -> None:
        self.module = module
        self.func = func
        self.names = name_values(func)
        self.findings: list[Diagnostic] = []
        self.placed: set[Op] = set()
        """Operations met so far."""

    def run(self) -> list[Diagnostic]:
        if self.func.loc is None:
            self.add(LOCATION, f"function `@{self.func.name}` has no location", None)
        if self.func.body.parent is not self.func:
            self.add(STRUCTURE, "the function's body has another parent", None)
        for message in attr_findings(self.module, self.func):
            self.add(ATTRIBUTES, message, None)
        self.region(self.func.body, FUNC_ENDS, set(), f"function `@{self.func.name}`", None)
        if not self.findings:
            # These read the structure that the checks above established.
            for op, message in (*control_findings(self.func), *self.linear()):
                self.add(LINEAR if "state" in message else REGIONS, message, op)
            for op, message in symbol_findings(self.module, self.func):
                self.add(ATTRIBUTES, message, op)
        return self.findings

    def linear(self) -> Iterator[tuple[Op, str]]:
        return linear_findings(self.func, self.names)

    def add(self, code: str, message: str, op: Op | None) -> None:
        loc = (op.loc if op is not None else None) or self.func.loc
        notes = [] if op is None else [f"see current operation: {op_text(op, self.names)}"]
        if op is not None and op.made_by:
            notes.append(f"the operation was last changed by the pass `{op.made_by}`")
        self.findings.append(
            Diagnostic(
                code=code,
                message=message,
                span=_span(self.module.file, loc),
                notes=(*notes, _PLEASE),
            )
        )

    def region(
        self,
        region: Region,
        ends: frozenset[str],
        scope: set[Value],
        where: str,
        owner: Op | None,
    ) -> None:
        """Check a region; `scope` holds the values visible before it, and does so again after."""
        scope.update(region.args)
        last = region.terminator
        if last is None or last.name not in ends:
            found = f"ends in `{last.name}`" if last is not None else "is empty"
            wanted = ", ".join(f"`{e}`" for e in sorted(ends))
            self.add(REGIONS, f"{where} {found}; it must end in one of {wanted}", last or owner)
        for op in region.ops:
            spec = OPS.get(op.name)
            if spec is None:
                self.add(STRUCTURE, f"unknown op `{op.name}`", op)
                continue
            if op in self.placed:
                self.add(STRUCTURE, f"`{op.name}` stands in the function twice", op)
            self.placed.add(op)
            if op.parent is not region:
                self.add(STRUCTURE, f"`{op.name}` has another parent than its region", op)
            if spec.terminator and op is not last:
                self.add(REGIONS, f"`{op.name}` must be the last operation of {where}", op)
            if op.loc is None:
                self.add(LOCATION, f"`{op.name}` has no location", op)
            self.op(op, spec, scope)
            for inner in self.regions(op, spec):
                end_names = next(r.ends for r in spec.regions if r.label == inner.label)
                self.region(inner, end_names, scope, f"region `^{inner.label}` of `{op.name}`", op)
            for result in op.results:
                if result.owner is not op:
                    self.add(STRUCTURE, f"result {self.names[result]} has another owner", op)
            scope.update(op.results)
        # One set for the whole function: a copy for each region would be quadratic.
        scope.difference_update(region.args, *(op.results for op in region.ops))

    def op(self, op: Op, spec: OpSpec, scope: set[Value]) -> None:
        for value in op.operands:
            if value not in scope:
                name = self.names.get(value, f"%{value.name}")
                self.add(SCOPE, f"`{name}` is used before it is defined, or out of its region", op)
            if not value.used_by(op):
                self.add(STRUCTURE, "an operand's use list does not know this operation", op)
        self.operands(op, spec)
        self.attributes(op, spec)

    def operands(self, op: Op, spec: OpSpec) -> None:
        message = _mismatch("operand", spec.operands, op.operands)
        if message:
            self.add(OPERANDS, f"`{op.name}` {message}", op)
            return
        results = op.results
        promoted = spec.moves and op.operands[0].type == "state"
        if promoted:
            if not results or results[0].type != "state":
                self.add(OPERANDS, f"`{op.name}` on a state needs a state as first result", op)
                return
            results = results[1:]
        message = _mismatch("result", spec.results, results)
        if message:
            self.add(OPERANDS, f"`{op.name}` {message}", op)

    def attributes(self, op: Op, spec: OpSpec) -> None:
        before = len(self.findings)
        for name, value in op.attrs.items():
            attr = spec.attr(name)
            if attr is None:
                self.add(ATTRIBUTES, f"`{op.name}` has no attribute `{name}`", op)
            elif not attr.type.accepts(value):
                self.add(ATTRIBUTES, f"attribute `{name}` must be {attr.type.name}", op)
        for attr in spec.attrs:
            if attr.required and attr.name not in op.attrs:
                self.add(ATTRIBUTES, f"`{op.name}` needs the attribute `{attr.name}`", op)
        # Relations are between attributes of the right types.
        message = _attr_relation(op, self.module) if len(self.findings) == before else ""
        if message:
            self.add(ATTRIBUTES, message, op)

    def regions(self, op: Op, spec: OpSpec) -> list[Region]:
        labels = [r.label for r in op.regions]
        declared = {r.label: i for i, r in enumerate(spec.regions)}
        for label in labels:
            if label not in declared:
                self.add(REGIONS, f"`{op.name}` has no region `^{label}`", op)
        order = [declared[label] for label in labels if label in declared]
        if order != sorted(order):
            self.add(REGIONS, f"regions of `{op.name}` are out of order", op)
        for region in spec.regions:
            count = labels.count(region.label)
            if count == 0 and not region.optional:
                self.add(REGIONS, f"`{op.name}` needs a region `^{region.label}`", op)
            if count > 1 and not region.repeated:
                self.add(REGIONS, f"`{op.name}` has two regions `^{region.label}`", op)
        for inner in op.regions:
            if inner.parent is not op:
                self.add(STRUCTURE, f"region `^{inner.label}` has another parent", op)
        return [r for r in op.regions if r.label in declared]


def _span(file: str, loc: Loc | None) -> Span | None:
    if loc is None or loc.line == 0:
        return None
    return Span(file, loc.line, loc.column, loc.end_line, loc.end_column)


def _mismatch(
    what: str, declared: Sequence[Operand] | Sequence[Result], found: Sequence[Value]
) -> str:
    """What is wrong with the number and types of operands or results; empty if nothing is."""
    variadic = bool(declared) and declared[-1].variadic
    most = len(declared) - variadic
    least = sum(not (d.optional or d.variadic) for d in declared)
    if len(found) < least or (len(found) > most and not variadic):
        wanted = f"{least}" if least == most and not variadic else f"at least {least}"
        return f"has {len(found)} {what}s, it takes {wanted}"
    for i, value in enumerate(found):
        slot = declared[min(i, len(declared) - 1)]
        if value.type not in _ACCEPTS[slot.type]:
            return f"has a {value.type} as {what} `{slot.name}`, which must be {slot.type}"
    return ""


def _attr_relation(op: Op, module: Module) -> str:
    """What is wrong between attributes, operands and regions of one op; empty if nothing is."""
    attrs = op.attrs
    match op.name:
        case "lm.text":
            text = attrs.get("text")
            if isinstance(text, tuple) and len(text) != len(op.operands):
                return f"{len(text)} constants for {len(op.operands) - 1} operands"
        case "lm.gen" | "lm.select":
            return _param_relation(op)
        case "lm.fork":
            return _fork_relation(op)
        case "lm.role_begin":
            if ("role" in attrs) == (len(op.operands) > 1):
                return "a role is given either by the attribute or by an operand"
        case "lm.read":
            if ("name" in attrs) == (len(op.operands) > 1):
                return "a variable is given either by the attribute or by an operand"
        case "ex.eval":
            names = attrs.get("names")
            if isinstance(names, tuple) and len(names) != len(op.operands):
                return f"{len(names)} names for {len(op.operands)} operands"
        case "cf.try":
            kinds, handlers = attrs.get("kinds"), [r for r in op.regions if r.label == "except"]
            if isinstance(kinds, tuple) and len(kinds) != len(handlers):
                return f"kinds for {len(kinds)} handlers, there are {len(handlers)}"
            if len(op.regions) == 1:
                return "a `cf.try` needs a handler or a `^finally`"
        case "lm.run" | "cf.call" | "py.call":
            return _call_relation(op, module)
    return ""


def _param_relation(op: Op) -> str:
    args = op.attrs.get("args", ())
    names = args if isinstance(args, tuple) else ()
    if len(names) != len(op.operands) - 1:
        return f"`args` names {len(names)} operands, there are {len(op.operands) - 1}"
    for name in names:
        if name not in PARAMS[op.name]:
            return f"`{op.name}` has no parameter `{name}`"
        if name in op.attrs or names.count(name) > 1:
            return f"parameter `{name}` is given twice"
    if op.name == "lm.select" and "choices" not in op.attrs and "choices" not in names:
        return "`lm.select` needs `choices`"
    return ""


def _fork_relation(op: Op) -> str:
    result = op.results[-1].type if op.results else None
    if op.regions:
        if len(op.operands) != 2 or "size" in op.attrs:
            return "a fork with a branch region takes the list of items as operand"
        return "" if result == "val" else "a fork with a branch region results in a val"
    if ("size" in op.attrs) == (len(op.operands) == 2):
        return "the number of branches is given either by the attribute or by an operand"
    return "" if result == "list" else "a fork without a branch region results in a list"


def _call_relation(op: Op, module: Module) -> str:
    given = len(op.operands) - (op.name == "cf.call")
    args = op.attrs.get("args")
    if isinstance(args, tuple) and len(args) != given:
        return f"`args` names {len(args)} operands, there are {given}"
    callee = op.attrs.get("callee")
    if module.attrs.get("language") != "sgl" or not isinstance(callee, Symbol):
        return ""
    func = module.funcs.get(callee.name)
    if func is None:
        return f"function `@{callee.name}` is not in the module"
    names = args if isinstance(args, tuple) else (None,) * given
    return _argument_fault(func, names)


def _argument_fault(func: Func, names: Sequence[Attr]) -> str:
    """What is wrong with a script's call; `names` has the parameter of each operand, or None."""
    params = {entry["name"]: "default" in entry for entry in declared(func) if "name" in entry}
    order = list(params)
    if len(names) > len(order):
        return f"`@{func.name}` takes {len(order)} arguments, it is given {len(names)}"
    taken = [order[i] if name is None else name for i, name in enumerate(names)]
    for name in taken:
        if name not in params:
            return f"`@{func.name}` has no parameter `{name}`"
        if taken.count(name) > 1:
            return f"parameter `{name}` of `@{func.name}` is given twice"
    missing = [name for name, default in params.items() if not default and name not in taken]
    return f"`@{func.name}` needs the argument `{missing[0]}`" if missing else ""

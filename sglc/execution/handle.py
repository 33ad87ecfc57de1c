"""A live state: where a program appends, forks and joins. Nothing here waits but `read`."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

from sglc.execution.pending import Pending, gather
from sglc.execution.requests import GenStep, Media, Piece, SelectStep, Step
from sglc.execution.seeds import SeedPath, fork_path, gen_key
from sglc.execution.session import RunCounter, Session
from sglc.execution.versions import (
    DeferredVersion,
    RoleMark,
    StepVersion,
    Surroundings,
    Turnstile,
    Version,
    messages_of,
    pieces_of,
    text_of,
)
from sglc.ir.core import Loc
from sglc.language.choices import ChoicesSamplingMethod, find_method
from sglc.language.exprs import (
    Place,
    SglConstantText,
    SglExpr,
    SglExprList,
    SglGen,
    SglImage,
    SglRoleBegin,
    SglRoleEnd,
    SglSelect,
    SglSeparateReasoning,
    SglVarScopeBegin,
    SglVarScopeEnd,
    SglVideo,
)
from sglc.language.media import load_media
from sglc.language.reasoning import split_reasoning
from sglc.language.sampling import DEFAULTS, GenParams, as_tuple, dtype_name, resolve

TextPart = str | Pending[str]
At = Loc | Place | None


class Handle:
    """
    A state: its latest version, its variables, its open role and its place in the seed tree.

    Aliases are Python's own. Every method returns at once, except `read`. A failed generation
    poisons its version and all later ones; only reading raises it.
    """

    def __init__(self, session: Session, *, seed: int, label: str, path: SeedPath = ()) -> None:
        self.session = session
        self.seed = seed
        self.path = path
        self.label = label
        """`root`, then `/fork.child` for each fork and `>run` for each call."""
        self.runs = RunCounter(seed, path, label, session)
        self.tip = Version()
        self.tip.done = True
        self.vars: dict[str | None, Any] = {}
        """Values, or Pendings of values."""
        self.meta: dict[str | None, StepVersion] = {}
        self.open_role: str | None = None
        self.role_version: Version | None = None
        self.closed_roles: list[str] = []
        self.fork_version: Version | None = None
        """The version this state was forked from."""
        self.gens = 0
        self.forks = 0
        self.finished = False
        """Nothing more will be appended; streams end here."""
        self.log: list[Version] | None = [] if session.stream else None
        if session.stream:
            session.streamed.append(self)
        self._shares_tip = False
        self._turn: Turnstile | None = None
        self._scopes: dict[str, tuple[Version, ...]] = {}
        """Where the open scopes of each name began; one may lie in another."""

    # Appending

    def _push(self, version: Version, *, followed: bool = True) -> None:
        # Threads of one program may append to one state: nothing may get lost.
        with self.session.lock:
            continues, self._shares_tip = not self._shares_tip, False
            parent, self.tip = self.tip, version
            self.session.driver.append(version, parent, continues)
            if self.log is not None and followed:
                self.log.append(version)
                # A follower may have seen it unfinished; nothing else tells when it is known.
                self.session.driver.when_done(version, lambda _: self.session.notify())
        self.session.notify()

    def text(self, parts: Sequence[TextPart], loc: At = None) -> None:
        """Append text, some of which may be pending; it is one segment."""
        if all(isinstance(part, str) for part in parts):
            text = "".join(part for part in parts if isinstance(part, str))
            if text:
                self._push(Version((text,)))
            return
        self._push(DeferredVersion(gather(parts, self.session), _join_text))

    def poison(self, error: BaseException) -> None:
        """Fail this state from here on, without raising."""
        self._push(DeferredVersion(Pending.failed(error), lambda _: ()))

    def role_begin(self, role: str, loc: At = None) -> None:
        """Open a chat role; one inside another poisons the state."""
        if self.open_role is not None:
            self.poison(self._blame(AssertionError("Nested roles are not allowed."), loc))
            return
        template = self.session.chat_template
        if (
            not self.closed_roles
            and role != "system"
            and template.default_system_prompt is not None
        ):
            self.role_begin("system", loc)
            self.text([template.default_system_prompt])
            self.role_end("system", loc)
        prefix, _ = template.get_prefix_and_suffix(role, self._history())
        self._push(Version((prefix,), RoleMark(role, begin=True)))
        self.open_role = role
        self.role_version = self.tip

    def role_end(self, role: str | None = None, loc: At = None) -> None:
        """Close the open role; closing when none is open poisons the state."""
        if self.open_role is None:
            self.poison(self._blame(AssertionError("a role is closed that is not open"), loc))
            return
        role = role or self.open_role
        _, suffix = self.session.chat_template.get_prefix_and_suffix(role, self._history())
        self._push(Version((suffix,), RoleMark(role, begin=False)))
        self.closed_roles.append(role)
        self.open_role = self.role_version = None

    def _history(self) -> list[dict[str, str]]:
        return [{"role": role, "content": ""} for role in self.closed_roles]

    def gen(self, name: str | None, params: GenParams, loc: At = None) -> Pending[Any]:
        """Append a generation. The value is a string, or a list of them for `n` > 1."""
        template = self.session.chat_template
        problem: Exception | None = None
        try:
            resolved = resolve(self.session.defaults, params, as_tuple(template.stop_str))
            if resolved.dtype is not None:
                dtype_name(resolved.dtype)
        except (RuntimeError, ValueError) as error:
            resolved, problem = DEFAULTS, error
        return self._step(name, GenStep(name, resolved, self._key()), loc, problem)

    def select(
        self,
        name: str | None,
        choices: Sequence[str],
        method: ChoicesSamplingMethod | str | None = None,
        temperature: float = 0.0,
        loc: At = None,
    ) -> Pending[str]:
        """Append the most likely of `choices`. ValueError for no choices or an unknown method."""
        problem: BaseException | None = None
        choices = tuple(choices)
        if not choices or not all(isinstance(choice, str) for choice in choices):
            problem = ValueError(f"choices must be strings, at least one: {list(choices)}")
        step = SelectStep(name, choices, find_method(method), temperature, self._key())
        return self._step(name, step, loc, problem)

    def _key(self) -> int:
        with self.session.lock:
            number, self.gens = self.gens, self.gens + 1
        return gen_key(self.seed, self.path, number)

    def _step(
        self, name: str | None, step: Step, loc: At, problem: BaseException | None
    ) -> Pending[Any]:
        assert not isinstance(step, str)
        place = self.session.place(loc)
        if problem is not None:
            self.poison(self._blame(problem, loc))
        around = None
        if self.session.backend.wants_snapshots:
            around = Surroundings(
                dict(self.vars),
                dict(self.meta),
                self.open_role,
                self.role_version,
                self.session.arguments,
                copy_context(),
                self.session.num_api_spec_tokens,
            )
        assert isinstance(step, GenStep | SelectStep)
        version = StepVersion(step, self.session, self.label, self.path, place, self._turn, around)
        self.vars[name] = version.value
        self.meta[name] = version
        self._push(version)
        return version.value

    def _blame(self, error: BaseException, loc: At) -> BaseException:
        place = self.session.place(loc)
        if place is not None:
            error.add_note(f"at {place[0]}:{place[1]}")
        return error

    def append(self, value: object, loc: At = None) -> None:
        """
        What `s += value` does.

        ValueError for None. What is no text and no expression poisons the state.
        """
        if value is None:
            raise ValueError("Tried to append None to state.")
        todo: list[object] = [value]
        while todo:
            item = todo.pop()
            if isinstance(item, SglExprList):
                todo.extend(reversed(item.expr_list))
            elif isinstance(item, str | Pending):
                self.text([item], loc)
            elif isinstance(item, SglExpr):
                self._append_expr(item, loc or item.place)
            else:
                error = AssertionError(
                    f"{item!r} cannot be appended to a state: "
                    f"{type(item).__name__} is neither text nor an expression"
                )
                self.poison(self._blame(error, loc))

    def _append_expr(self, expr: SglExpr, loc: At) -> None:
        match expr:
            case SglConstantText():
                self.text([str(expr.value)], loc)
            case SglGen():
                self.gen(expr.name, expr.sampling_params, loc)
            case SglSelect():
                method, temperature = expr.choices_method, expr.temperature
                self.select(expr.name, expr.choices, method, temperature, loc)
            case SglRoleBegin():
                self.role_begin(expr.role, loc)
            case SglRoleEnd():
                self.role_end(expr.role, loc)
            case SglVarScopeBegin():
                self.scope_begin(expr.name)
            case SglVarScopeEnd():
                self.scope_end(expr.name)
            case SglImage() | SglVideo():
                self.media(expr, loc)
            case SglSeparateReasoning():
                self.append(expr.expr, loc)
                self.reasoning(expr.name, expr.model_type, loc)
            case _:
                self.poison(self._blame(ValueError(f"unknown expression {expr!r}"), loc))

    def media(self, expr: SglImage | SglVideo, loc: At = None) -> None:
        """Append an image or a video; unreadable files poison the state."""
        try:
            source, data = load_media(expr)
        except Exception as error:
            self.poison(self._blame(error, loc))
        else:
            self._push(Version((Media(self.session.chat_template.image_token, source, data),)))

    def reasoning(self, name: str, model_type: str | None, loc: At = None) -> None:
        """
        Split the reasoning off the value of `name`, as `separate_reasoning` does.

        `name` becomes the answer, `{name}_reasoning_content` the reasoning, and the text of the
        open role becomes the answer.
        """
        value = self.vars.get(name)
        if model_type is None:
            self.poison(self._blame(ValueError("Model type must be specified"), loc))
            return
        if not isinstance(value, Pending):
            self.poison(self._blame(KeyError(name), loc))
            return
        parts = value.map(lambda text: split_reasoning(model_type, text))
        self.vars[f"{name}_reasoning_content"] = parts.map(lambda p: p[0])
        self.vars[name] = answer = parts.map(lambda p: p[1])
        if self.role_version is not None:
            self.tip = self.role_version
            self._shares_tip = True
            # Who follows the text has seen the generation, reasoning and answer, already.
            self._push(DeferredVersion(gather([answer], self.session), _join_text), followed=False)

    def scope_begin(self, name: str) -> None:
        """From here on text belongs to the scope; meanwhile its variable is the text's length."""
        self._scopes[name] = (*self._scopes.get(name, ()), self.tip)
        self.vars[name] = self.current_text().map(len)

    def scope_end(self, name: str) -> None:
        """Bind the text since `scope_begin` to `name`; KeyError when it was not begun."""
        *outer, start = self._scopes.pop(name)
        if outer:
            self._scopes[name] = tuple(outer)
        watched = self.session.driver.watch(self.tip, self.session)
        self.vars[name] = watched.map(lambda end: text_of(end, start))

    # Forking and joining

    def fork(
        self, size: int, *, parallel: bool = True, hoist: bool = True, common: str = ""
    ) -> list[Handle]:
        """
        `size` states that start where this one is now.

        `parallel=False` runs their generations one after another. `hoist` computes this state's
        prompt plus `common`, with which every child is known to start, early.
        """
        assert size >= 1, f"size must be at least 1, but is {size}"
        session = self.session
        turn = self._turn
        if turn is None and size > 1 and not (parallel and session.options.parallel):
            turn = Turnstile()
        if size > 1 and hoist and session.options.hoist:
            session.driver.warm(session, self.tip, common, size)
        number, self.forks = self.forks, self.forks + 1
        children = []
        for index in range(size):
            child = Handle(
                session,
                seed=self.seed,
                label=f"{self.label}/{number}.{index}",
                path=fork_path(self.path, number, index),
            )
            child.tip = child.fork_version = self.tip
            child._shares_tip = True
            child.vars = dict(self.vars)
            child.open_role, child.role_version = self.open_role, self.role_version
            child.closed_roles = list(self.closed_roles)
            child._scopes = dict(self._scopes)
            child._turn = turn
            children.append(child)
        return children

    def join(self, children: Sequence[Handle], mode: str = "gather_variable") -> None:
        """
        Take over what the children made; ValueError for an unknown mode.

        `gather_variable`: each variable that some child has and this state had not becomes the
        list of the children's values, in order. `concate_and_append`: the children's texts since
        the fork are appended in order.
        """
        if mode == "gather_variable":
            before = set(self.vars)
            for child in children:
                for name in child.vars:
                    if name not in before and name not in self.vars:
                        values = [c.vars[name] for c in children if name in c.vars]
                        self.vars[name] = _gathered(values, self.session)
        elif mode == "concate_and_append":
            for child in children:
                self._append_suffix(child)
        else:
            raise ValueError(f"Invalid join mode: {mode}")
        for child in children:
            child.finish()

    def _append_suffix(self, child: Handle) -> None:
        start = child.fork_version

        def make(end: Version) -> tuple[Piece, ...]:
            return pieces_of(end, start)

        watched = self.session.driver.watch(child.tip, self.session)
        self._push(DeferredVersion(watched, make))

    def finish(self) -> None:
        """Say that nothing more will be appended."""
        self.finished = True
        self.session.notify()

    # Variables and observations

    def peek(self, name: str | None) -> Any:
        """A variable without waiting: its value, or a Pending of it; KeyError when unknown."""
        value = self.vars[name]
        if isinstance(value, Pending) and value.done() and value.exception() is None:
            return value.value()
        return value

    def set(self, name: str | None, value: object) -> None:
        """Bind a variable to any value."""
        self.vars[name] = value

    def has(self, name: str | None) -> bool:
        """Whether a variable was bound, or a generation of this name appended."""
        return name in self.vars

    def read(self, name: str | None) -> Any:
        """Wait for a variable; raises its generation's failure, KeyError when unknown."""
        value = self.vars[name]
        return value.result() if isinstance(value, Pending) else value

    def read_meta(self, name: str | None) -> Pending[Any]:
        """Meta information of the latest generation of this name; None when there is none."""
        version = self.meta.get(name)
        if version is None:
            return Pending.of(None)
        return version.value.map(lambda _: version.meta)

    def current_text(self) -> Pending[str]:
        """All text so far."""
        return self.session.driver.watch(self.tip, self.session).map(text_of)

    def current_messages(self) -> Pending[list[dict[str, Any]]]:
        """The closed messages so far."""
        return self.session.driver.watch(self.tip, self.session).map(messages_of)

    def settled(self) -> Pending[None]:
        """There once everything appended so far is done or has failed; never fails itself."""
        return self.error().map(lambda _: None)

    def error(self) -> Pending[BaseException | None]:
        """The failure that poisons this state now, or None."""
        pending: Pending[BaseException | None] = Pending(self.session)
        self.session.driver.when_done(self.tip, lambda tip: pending.set_result(tip.error))
        return pending


def _join_text(parts: Sequence[object]) -> tuple[Piece, ...]:
    for part in parts:
        if not isinstance(part, str):
            raise TypeError(f"text expected, not {type(part).__name__}: {part!r}")
    return ("".join(part for part in parts if isinstance(part, str)),)


def _gathered(values: list[Any], session: Session) -> Any:
    if any(isinstance(value, Pending) for value in values):
        return gather(values, session)
    return values

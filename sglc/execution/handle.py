"""A live state: where a program appends, forks and joins. Nothing here waits but `read`."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

from sglc.execution.appending import append_media, append_value, joined_text, separate_reasoning
from sglc.execution.joining import join_children
from sglc.execution.pending import Pending
from sglc.execution.requests import GenStep, SelectStep
from sglc.execution.seeds import SeedPath, fork_path, gen_key
from sglc.execution.session import RunCounter, Session
from sglc.execution.versions import (
    EMPTY,
    DeferredVersion,
    RoleMark,
    StepVersion,
    Surroundings,
    Turnstile,
    Version,
    messages_of,
    text_of,
)
from sglc.ir.core import Loc
from sglc.language.chat_template import Message
from sglc.language.choices import ChoicesSamplingMethod, find_method
from sglc.language.exprs import Place, SglImage, SglVideo
from sglc.language.sampling import DEFAULTS, GenParams, dtype_name, resolve

TextPart = str | Pending[str]
At = Loc | Place | None


class ClosedRoles(Sequence[Message]):
    """The messages before a role as chat templates see them, made when one is looked at."""

    __slots__ = ("_roles",)

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = roles

    def __len__(self) -> int:
        return len(self._roles)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ClosedRoles(self._roles[index])
        return {"role": self._roles[index], "content": ""}


class Handle:
    """
    A state: its latest version, its variables, its open role and its place in the seed tree.

    Aliases are Python's own. Every method returns at once, except `read`. A failed generation
    poisons its version and all later ones; only reading raises it.
    """

    __slots__ = (
        "closed_roles",
        "counted_runs",
        "finished",
        "fork_version",
        "forks",
        "gens",
        "label",
        "log",
        "meta",
        "open_role",
        "path",
        "role_version",
        "scopes",
        "seed",
        "session",
        "shares_tip",
        "tip",
        "turn",
        "vars",
    )

    def __init__(self, session: Session, *, seed: int, label: str, path: SeedPath = ()) -> None:
        self.session = session
        self.seed = seed
        self.path = path
        self.label = label
        """`root`, then `/fork.child` for each fork and `>run` for each call."""
        self.tip = EMPTY
        self.vars: dict[str | None, Any] = {}
        """Values, or Pendings of values."""
        self.meta: dict[str | None, StepVersion] = {}
        self.open_role: str | None = None
        self.role_version: Version | None = None
        self.closed_roles: tuple[str, ...] = ()
        self.fork_version: Version | None = None
        """The version this state was forked from."""
        self.gens = 0
        self.forks = 0
        self.finished = False
        """Nothing more will be appended; streams end here."""
        self.log: list[Version] | None = None
        self.shares_tip = False
        self.turn: Turnstile | None = None
        self.scopes: tuple[tuple[str, Version], ...] = ()
        """Where open scopes began, in order; one may lie in another of the same name."""
        self.counted_runs: RunCounter | None = None
        """Made by `runs`, which most states never need."""
        if session.following is not None:
            self.log = []
            session.following.handles.append(self)

    @property
    def runs(self) -> RunCounter:
        """Counts the runs that are started from this state."""
        found = self.counted_runs
        if found is None:
            with self.session.lock:
                found = self.counted_runs or RunCounter(
                    self.seed, self.path, self.label, self.session
                )
                self.counted_runs = found
        return found

    # Appending

    def push(self, version: Version, *, followed: bool = True) -> None:
        """Append a version; those who follow the text see it unless it is not `followed`."""
        # Threads of one program may append to one state: nothing may get lost.
        with self.session.lock:
            continues, self.shares_tip = not self.shares_tip, False
            parent, self.tip = self.tip, version
            self.session.driver.append(version, parent, continues)
            if self.log is not None and followed:
                self.log.append(version)
                # A follower may have seen it unfinished; nothing else tells when it is known.
                self.session.driver.when_done(version, lambda _: self.session.notify())
        self.session.notify()

    def text(self, parts: Sequence[TextPart], loc: At = None) -> None:
        """Append text, some of which may be pending; it is one segment."""
        strings = [part for part in parts if isinstance(part, str)]
        if len(strings) < len(parts):
            self.push(DeferredVersion(parts, joined_text))
        elif text := "".join(strings):
            self.push(Version((text,)))

    def poison(self, error: BaseException) -> None:
        """Fail this state from here on, without raising."""
        self.push(DeferredVersion((Pending.failed(error),), joined_text))

    def role_begin(self, role: str, loc: At = None) -> None:
        """Open a chat role; one inside another poisons the state."""
        if self.open_role is not None:
            self.poison(self.blame(AssertionError("Nested roles are not allowed."), loc))
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
        self.push(Version((prefix,), RoleMark(role, begin=True)))
        self.open_role = role
        self.role_version = self.tip

    def role_end(self, role: str | None = None, loc: At = None) -> None:
        """Close the open role; closing when none is open poisons the state."""
        if self.open_role is None:
            self.poison(self.blame(AssertionError("a role is closed that is not open"), loc))
            return
        role = role or self.open_role
        _, suffix = self.session.chat_template.get_prefix_and_suffix(role, self._history())
        self.push(Version((suffix,), RoleMark(role, begin=False)))
        self.closed_roles = (*self.closed_roles, role)
        self.open_role = self.role_version = None

    def _history(self) -> Sequence[Message]:
        return ClosedRoles(self.closed_roles)

    def gen(self, name: str | None, params: GenParams, loc: At = None) -> Pending[Any]:
        """Append a generation. The value is a string, or a list of them for `n` > 1."""
        template = self.session.chat_template
        problem: Exception | None = None
        try:
            resolved = resolve(self.session.defaults, params, template.stop_str)
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
        self,
        name: str | None,
        step: GenStep | SelectStep,
        loc: At,
        problem: BaseException | None,
    ) -> Pending[Any]:
        place = self.session.place(loc)
        if problem is not None:
            self.poison(self.blame(problem, loc))
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
        version = StepVersion(step, self.session, self.label, self.path, place, self.turn, around)
        self.vars[name] = version.value
        self.meta[name] = version
        self.push(version)
        return version.value

    def blame(self, error: BaseException, loc: At) -> BaseException:
        """The error, with a note of the place."""
        place = self.session.place(loc)
        if place is not None:
            error.add_note(f"at {place[0]}:{place[1]}")
        return error

    def append(self, value: object, loc: At = None) -> None:
        """
        What `s += value` does.

        ValueError for None. What is no text and no expression poisons the state.
        """
        append_value(self, value, loc)

    def media(self, expr: SglImage | SglVideo, loc: At = None) -> None:
        """Append an image or a video; unreadable files poison the state."""
        append_media(self, expr, loc)

    def reasoning(self, name: str, model_type: str | None, loc: At = None) -> None:
        """Split the reasoning off the value of `name`, as `sgl.separate_reasoning` does."""
        separate_reasoning(self, name, model_type, loc)

    def scope_begin(self, name: str) -> None:
        """From here on text belongs to the scope; meanwhile its variable is the text's length."""
        self.scopes = (*self.scopes, (name, self.tip))
        self.vars[name] = self.current_text().map(len)

    def scope_end(self, name: str) -> None:
        """Bind the text since `scope_begin` to `name`; KeyError when it was not begun."""
        index = max((i for i, scope in enumerate(self.scopes) if scope[0] == name), default=None)
        if index is None:
            raise KeyError(name)
        start = self.scopes[index][1]
        self.scopes = self.scopes[:index] + self.scopes[index + 1 :]
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
        turn = self.turn
        if turn is None and size > 1 and not (parallel and session.options.parallel):
            turn = Turnstile()
        if size > 1 and hoist and session.options.hoist:
            session.driver.warm(session, self.tip, common, size)
        number, self.forks = self.forks, self.forks + 1
        return [self._child(number, index, turn) for index in range(size)]

    def _child(self, number: int, index: int, turn: Turnstile | None) -> Handle:
        path = fork_path(self.path, number, index)
        child = Handle(
            self.session, seed=self.seed, label=f"{self.label}/{number}.{index}", path=path
        )
        child.tip = child.fork_version = self.tip
        child.shares_tip = True
        child.vars = dict(self.vars)
        child.open_role, child.role_version = self.open_role, self.role_version
        child.closed_roles = self.closed_roles
        child.scopes = self.scopes
        child.turn = turn
        return child

    def join(self, children: Sequence[Handle], mode: str = "gather_variable") -> None:
        """
        Take over what the children made; ValueError for an unknown mode.

        `gather_variable`: each variable that some child has and this state had not becomes the
        list of the children's values, in order. `concate_and_append`: the children's texts since
        the fork are appended in order.
        """
        join_children(self, children, mode)

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

    def is_text(self, name: object, value: Pending[Any]) -> bool:
        """Whether a pending variable will certainly be one string: a `select`, a `gen` of one."""
        version: Version | None = self.meta.get(name) if isinstance(name, str) else None
        if version is None:
            # A child sees its parent's variables; the step is somewhere up its own path.
            version = self.tip
        while version is not None:
            if isinstance(version, StepVersion) and version.value is value:
                step = version.step
                return isinstance(step, SelectStep) or step.params.n in (None, 1)
            version = version.parent
        return False

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

"""Requests from their first step to `Done` or `Failed`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from sglc_runtime.admission import Admission
from sglc_runtime.constraints.compiling import Compiling
from sglc_runtime.context import EngineContext, check_sampling
from sglc_runtime.deadlines import Deadlines
from sglc_runtime.device.memory import advice, ran_out
from sglc_runtime.errors import FailureKind, RequestError
from sglc_runtime.kv import Node, PinError
from sglc_runtime.protocol import (
    Append,
    AppendIds,
    Done,
    Event,
    Failed,
    Generate,
    Ids,
    Submit,
    Warm,
)
from sglc_runtime.request import Request
from sglc_runtime.sequence import Sequence
from sglc_runtime.steps import GenerateRun, ScoreRun, StepRun, WarmRun


class Lifecycle:
    """Open requests by id, and the events that they have given."""

    def __init__(
        self, context: EngineContext, admission: Admission, clock: Callable[[], float]
    ) -> None:
        self.context = context
        self.admission = admission
        self.clock = clock
        self.deadlines = Deadlines()
        self.requests: dict[int, Request] = {}
        self.events: list[Event] = []
        self.compiling = Compiling()
        self._arrived = 0

    def submit(self, command: Submit) -> None:
        """Open a request and start its first step."""
        self._open(Request.of(command))

    def warm(self, command: Warm) -> None:
        """Open a request that computes a prefix and nothing else."""
        self._open(Request(command.id, 0, (), False, command.prefix), command)

    def reject(self, number: int, message: str, kind: FailureKind = "bad_request") -> None:
        """Report a request that was never opened."""
        self.events.append(Failed(id=number, step=0, kind=kind, message=message))

    def expire(self) -> None:
        """Fail the requests whose deadline has passed."""
        for request in self.deadlines.due(self.clock()):
            if self.requests.get(request.id) is request:
                waited = request.id in self.admission.unstarted
                where = "before it was begun" if waited else f"in step {request.step}"
                message = f"the deadline of {request.deadline:g} seconds passed {where}"
                self.fail(request, "deadline", message)

    def resume(self, patience: float) -> None:
        """Go on with requests whose grammars are compiled; wait for one `patience` seconds."""
        for request in self.compiling.ready(patience):
            if self.requests.get(request.id) is request:
                try:
                    self._advance(request)
                except Exception as error:
                    self.fail_with(request, error)

    def retire(self, sequence: Sequence) -> None:
        """A sequence is through; so may be its step."""
        step = sequence.step
        if isinstance(step, WarmRun) and sequence.node is not None:
            self._keep(step, sequence.node)
        self.admission.leave(sequence)
        step.sequences.remove(sequence)
        if step.done:
            self._finish(step)

    def fail(self, request: Request, kind: FailureKind, message: str) -> None:
        """End a request; what it computed stays in the cache."""
        if self.requests.pop(request.id, None) is None:
            return
        self.admission.unstarted.discard(request.id)
        self.compiling.forget(request)
        if request.run is not None:
            for sequence in request.run.sequences:
                self.admission.leave(sequence)
            request.run.sequences.clear()
            request.run = None
        self.admission.cache.request_ended()
        failed = Failed(id=request.id, step=request.step, kind=kind, message=message)
        self.events.append(failed)

    def fail_with(self, request: Request, error: Exception) -> None:
        """End a request with the kind that `error` stands for."""
        if isinstance(error, RequestError):
            self.fail(request, error.kind, error.message)
        else:
            traceback.print_exception(error, file=sys.stderr)
            message = f"{type(error).__name__}: {error}"
            self.fail(request, kind_of(error), advice("pass", error) if ran_out(error) else message)

    def unpin(self, number: int) -> None:
        """Release the prefix that a `Warm` of this id has pinned, or was going to pin."""
        self.admission.cache.pins.release(number)
        request = self.requests.get(number)
        if request is not None and isinstance(request.run, WarmRun):
            request.run.pin = False

    def _keep(self, run: WarmRun, node: Node) -> None:
        """Do what a warmed prefix asks for: pin it, remember who comes for it."""
        cache, warm = self.admission.cache, run.warm
        if run.pin:
            try:
                cache.pins.add(warm.id, node)
            except PinError as error:
                raise RequestError("out_of_memory", str(error)) from None
        cache.tree.expect(node, warm.uses, warm.next_use)

    def _open(self, request: Request, warm: Warm | None = None) -> None:
        if request.id in self.requests:
            self.reject(request.id, f"request id {request.id} is in use")
            return
        if warm is not None and warm.pin and warm.id in self.admission.cache.pins:
            self.reject(request.id, f"request id {request.id} is in use by a pinned prefix")
            return
        if self.admission.full:
            self.reject(request.id, self.admission.overloaded(), "overloaded")
            return
        request.arrival = self._arrived
        self._arrived += 1
        self.requests[request.id] = request
        self.admission.unstarted.add(request.id)
        context = self.context
        try:
            self.deadlines.add(request, self.clock())
            request.path.append(request.prefix, context.encode, context.vocab_size)
            if warm is not None:
                context.encode_stable(request.path)
                self._start(WarmRun(request, context, warm))
            else:
                self._advance(request)
        except Exception as error:
            self.fail_with(request, error)

    def _advance(self, request: Request) -> None:
        """Go on to the request's next step that needs the model, or finish it."""
        context = self.context
        while request.step < len(request.steps):
            step = request.steps[request.step]
            if isinstance(step, Append):
                request.path.text += step.text
                request.step += 1
                continue
            if isinstance(step, AppendIds):
                given = (Ids(step.ids, given=True),)
                request.path.append(given, context.encode, context.vocab_size)
                request.step += 1
                continue
            request.path.encode(context.encode)
            if isinstance(step, Generate):
                check_sampling(step.sampling)
                if self.compiling.holds(request, context.constraint(step.sampling)):
                    return
                self._start(GenerateRun(request, context, step))
            else:
                self._start(ScoreRun(request, context, step))
            return
        self.admission.cache.expect(request.path.ids, request.uses, request.next_use)
        self.admission.cache.request_ended()
        del self.requests[request.id]
        self.admission.unstarted.discard(request.id)
        self.events.append(Done(request.id))

    def _start(self, run: StepRun) -> None:
        run.request.run = run
        sequences = run.start()
        if not isinstance(run, WarmRun):
            self.admission.counters.prompt_tokens += run.prompt_tokens
        self.admission.wait(sequences)
        if run.done:
            self._finish(run)

    def _finish(self, run: StepRun) -> None:
        """Report a step whose sequences are all through, and go on."""
        request = run.request
        event = run.event()
        if event is not None:
            self.events.append(event)
        request.run = None
        request.step += 1
        self._advance(request)


def kind_of(error: Exception) -> FailureKind:
    """What a failure that nobody foresaw is called."""
    return "out_of_memory" if ran_out(error) else "internal"

"""
Programs awaited: `await f.arun(...)`, and bodies that are `async def`.

Nothing here blocks the event loop. A plain body runs on the driver where it has no host code, else
on a thread of its own; an `async def` body is awaited where it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sglc.execution.errors import is_generation_error
from sglc.execution.pending import Pending
from sglc.execution.session import BodyOf

if TYPE_CHECKING:
    import asyncio

    from sglc.language.state import ProgramState

T = TypeVar("T")
AsyncBody = Callable[..., Coroutine[Any, Any, Any]]


async def until(pending: Pending[T]) -> T:
    """A pending value, awaited: its result, or its failure raised."""
    if not pending.done():
        import asyncio  # takes longer to import than all of this package

        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not arrived.done():
                arrived.set_result(None)

        def tell(_: Pending[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(wake)

        pending.add_done_callback(tell)
        await arrived
    return pending.result()


async def run_async_body(
    state: ProgramState, body: AsyncBody, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """
    Await a body. What leaves it is treated as `run_body` does; cancelling it stops its generations.
    """
    session = state.handle.session
    try:
        with BodyOf(state.handle.runs):
            state.body = Pending.of(await body(state, *args, **kwargs))
    except BaseException as error:
        if not isinstance(error, Exception):
            session.cancel()
        state.body = Pending.failed(error)
        if not is_generation_error(error):
            state.raised = True
            raise
    finally:
        session.finish()


async def settled(state: ProgramState) -> ProgramState:
    """The state once its body and everything it asked of the model have ended."""
    session = state.handle.session
    try:
        try:
            await until(state.body)
        except BaseException as error:
            if not state.body.done() or not is_generation_error(error):
                raise
        await until(state.handle.settled())
    except BaseException as error:
        if not isinstance(error, Exception):
            session.cancel()
        raise
    return state


def in_own_loop(body: AsyncBody) -> Callable[..., Any]:
    """An `async def` body as a plain one, with an event loop for it alone."""

    def run(*args: Any, **kwargs: Any) -> Any:
        import asyncio

        try:
            asyncio.get_running_loop()
            running = True
        except RuntimeError:
            running = False
        # Not inside the handler: its exception would be the context of the body's own.
        if not running:
            return asyncio.run(body(*args, **kwargs))
        name = getattr(body, "__name__", "the program")
        raise RuntimeError(
            f"`{name}` is `async def` and an event loop is running here: "
            f"write `await {name}.arun(...)`"
        )

    return run

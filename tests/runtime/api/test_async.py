"""The public engine in an event loop."""

from __future__ import annotations

import asyncio

import pytest

from sglc_runtime import Delta, Engine, EngineError, Fork, Generate, RequestError, Sampling
from tests.runtime.engine.driving import GREEDY, checkpoint

LONG = Sampling(max_new_tokens=400, temperature=0.0, ignore_eos=True)
SHORT = Sampling(max_new_tokens=20, temperature=0.0, ignore_eos=True)


def make(process: bool) -> Engine:
    return Engine(checkpoint(), process=process, threads=1, kv_slots=4096)


@pytest.mark.parametrize("process", [True, False])
def test_the_loop_stays_free_and_results_are_the_same(process: bool) -> None:
    async def main() -> None:
        async with make(process) as engine:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    ticks += 1
                    await asyncio.sleep(0)

            ticking = asyncio.create_task(tick())
            # More waiters than the default executor has threads.
            handles = [engine.submit([f"{i} ", Generate(SHORT)]) for i in range(40)]
            results = await asyncio.gather(*handles)
            ticking.cancel()
            assert ticks > 40
            again = await asyncio.to_thread(engine.submit(["7 ", Generate(SHORT)]).result, 60)
            assert again.text == results[7].text
            texts = []
            handle = engine.submit(
                ["Hi", Generate(GREEDY), Fork([["x", Generate(GREEDY)]])], stream=True
            )
            async for event in handle:
                if isinstance(event, Delta):
                    texts.append(event.text)
            result = await handle
            assert "".join(texts) == result.text
            assert result.branches[0].text

    asyncio.run(main())


@pytest.mark.parametrize("process", [True, False])
def test_giving_up_cancels(process: bool) -> None:
    async def main() -> None:
        async with make(process) as engine:
            handle = engine.submit(["Hi", Generate(LONG), Generate(LONG), Generate(LONG)])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(handle, 0.01)
            with pytest.raises(RequestError, match="cancelled"):
                await handle
            assert (await engine.submit(["Hi", Generate(GREEDY)])).text
            with pytest.raises(RequestError, match="top_p"):
                await engine.submit(["Hi", Generate(Sampling(top_p=-1.0))])
            left = engine.submit(["Hi", Generate(LONG)])
        with pytest.raises(EngineError, match="closed"):
            await left

    asyncio.run(main())


def test_a_loop_that_ended_is_not_woken() -> None:
    """A reader whose loop is gone leaves the engine to the others."""
    with make(True) as engine:
        handle = engine.submit(["Hi", Generate(LONG)])
        loop = asyncio.new_event_loop()
        waiting = loop.create_task(handle._until(handle._is_ended))
        loop.run_until_complete(asyncio.sleep(0))
        assert not waiting.done()
        loop.close()
        waiting._log_destroy_pending = False  # type: ignore[attr-defined]
        assert handle.result(60).text
        assert engine.submit(["Hi", Generate(GREEDY)]).result(60).text

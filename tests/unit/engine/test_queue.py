"""The queue's contract, one sentence of its docstring per test, in virtual time."""

import asyncio
import random

import pytest

from aks_access.engine.queue import Backoff, Closed, WorkQueue
from tests.sim.virtual_loop import run_virtually


def _now() -> float:
    return asyncio.get_running_loop().time()


def _queue() -> WorkQueue[str]:
    return WorkQueue(settle=1.0, settle_limit=5.0, rng=random.Random(1))


async def _next(queue: WorkQueue[str]) -> tuple[str, float]:
    key = await queue.get()
    queue.done(key)
    return key, round(_now(), 6)


def test_puts_of_a_waiting_key_are_merged_and_the_earliest_wins() -> None:
    async def main() -> None:
        queue = _queue()
        for delay in (9.0, 3.0, 6.0):
            queue.put_after("a", delay)
        assert await _next(queue) == ("a", 3.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 100)

    run_virtually(main())


def test_a_key_put_while_it_is_worked_on_comes_again_afterwards() -> None:
    async def main() -> None:
        queue = _queue()
        queue.put("a")
        key = await queue.get()
        queue.put("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 10)
        queue.done(key)
        assert await _next(queue) == ("a", 10.0)

    run_virtually(main())


def test_an_earlier_put_brings_a_later_one_forward() -> None:
    async def main() -> None:
        queue = _queue()
        queue.put_after("a", 600.0)
        await asyncio.sleep(5)
        queue.put("a")
        assert await _next(queue) == ("a", 5.0)

    run_virtually(main())


def test_settling_waits_for_quiet() -> None:
    async def main() -> None:
        queue = _queue()
        for _ in range(3):
            queue.put_settled("a")
            await asyncio.sleep(0.5)
        assert await _next(queue) == ("a", 2.0)

    run_virtually(main())


def test_i4_settling_never_waits_longer_than_its_limit() -> None:
    async def main() -> None:
        queue = _queue()

        async def hints() -> None:
            for _ in range(40):
                queue.put_settled("a")
                await asyncio.sleep(0.5)

        hinting = asyncio.create_task(hints())
        assert await _next(queue) == ("a", 5.0)
        await hinting

    run_virtually(main())


def test_i4_an_urgent_put_does_not_wait_for_settling() -> None:
    async def main() -> None:
        queue = _queue()
        queue.put_settled("a")
        queue.put("a")
        assert await _next(queue) == ("a", 0.0)

    run_virtually(main())


def test_a_later_put_does_not_shorten_settling() -> None:
    async def main() -> None:
        queue = _queue()
        queue.put_settled("a")
        queue.put_after("a", 30.0)
        assert await _next(queue) == ("a", 1.0)

    run_virtually(main())


def test_back_off_grows_with_each_failure_and_success_ends_the_row() -> None:
    async def main() -> None:
        queue = WorkQueue[str](backoff=Backoff(base=1.0, limit=10.0, jitter=0.0))
        delays = [queue.put_backoff("a") for _ in range(6)]
        assert delays == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
        assert queue.put_backoff("a", limit=3.0) == 3.0
        queue.succeeded("a")
        assert queue.put_backoff("a") == 1.0

    run_virtually(main())


def test_jitter_only_lengthens_a_delay() -> None:
    backoff, rng = Backoff(base=2.0, limit=100.0, jitter=0.5), random.Random(3)
    delays = [backoff.delay(failures=1, rng=rng) for _ in range(50)]
    assert all(2.0 <= delay <= 3.0 for delay in delays)
    assert len(set(delays)) > 40


def test_keys_do_not_hold_each_other() -> None:
    async def main() -> None:
        queue = _queue()
        queue.put("a")
        queue.put("b")
        assert {await queue.get(), await queue.get()} == {"a", "b"}
        assert len(queue) == 0

    run_virtually(main())


def test_a_closed_queue_hands_out_nothing_and_ends_every_worker() -> None:
    async def main() -> None:
        queue = _queue()
        workers = [asyncio.ensure_future(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.put_after("a", 1.0)
        queue.close()
        queue.put("b")
        found = await asyncio.gather(*workers, return_exceptions=True)
        assert all(isinstance(item, Closed) for item in found)

    run_virtually(main())


def test_i6_a_queue_that_is_closed_hands_out_nothing_that_was_ready() -> None:
    async def main() -> None:
        queue = _queue()
        for key in ("a", "b", "c"):
            queue.put(key)
        assert await queue.get() == "a"
        queue.close()
        queue.done("a")
        for _ in range(3):
            with pytest.raises(Closed):
                await queue.get()

    run_virtually(main())


def test_a_key_whose_work_ended_as_slow_waits_in_a_lane_of_its_own() -> None:
    async def main() -> None:
        queue = _queue()
        queue.put("a")
        queue.put_after(await queue.get(), 1.0)
        queue.done("a", slow=True)
        queue.put_after("b", 2.0)
        assert await _next(queue) == ("b", 2.0)
        assert len(queue) == 1
        assert await queue.get(slow=True) == "a"
        queue.put_after("a", 1.0)
        queue.done("a")
        assert await _next(queue) == ("a", 3.0)

    run_virtually(main())


def test_closing_ends_both_lanes() -> None:
    async def main() -> None:
        queue = _queue()
        waiting = [asyncio.ensure_future(queue.get(slow=slow)) for slow in (True, False)]
        await asyncio.sleep(0)
        queue.close()
        for each in waiting:
            with pytest.raises(Closed):
                await each

    run_virtually(main())

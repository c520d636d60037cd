"""The informer is begun anew when it ends by itself, ever more slowly, until told to stop."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from aks_access.errors import KubeError
from aks_access.kube.watches import BACKOFF, SETTLED, Watches


class Informer:
    """Watches from its start on, unless `blind`; ends when the test says so."""

    def __init__(self, *, blind: bool) -> None:
        self.blind = blind
        self.stopped = 0

    @property
    def watching(self) -> asyncio.Future[None]:
        return self._watching

    @property
    def failed(self) -> asyncio.Future[KubeError]:
        return self._failed

    def start(self) -> None:
        self._failed: asyncio.Future[KubeError] = asyncio.get_running_loop().create_future()
        self._watching: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.blind:
            self._watching.set_result(None)

    async def stop(self) -> None:
        self.stopped += 1


class Bench:
    """Watches whose sleeps end when the test says so."""

    def __init__(self) -> None:
        self.informers: list[Informer] = []
        self.slept: list[float] = []
        self.settle = asyncio.Event()
        self.ended: list[str] = []
        self.settled = 0
        self.served = asyncio.Event()
        self.served.set()
        self.blind = False

    def make(self) -> Informer:
        self.informers.append(Informer(blind=self.blind))
        return self.informers[-1]

    async def sleep(self, seconds: float) -> None:
        if seconds == SETTLED and len(self.slept) == len(self.ended):
            await self.settle.wait()
        else:
            self.slept.append(seconds)

    async def on_settled(self) -> None:
        self.settled += 1

    def watches(self) -> Watches:
        return Watches(
            make=self.make,
            on_ended=lambda problem: self.ended.append(str(problem)),
            ready=self.served.wait,
            on_settled=self.on_settled,
            sleep=self.sleep,
        )

    async def end(self, *, times: int = 1) -> None:
        for _ in range(times):
            count = len(self.informers)
            self.informers[-1].failed.set_result(KubeError("the watches ended: 410"))
            await until(lambda count=count: len(self.informers) > count)  # type: ignore[misc]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to that")


async def begin(bench: Bench) -> asyncio.Task[None]:
    task = asyncio.create_task(bench.watches().run())
    await until(lambda: bool(bench.informers))
    return task


async def finish(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_each_end_is_followed_by_a_new_start_later_and_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    task = await begin(bench)
    await bench.end(times=7)
    await finish(task)
    assert bench.slept == [*BACKOFF, 30.0, 30.0]
    assert bench.ended == ["the watches ended: 410"] * 7
    assert [informer.stopped for informer in bench.informers] == [1] * 8
    assert "the watches ended: 410; they start again in 1 s" in caplog.messages
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


async def test_one_that_lasts_is_told_and_starts_the_waits_anew() -> None:
    bench = Bench()
    task = await begin(bench)
    await bench.end(times=3)
    bench.settle.set()
    await until(lambda: bench.settled > 0)
    bench.settle.clear()
    await bench.end()
    await finish(task)
    assert bench.slept == [1.0, 2.0, 5.0, 1.0]
    assert bench.settled == 1


async def test_the_first_one_is_nothing_to_tell_of() -> None:
    bench = Bench()
    bench.settle.set()
    task = await begin(bench)
    await asyncio.sleep(0.01)
    await finish(task)
    assert (bench.settled, bench.ended) == (0, [])


async def test_a_new_start_waits_until_every_kind_is_served() -> None:
    bench = Bench()
    task = await begin(bench)
    bench.served.clear()
    bench.informers[-1].failed.set_result(KubeError("404"))
    await until(lambda: bench.slept == [1.0])
    await asyncio.sleep(0.01)
    assert len(bench.informers) == 1
    bench.served.set()
    await until(lambda: len(bench.informers) == 2)
    await finish(task)


async def test_one_that_does_not_watch_every_kind_yet_is_not_told_however_long_it_lasts() -> None:
    bench = Bench()
    task = await begin(bench)
    bench.blind = True
    bench.settle.set()
    await bench.end()
    await asyncio.sleep(0.01)
    assert bench.settled == 0
    bench.informers[-1].watching.set_result(None)
    await until(lambda: bench.settled == 1)
    await finish(task)

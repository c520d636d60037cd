"""A failover with a thousand operations in flight: each is settled, none is sent again."""

from bisect import bisect_left
from collections.abc import Callable, Iterable

import pytest

from tests.sim.play import play
from tests.sim.world import FOREIGN, OFFICE, World, key_of

CLUSTERS = 1_000
OPERATION = 180.0
"""Seconds: nothing ends before all are under way and the next leader has looked at all."""


def _address(number: int) -> str:
    return f"81.2.{number // 250}.{number % 250 + 1}"


def most_per_minute(times: Iterable[float]) -> int:
    """Most of these that fell into any minute."""
    found = sorted(times)
    return max((bisect_left(found, t + 60.0) - place for place, t in enumerate(found)), default=0)


async def until(world: World, condition: Callable[[], bool]) -> float:
    """Advance in steps that a thousand clusters can afford; returns seconds, to the next five."""
    began = world.now
    while not condition():
        assert world.now - began < 1800.0, world.story()
        await world.advance(5.0)
    return world.now - began


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_i6_a_failover_with_1000_operations_in_flight_sends_none_again(
    record_property: Callable[[str, object], None],
) -> None:
    names = [f"c{number}" for number in range(CLUSTERS)]
    figures: list[str] = []

    async def scenario(world: World) -> None:
        for number, name in enumerate(names):
            world.cluster(name, operation_seconds=OPERATION)
            world.target(name)
            world.grant(name, _address(number), target=name)
        await world.start()
        sent = await until(world, lambda: len(world.azure.requests("put")) == CLUSTERS)
        world.kill()
        died, before = world.now, len(world.azure.journal)
        assert sum(len(world.azure.cluster(key_of(n)).operations) for n in names) == CLUSTERS
        await world.advance(seconds=35)
        await world.start()
        looked = await until(
            world, lambda: len({r.key for r in world.azure.journal[before:]}) == CLUSTERS
        )
        assert world.azure.working()
        await until(
            world,
            lambda: (
                not world.azure.working()
                and all(world.target_state(name) == "InSync" for name in names)
            ),
        )
        ended = world.now - died
        await world.rest()
        for number, name in enumerate(names):
            assert world.list_of(name) == {FOREIGN, OFFICE, f"{_address(number)}/32"}
            assert world.state(name) == "Active"
            assert world.ledger(name).in_flight is None
        assert len(world.azure.requests("put")) == CLUSTERS, "none is sent a second time"
        after = [r for r in world.azure.journal[before:] if r.method == "get"]
        figures.append(
            f"{CLUSTERS} operations in flight: sent in {sent:.0f} s; after the failover each was "
            f"read within {looked:.0f} s, in sync {ended:.0f} s after the kill; 0 PUTs, "
            f"{len(after)} GETs, at most {most_per_minute(r.at for r in after)} a minute in all"
        )

    play(scenario, judged=False)
    record_property("figure", figures[0])

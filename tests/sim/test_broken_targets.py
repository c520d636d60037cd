"""Targets whose spec broke: nobody is let in, nobody is thrown out, and what ends does end."""

import random

import pytest

from aks_access.engine.ports import Kind
from tests.sim.play import play, simulated
from tests.sim.scenes import BARE
from tests.sim.world import World, condition

BROKEN = {"mode": "Nobody"}
MENDED = {"mode": "Merge"}
ONE, TWO, THREE, FOUR = (f"81.2.69.{number}" for number in range(1, 5))


def entries(*addresses: str) -> set[str]:
    return {f"{address}/32" for address in addresses}


async def begin(world: World, **grants: tuple[str, ...]) -> None:
    """The usual cluster at rest, with grants that end in six hours."""
    world.cluster()
    world.target()
    for name, addresses in grants.items():
        world.grant(name, *addresses, expiresAt=world.at(hours=6))
    await world.start()
    await world.rest()


@pytest.mark.parametrize("restarts", [False, True])
@simulated
async def test_i3_what_two_share_stays_for_the_one_that_grew(world: World, restarts: bool) -> None:
    await begin(world, grows=(ONE,), ends=(ONE, TWO))
    world.retarget(**BROKEN)
    world.regrant("grows", ipRanges=[ONE, THREE])
    await world.rest()
    if restarts:
        await world.restart()
    world.ungrant("ends")
    await world.rest()
    assert world.gone("ends")
    assert world.list_of() == BARE | entries(ONE)
    world.regrant("grows", revoked=True)
    await world.rest()
    assert world.list_of() == BARE
    assert world.state("grows") == "Revoked"


@simulated
async def test_a_grant_that_asks_for_something_else_is_told_what_stands(world: World) -> None:
    await begin(world, swaps=(ONE, TWO), leaves=(THREE,))
    world.retarget(**BROKEN)
    world.regrant("swaps", ipRanges=[ONE, FOUR])
    world.regrant("leaves", ipRanges=[FOUR])
    await world.rest()
    said = {name: condition(world.status(name), "Ready") for name in ("swaps", "leaves")}
    assert {each["reason"] for each in said.values()} == {"TargetBlocked"}
    assert said["swaps"]["message"].endswith(
        "it keeps what it has (1 of 2). What it asked for before stands until then: 81.2.69.2/32."
    )
    assert said["leaves"]["message"].endswith("stands until then: 81.2.69.3/32.")
    for name in said:
        assert condition(world.status(name), "Stalled")["status"] == "True"
        assert condition(world.status(name), "Programmed")["status"] == "False"
    assert world.list_of() == BARE | entries(ONE, TWO, THREE)
    world.retarget(**MENDED)
    await world.rest()
    assert world.list_of() == BARE | entries(ONE, FOUR)
    assert {world.state(name) for name in said} == {"Active"}


class _History:
    """Grants come, grow, move and end while their target breaks, is mended, and leaders die."""

    def __init__(self, world: World, *, seed: int) -> None:
        self.world, self.dice = world, random.Random(seed)
        self.broken = False
        self.asked: dict[str, set[str]] = {}
        self.held: dict[str, set[str]] = {}
        """What each grant was seen to hold and has asked for ever since."""

    async def play(self) -> None:
        for number in range(self.dice.randint(15, 30)):
            self._act(number, self.dice.choice("bgggeeeerdd"))
            await self.world.advance(self.dice.choice((0.0, 0.3, 5.0, 60.0, 900.0)))
            if self.dice.random() < 0.15:
                await self.world.restart()
            if self.dice.random() < 0.4:
                before = self.world.list_of() or set()
                await self.world.rest()
                self._look()
                assert not self.broken or self.world.list_of() <= before
        self.world.retarget(**MENDED)
        await self.world.rest()
        self.broken = False
        active = self._look()
        assert self.world.list_of() == BARE.union(*(self.asked[name] for name in active))

    def _act(self, number: int, act: str) -> None:
        world, dice = self.world, self.dice
        name = dice.choice(sorted(self.asked)) if self.asked else ""
        match act:
            case "b":
                self.broken = not self.broken
                world.retarget(**(BROKEN if self.broken else MENDED))
            case "g":
                ends = world.at(minutes=dice.choice((20, 60, 600)))
                world.grant(f"g{number}", *self._ask(f"g{number}", set()), expiresAt=ends)
            case "e" if name:
                old = sorted(self.asked[name])
                world.regrant(name, ipRanges=self._ask(name, set(dice.sample(old, len(old) - 1))))
            case "r" if name:
                world.regrant(name, revoked=True)
            case "d" if name:
                world.ungrant(name)
                del self.asked[name]

    def _ask(self, name: str, kept: set[str]) -> list[str]:
        pool = sorted(entries(*(f"81.2.69.{number}" for number in range(10, 14))))
        self.asked[name] = {*kept, *self.dice.sample(pool, 2)}
        self.held[name] = self.held.get(name, set()) & self.asked[name]
        return sorted(self.asked[name])

    def _look(self) -> list[str]:
        """Who ended holds nothing, and who is in keeps what it had; returns who is in whole."""
        live = [name for name in self.asked if self.world.state(name) not in ("Expired", "Revoked")]
        listed = self.world.list_of() or set()
        owned: dict[str, set[str]] = {}
        for entry in self.world.ledger().entries.values():
            for owner in entry.owners:
                owned.setdefault(owner, set()).add(entry.range)
        uids = {name: self._uid(name) for name in live}
        assert owned.keys() <= {"baseline", *uids.values()}
        assert BARE <= listed <= BARE.union(*owned.values())
        for name in live:
            assert self.held[name] <= listed, f"{name} lost {self.held[name] - listed}"
            self.held[name] |= self.asked[name] & owned.get(uids[name], set()) & listed
        return [name for name in live if self.world.state(name) == "Active"]

    def _uid(self, name: str) -> str:
        meta = self.world.api.find(Kind.GRANT, name, namespace="team-a")["metadata"]
        return str(meta["uid"])


@pytest.mark.parametrize("seed", [*range(8), 26, 75])  # the last two share entries
def test_i3_i9_who_ends_is_out_and_who_is_in_stays(seed: int) -> None:
    async def scenario(world: World) -> None:
        # What a newcomer asks for goes with whoever has it: the oracle knows no one who waits.
        world.expect("I8", because="on a target that broke a newcomer has no claim")
        world.unpaced()
        await begin(world)
        await _History(world, seed=seed).play()

    play(scenario, seed=seed)

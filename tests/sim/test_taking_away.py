"""Every way in which access ends other than by the clock; the object goes after the access."""

import pytest

from aks_access.engine.ports import Kind
from tests.sim.play import play, simulated
from tests.sim.scenes import BARE, LAPTOP, programmed
from tests.sim.world import FOREIGN, World, condition


@simulated
async def test_i9_a_deleted_grant_goes_after_its_access(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.ungrant()
    await world.until(lambda: len(world.puts()) == 2, within=3)
    assert world.list_of() == BARE
    assert not world.gone()
    await world.advance(50)
    assert not world.gone(), "released before the operation had succeeded"
    await world.until(world.gone, within=30)
    assert world.ledger().in_flight is None
    await world.rest()
    assert len(world.puts()) == 2
    assert world.audit.of(LAPTOP)[-1] == ("Revoked", "Deleted")


@simulated
async def test_i3_revoked_takes_away_at_once_and_keeps_the_object(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.regrant(revoked=True)
    await world.until(lambda: world.list_of() == BARE, within=3)
    await world.rest()
    assert world.state() == "Revoked"
    assert world.in_azure() == "0/1"
    world.regrant(revoked=None)
    await world.rest()
    assert world.state() == "Active"


@simulated
async def test_threat_13_an_edited_target_ref_moves_the_access(world: World) -> None:
    for name in ("weu", "neu"):
        world.cluster(name)
        world.target(name)
    world.grant()
    await world.start()
    await world.rest()
    world.regrant(targetRef={"name": "neu"})
    await world.rest()
    assert world.list_of("weu") == BARE
    assert world.list_of("neu") == {*BARE, LAPTOP}
    assert world.state() == "Active"
    world.ungrant()
    await world.rest()
    assert world.gone()


@simulated
async def test_i9_a_grant_moved_away_and_deleted_waits_for_the_old_target(world: World) -> None:
    world.cluster("weu")
    world.target("weu")
    world.grant()
    await world.start()
    await world.rest()
    world.azure.cluster(world.puts()[0].key).busy(600)
    world.regrant(targetRef={"name": "elsewhere"})
    world.ungrant()
    await world.advance(300)
    assert not world.gone()
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE


@simulated
async def test_i3_a_relabelled_target_loses_its_grants(world: World) -> None:
    world.cluster()
    world.target(labels={"tier": "dev"})
    world.grant(targetSelector={"matchLabels": {"tier": "dev"}})
    await world.start()
    await world.rest()
    assert LAPTOP in (world.list_of() or ())
    world.mark(Kind.TARGET, "weu", labels={"tier": "prod"})
    await world.until(lambda: world.list_of() == BARE, within=5)
    await world.rest()
    assert world.state() == "TargetNotFound"
    world.ungrant()
    await world.rest()
    assert world.gone()


@simulated
async def test_i3_a_relabelled_namespace_loses_its_access(world: World) -> None:
    world.cluster()
    world.api.create_namespace("team-c", labels={"access": "yes"})
    chosen = {"from": "Selector", "selector": {"matchLabels": {"access": "yes"}}}
    world.target(policy={"allowedNamespaces": chosen, "allowPermanent": True})
    world.grant(namespace="team-c")
    await world.start()
    await world.rest()
    assert LAPTOP in (world.list_of() or ())
    world.mark(Kind.NAMESPACE, "team-c", labels={"access": None})
    await world.until(lambda: world.list_of() == BARE, within=5)
    await world.rest()
    assert world.state(namespace="team-c") == "NamespaceNotAllowed"


@pytest.mark.parametrize(
    "policy",
    [
        {"deniedRanges": ["81.2.69.0/24"]},
        {"allowedRanges": ["20.50.0.0/16"]},
        {"requireTicket": True},
        {"allowPermanent": None},
    ],
)
@simulated
async def test_i3_a_tightened_policy_revokes(world: World, policy: dict[str, object]) -> None:
    await programmed(world)
    await world.rest()
    full = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True, **policy}
    world.retarget(policy={name: value for name, value in full.items() if value is not None})
    await world.until(lambda: world.list_of() == BARE, within=5)
    await world.rest()
    assert world.state() == "PolicyDenied"
    assert world.in_azure() == "0/1"


@simulated
async def test_an_edited_and_a_deleted_set(world: World) -> None:
    world.cluster()
    world.target()
    world.range_set("home", "81.2.70.0/28", "81.2.71.0/28")
    world.grant(rangeSetRefs=[{"name": "home"}])
    await world.start()
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.70.0/28", "81.2.71.0/28"}
    world.range_set("home", "81.2.70.0/28", "81.2.72.0/28")
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.70.0/28", "81.2.72.0/28"}
    world.api.delete(Kind.RANGE_SET, "home")
    await world.rest()
    assert world.list_of() == BARE
    assert world.state() == "RangeSetNotResolved"


@simulated
async def test_an_entry_stays_while_anybody_needs_it(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("one", expiresAt=world.at(hours=1))
    world.grant("two", expiresAt=world.at(hours=2), namespace="team-b")
    await world.start()
    await world.rest()
    await world.advance(3700 - world.now)
    assert LAPTOP in (world.list_of() or ())
    assert world.state("one") == "Expired"
    assert world.state("two", namespace="team-b") == "Active"
    assert len(world.puts()) == 1
    message = condition(world.status("one"), "Ready")["message"]
    assert "still" in message
    await world.advance(7300 - world.now)
    assert world.list_of() == BARE


@simulated
async def test_a_wider_entry_does_not_keep_ours(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("wide", "81.2.69.0/24")
    world.grant("narrow", "81.2.69.142", expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.69.0/24", LAPTOP}
    await world.advance(hours=2)
    assert world.list_of() == {*BARE, "81.2.69.0/24"}
    assert world.state("narrow") == "Expired"
    assert "81.2.69.0/24" in condition(world.status("narrow"), "Ready")["message"]


@simulated
async def test_a_grant_for_a_foreign_entry_does_not_take_it_along(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("laptop", FOREIGN)
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    world.ungrant()
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE


@simulated
async def test_a_deleted_namespace_is_empty_after_its_access_ended(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("one", "81.2.69.1")
    world.grant("two", "81.2.69.2")
    await world.start()
    await world.rest()
    world.api.delete_namespace("team-a")
    await world.until(lambda: world.list_of() == BARE, within=10)
    assert world.api.find(Kind.NAMESPACE, "team-a") is not None
    await world.rest()
    assert world.api.find(Kind.NAMESPACE, "team-a") is None
    assert len(world.puts()) == 2


@simulated
async def test_i8_a_grant_forced_away_is_confirmed_and_revoked(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.process.watch.lose = lambda kind, event, name: event == "deleted"
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")
    await world.advance(minutes=25)
    await world.rest()
    assert world.list_of() == BARE
    assert world.audit.of(LAPTOP)[-1] == ("Revoked", "Vanished")


@simulated
async def test_a_grant_forced_away_while_nobody_looked_is_revoked(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")
    await world.start()
    await world.rest()
    assert world.list_of() == BARE


@pytest.mark.parametrize("seed", range(6))
def test_many_come_and_go_at_once(seed: int) -> None:
    async def scenario(world: World) -> None:
        world.cluster()
        world.target()
        await world.start()
        for number in range(10):
            world.grant(f"g{number}", f"81.2.69.{number}")
        await world.advance(30)
        for number in range(0, 10, 2):
            world.ungrant(f"g{number}")
        for number in range(10, 15):
            world.grant(f"g{number}", f"81.2.69.{number}")
        await world.rest()
        kept = {f"81.2.69.{number}/32" for number in (1, 3, 5, 7, 9, 10, 11, 12, 13, 14)}
        assert world.list_of() == BARE | kept
        assert all(world.gone(f"g{number}") for number in range(0, 10, 2))
        assert len(world.puts()) <= 3

    play(scenario, seed=seed)

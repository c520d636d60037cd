"""Which of several targets holds a cluster, and how a cluster goes from one name to another."""

import pytest

from aks_access.engine.fakes.kube import Raw, metadata_of
from aks_access.engine.ports import Kind
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, programmed
from tests.sim.world import OFFICE, World, resource_id


def backdate(world: World, target: str) -> None:
    """Make a target the oldest of all: what a restore does to one that it brings back first."""

    def change(raw: Raw) -> None:
        metadata_of(raw)["creationTimestamp"] = "2020-01-01T00:00:00Z"

    world.api.edit(Kind.TARGET, target, change=change)


@simulated
async def test_threat_03_of_two_targets_for_one_cluster_the_first_stays(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.target("second", cluster="weu", resourceId=resource_id("weu").upper())
    world.grant("by-second", "81.2.69.9", target="second")
    await world.rest()
    assert world.target_state("second") == "DuplicateTarget"
    assert world.target_state() == "InSync"
    assert world.state("by-second") == "TargetBlocked"
    assert world.list_of() == {*BARE, LAPTOP}
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.target_state("second") == "InSync"
    assert world.list_of() == {*BARE, "81.2.69.9/32"}
    world.untarget("second")
    await world.rest()
    assert world.target_gone("second")
    assert world.list_of() == BARE


@simulated
async def test_a_duplicate_may_be_deleted(world: World) -> None:
    world.cluster()
    world.target()
    world.target("second", cluster="weu")
    await world.start()
    await world.rest()
    loser = "second" if world.target_state("second") == "DuplicateTarget" else "weu"
    world.untarget(loser)
    await world.rest()
    assert world.target_gone(loser)
    assert len(world.puts()) == 1


@simulated
async def test_threat_03_the_target_that_holds_the_ledger_stays_though_another_looks_older(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.target("second", cluster="weu")
    await world.rest()
    world.kill()
    backdate(world, "second")
    puts = len(world.puts())
    await world.start()
    await world.rest()
    assert (world.target_state(), world.target_state("second")) == ("InSync", "DuplicateTarget")
    assert world.ledger().target_name == "weu"
    assert world.state() == "Active"
    assert len(world.puts()) == puts


@simulated
async def test_threat_03_the_ledger_knows_its_target_by_name_when_a_restore_made_all_anew(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.TARGET, "weu")
    world.target("second", cluster="weu")
    world.target()
    backdate(world, "second")
    await world.start()
    await world.rest()
    assert (world.target_state(), world.target_state("second")) == ("InSync", "DuplicateTarget")
    assert world.state() == "Active"
    assert world.list_of() == {*BARE, LAPTOP}


@pytest.mark.parametrize("policy", ["Revoke", "Detach"])
@simulated
async def test_threat_03_a_renamed_target_holds_what_its_own_grants_ask_for(
    world: World, policy: str
) -> None:
    world.cluster()
    world.target(deletionPolicy=policy)
    world.grant("ending", "81.2.69.9")
    world.grant()
    await world.start()
    await world.rest()
    world.untarget()
    await world.rest()
    left = {"81.2.69.9/32", LAPTOP} if policy == "Detach" else set()
    assert world.target_gone()
    assert world.list_of() == {*BARE, *left}
    world.target("renamed", cluster="weu")
    world.regrant(targetRef={"name": "renamed"})
    await world.rest()
    assert world.target_state("renamed") == "InSync"
    assert world.ledger().target_name == "renamed"
    assert world.state("ending") == "TargetNotFound"
    assert world.list_of() == {*BARE, LAPTOP, *left}
    world.ungrant()
    world.ungrant("ending")
    await world.rest()
    assert world.list_of() == {*BARE, *left}, "what was left behind is somebody else's"


@simulated
async def test_threat_03_a_target_renamed_in_one_apply_hands_its_cluster_over(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.target("renamed", cluster="weu")
    world.regrant(targetRef={"name": "renamed"})
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.target_state("renamed") == "InSync"
    assert world.ledger().target_name == "renamed"
    assert world.state() == "Active"
    assert world.list_of() == {*BARE, LAPTOP}
    world.ungrant()
    await world.rest()
    assert world.list_of() == BARE
    assert world.owned() == {OFFICE}


@simulated
async def test_a_target_made_anew_whose_first_end_was_not_seen_stops_nothing(world: World) -> None:
    """Until the next list the operator knows two targets of one name."""
    await programmed(world)
    await world.rest()
    watch = world.process.watch
    world.api._watches.remove(watch)
    world.api.force_delete(Kind.TARGET, "weu")
    world.api._watches.append(watch)
    world.target()
    world.regrant(revoked=True)
    await world.until(lambda: world.list_of() == BARE, within=120)
    await world.rest()
    assert world.target_state() == "InSync"

"""What each mode may do, what others do to the list, and what is never done."""

from dataclasses import replace

import pytest

from aks_access.engine.ports import Kind
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of, simulated

LAPTOP = "81.2.69.142/32"
BARE = {FOREIGN, OFFICE}


@simulated
async def test_observe_writes_nothing_to_azure_ledgers_or_grants(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(duration="1h")
    await world.start()
    await world.advance(hours=3)
    assert not world.tried()
    assert not world.ledgers.saves
    assert not world.activations.recorded
    assert {w.method for w in world.objects.writes} == {"patch_status"}
    assert (world.state(), world.in_azure()) == ("Observed", "0/1")
    assert world.target_state() == "Observing"
    summary = world.target_status()["summary"]
    assert summary["difference"] == "+2"
    assert FOREIGN in condition(world.target_status(), "Ready")["message"]


@simulated
async def test_an_observed_grant_ends_as_expired(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.advance(hours=2)
    assert world.state() == "Expired"
    await world.advance(hours=24)
    assert world.gone()


@simulated
async def test_threat_14_observe_to_merge_and_back_leaves_owned_entries_owned(world: World) -> None:
    world.cluster()
    world.target(mode="Observe")
    world.grant(expiresAt=world.at(hours=3))
    await world.start()
    await world.rest()
    world.retarget(mode="Merge")
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    world.retarget(mode="Observe")
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.owned() == {OFFICE, LAPTOP}
    await world.advance(hours=3)
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    assert world.state() == "RevocationOverdue"
    world.retarget(mode="Merge")
    await world.rest()
    assert world.list_of() == BARE
    assert world.state() == "Expired"
    assert world.target_state() == "InSync"


@simulated
async def test_exclusive_removes_what_is_not_wanted(world: World) -> None:
    world.cluster(ranges=(FOREIGN, "AzureCloud", "198.41.1.0/24"))
    world.target(mode="Exclusive")
    world.grant()
    await world.start()
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
    assert len(world.puts()) == 1
    world.azure.cluster(world.puts()[0].key).set_by_others([OFFICE, LAPTOP, "198.41.2.0/24"])
    await world.advance(minutes=15)
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}


@simulated
async def test_what_a_grant_asks_for_is_not_cut_off_while_exclusive_takes_over(
    world: World,
) -> None:
    world.cluster(ranges=(FOREIGN, LAPTOP))
    world.target(mode="Exclusive")
    world.grant()
    await world.start()
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
    assert all(LAPTOP in (request.sent or ()) for request in world.puts())
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    world.grant("office", OFFICE)
    await world.rest()
    assert world.list_of() == {"51.141.0.0/24", OFFICE, LAPTOP}
    assert all(LAPTOP in (request.sent or ()) for request in world.puts())


@simulated
async def test_i2_merge_keeps_foreign_entries_as_they_are_written(world: World) -> None:
    cluster = world.cluster(ranges=("AzureCloud", "198.41.0.4", "not-an-address"))
    cluster.ranges = ("AzureCloud", "198.41.0.4", "not-an-address")
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    sent = world.puts()[0].sent or ()
    assert {"AzureCloud", "not-an-address"} <= set(sent)
    assert world.list_of() == {"AzureCloud", "198.41.0.4/32", "not-an-address", OFFICE, LAPTOP}


@simulated
async def test_threat_11_what_others_add_or_remove_meanwhile_is_theirs(world: World) -> None:
    cluster = world.cluster(ranges=(FOREIGN, "198.41.1.0/24"))
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    cluster.set_by_others({FOREIGN, OFFICE, LAPTOP, "198.41.9.0/24"})
    await world.advance(minutes=11)
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, "198.41.9.0/24"}


@simulated
async def test_threat_01_a_withdrawn_entry_that_returns_is_removed_again(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.advance(hours=2)
    assert world.list_of() == BARE
    cluster.set_by_others({*BARE, LAPTOP})
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == BARE
    assert "WithdrawnEntryReturned" in world.events.reasons("weu")


@simulated
async def test_an_entry_of_ours_that_somebody_removes_goes_back(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    cluster.set_by_others(BARE)
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    assert "DriftCorrected" in world.events.reasons("weu")


@simulated
async def test_i12_a_cleared_list_goes_back_less_what_has_ended(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant("short", "81.2.69.1", expiresAt=world.at(hours=1))
    world.grant()
    await world.start()
    await world.rest()
    world.kill()
    cluster.set_by_others(None)
    await world.advance(hours=2)
    await world.start()
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    assert "ListRestored" in world.events.reasons("weu")
    assert world.state("short") == "Expired"


@simulated
async def test_threat_05_a_cleared_list_goes_back_while_nobody_else_asks_for_anything(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    cluster.set_by_others(None)
    took = await world.until(lambda: world.list_of() == BARE, within=700)
    assert took <= 615


@pytest.mark.parametrize(
    "wide", [("0.0.0.0/1",), tuple(f"{first}.0.0.0/6" for first in range(16, 96, 4))]
)
@simulated
async def test_i12_a_cleared_list_goes_back_however_wide_others_made_it(
    world: World, wide: tuple[str, ...]
) -> None:
    cluster = world.cluster(ranges=(*wide, FOREIGN))
    world.target()
    await world.start()
    await world.rest()
    cluster.set_by_others(None)
    await world.until(lambda: world.list_of() == {*BARE, *wide}, within=700)


@simulated
async def test_a_list_that_was_cleared_while_suspended_goes_back_afterwards(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    cluster.set_by_others(None)
    await world.advance(hours=2)
    assert world.list_of() is None
    world.retarget(suspend=None)
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i12_a_suspended_target_waits_with_its_deletion_while_the_list_is_cleared(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    cluster.set_by_others(None)
    await world.advance(minutes=20)
    world.untarget()
    await world.advance(hours=1)
    assert not world.target_gone()
    assert world.list_of() is None
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == BARE


@pytest.mark.parametrize("policy", ["Revoke", "Detach"])
@pytest.mark.parametrize("forgotten", [False, True])
@simulated
async def test_i9_a_target_whose_spec_became_unusable_goes_as_it_last_said(
    world: World, policy: str, forgotten: bool
) -> None:
    world.cluster()
    world.target(deletionPolicy=policy)
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(mode="Nonsense", deletionPolicy=None if forgotten else policy)
    await world.rest()
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == ({*BARE, LAPTOP} if policy == "Detach" else BARE)


@simulated
async def test_i9_what_an_unusable_spec_says_of_its_deletion_comes_before_what_it_said(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(mode="Nonsense", deletionPolicy="Detach")
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i9_a_target_of_which_nobody_knows_how_to_go_says_what_it_waits_for(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.kill()
    world.retarget(mode="Nonsense")
    books = await world.ledgers.load(key=key_of("weu"))
    assert books is not None
    await world.ledgers.save(ledger=replace(books, deletion_policy=""))
    await world.start()
    world.untarget()
    await world.advance(hours=1)
    assert world.list_of() == {*BARE, LAPTOP}
    assert condition(world.target_status(), "Ready")["message"].endswith(
        "nothing says what becomes of its entries: set spec.deletionPolicy to Revoke or Detach."
    )
    world.retarget(deletionPolicy="Revoke")
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == BARE


@simulated
async def test_i12_a_suspended_target_waits_with_its_deletion_when_its_spec_is_unusable(
    world: World,
) -> None:
    world.cluster()
    world.target(suspend=True)
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(mode="Nonsense")
    world.untarget()
    await world.advance(hours=1)
    assert not world.target_gone()
    assert not world.tried()


@simulated
async def test_a_suspended_target_that_is_detached_does_not_wait(world: World) -> None:
    world.cluster()
    world.target(deletionPolicy="Detach")
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}


@simulated
async def test_i12_an_open_cluster_is_not_closed_without_opt_in(world: World) -> None:
    world.cluster(ranges=None)
    world.target()
    world.grant()
    await world.start()
    await world.advance(hours=3)
    assert not world.tried()
    assert world.target_state() == "ClusterUnrestricted"
    assert world.state() == "ClusterUnrestricted"
    assert world.target_status()["summary"]["entries"] == "open"
    world.retarget(restrictUnrestricted=True)
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}
    assert world.state() == "Active"


@simulated
async def test_an_open_cluster_needs_a_baseline_to_be_closed(world: World) -> None:
    world.cluster(ranges=None)
    world.target(restrictUnrestricted=True, baseline=None)
    world.grant()
    await world.start()
    await world.advance(hours=1)
    assert not world.tried()


@simulated
async def test_the_last_grant_gone_leaves_the_sentinel_where_that_locks_nobody_out(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target(baseline=None)
    world.grant()
    await world.start()
    await world.rest()
    cluster.set_by_others({LAPTOP})
    await world.advance(minutes=11)
    world.ungrant()
    await world.rest()
    assert world.list_of() == {"0.0.0.0/32"}
    assert world.gone()
    assert world.target_state() == "InSync"
    world.grant("again", "81.2.69.7")
    await world.rest()
    assert world.list_of() == {"81.2.69.7/32"}


@simulated
async def test_a_grant_that_could_not_be_taken_out_is_not_let_in(world: World) -> None:
    world.cluster(outbound_type="userDefinedRouting", ranges=None)
    world.cluster("neu", outbound_type="userDefinedRouting", ranges=("0.0.0.0/32",))
    world.target(baseline=None)
    world.target("neu", baseline=None)
    world.grant("one")
    world.grant("two", target="neu")
    await world.start()
    await world.advance(hours=1)
    assert not world.tried()
    assert not world.tried("neu")
    assert world.state("two") == "NotRevocable"


@simulated
async def test_the_last_entry_stays_where_nothing_else_may_stand(world: World) -> None:
    cluster = world.cluster(outbound_type="userDefinedRouting")
    world.target(baseline=None)
    world.grant()
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    cluster.set_by_others({LAPTOP})
    await world.advance(minutes=11)
    world.regrant(revoked=True)
    await world.advance(hours=1)
    assert world.list_of() == {LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    world.retarget(baseline={"ipRanges": [OFFICE]})
    await world.rest()
    assert world.list_of() == {OFFICE}
    assert world.state() == "Revoked"


@simulated
async def test_i1_exclusive_and_nothing_left_is_the_sentinel_and_never_empty(world: World) -> None:
    world.cluster(vnet_integration=True)
    world.target(mode="Exclusive", baseline=None)
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    assert world.list_of() == {LAPTOP}
    await world.advance(hours=1)
    await world.rest()
    assert world.list_of() == {"0.0.0.0/32"}
    assert world.target_state() == "InSync"


@simulated
async def test_suspended_leaves_everything_and_says_so_loudly_when_due(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    assert world.target_state() == "Suspended"
    assert condition(world.target_status(), "Ready")["status"] == "True"
    world.grant("late", "81.2.69.9")
    await world.rest()
    assert world.state("late") == "Suspended"
    await world.advance(hours=1)
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    assert len(world.tried()) == 1
    world.retarget(suspend=None)
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.69.9/32"}


@simulated
async def test_detach_leaves_the_list_and_names_what_it_leaves(world: World) -> None:
    world.cluster()
    world.target(deletionPolicy="Detach")
    world.grant()
    await world.start()
    await world.rest()
    puts = len(world.tried())
    world.untarget()
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {*BARE, LAPTOP}
    assert len(world.tried()) == puts
    notes = [event.note for event in world.events.posted if event.reason == "Detached"]
    assert len(notes) == 1
    assert LAPTOP in notes[0]
    world.ungrant()
    await world.rest()
    assert world.gone()


@simulated
async def test_a_deleted_target_takes_its_grants_out_and_keeps_the_baseline(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.untarget()
    await world.until(lambda: world.list_of() == BARE, within=5)
    assert not world.target_gone()
    await world.rest()
    assert world.target_gone()
    assert world.ledgers.peek(world.puts()[0].key) is None
    assert world.state() == "TargetNotFound"
    world.ungrant()
    assert not world.gone()
    await world.rest()
    assert world.gone()


@simulated
async def test_threat_11_the_baseline_of_a_target_may_change(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    await world.rest()
    assert world.list_of() == {FOREIGN, "51.141.0.0/24"}
    assert len(world.puts()) == 2


@simulated
async def test_threat_09_a_baseline_set_that_stops_resolving_keeps_its_last_value(
    world: World,
) -> None:
    world.cluster()
    world.range_set("office", "51.141.0.0/24")
    world.target(baseline={"rangeSetRefs": [{"name": "office"}]})
    await world.start()
    await world.rest()
    world.api.delete(Kind.RANGE_SET, "office")
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, "51.141.0.0/24"}
    assert world.target_state() == "RangeSetNotResolved"


@simulated
async def test_i12_a_list_that_was_cleared_in_observe_stays_open(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(mode="Observe")
    await world.rest()
    cluster.set_by_others(None)
    await world.advance(minutes=15)
    assert (world.target_state(), world.list_of()) == ("Observing", None)
    await world.restart()
    world.retarget(mode="Merge")
    await world.rest()
    assert (world.target_state(), world.list_of()) == ("ClusterUnrestricted", None)
    world.retarget(restrictUnrestricted=True)
    await world.rest()
    assert world.list_of() == {OFFICE, LAPTOP}


@simulated
async def test_i8_a_set_that_is_gone_keeps_what_the_egress_named_as_well(world: World) -> None:
    world.cluster(outbound_type="userDefinedRouting")
    world.range_set("office", "51.141.0.9", "51.141.0.77")
    world.target(
        baseline={"rangeSetRefs": [{"name": "office"}]},
        nodeEgress={"mode": "Static", "ipRanges": ["51.141.0.9"]},
    )
    await world.start()
    await world.rest()
    world.api.delete(Kind.RANGE_SET, "office")
    await world.rest()
    world.retarget(nodeEgress={"mode": "Static", "ipRanges": ["51.141.0.10"]})
    await world.rest()
    assert world.list_of() == {FOREIGN, "51.141.0.9/32", "51.141.0.77/32", "51.141.0.10/32"}
    world.range_set("office", "51.141.0.77")
    await world.rest()
    assert world.list_of() == {FOREIGN, "51.141.0.77/32", "51.141.0.10/32"}

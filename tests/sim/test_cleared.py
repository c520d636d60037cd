"""Somebody clears a list: it goes back whatever trouble it had, and nothing is lost on the way."""

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.errors import AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, programmed
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of

KEY = key_of("weu")
BAD = "51.140.9.0/24"
EIGHT = tuple(f"81.2.70.{number}/32" for number in range(0, 16, 2))
ONE, TWO = "81.2.69.1/32", "81.2.69.2/32"


def clear(world: World) -> None:
    world.azure.cluster(KEY).set_by_others(None)


def ready(world: World) -> str:
    message: str = condition(world.target_status(), "Ready")["message"]
    return message


@pytest.mark.parametrize("odd", ["20.1.2.3/24", "0.0.0.0/0", "Internet", "2001:db8::/32", "20.1/8"])
@simulated
async def test_i12_an_entry_that_may_not_be_sent_keeps_no_list_open(world: World, odd: str) -> None:
    world.cluster(ranges=(FOREIGN, odd))
    world.target()
    await world.start()
    await world.rest()
    clear(world)
    world.expect("I2", because="AKS would not take the entry, or it is everybody's address")
    await world.advance(minutes=15)
    returns = odd == "20.1.2.3/24"
    assert world.list_of() == {FOREIGN, OFFICE} | ({odd} if returns else set())
    (note,) = [e.note for e in world.events.posted if e.reason == "ListRestored"]
    assert (f"Without {odd}, which" in note) is not returns, note


@simulated
async def test_i12_two_halves_of_all_addresses_keep_no_list_open(world: World) -> None:
    world.cluster(ranges=(FOREIGN, "0.0.0.0/1", "128.0.0.0/1"))
    world.target()
    await world.start()
    await world.rest()
    clear(world)
    world.expect("I2", because="both together would be everybody's address")
    await world.advance(minutes=15)
    assert world.list_of() in ({FOREIGN, OFFICE, "0.0.0.0/1"}, {FOREIGN, OFFICE, "128.0.0.0/1"})


@simulated
async def test_i12_a_cleared_list_goes_back_without_the_grant_that_azure_refuses(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant("bad", "81.2.69.1")
    world.grant("good", "81.2.69.2")
    await world.start()
    await world.rest()
    world.azure.cluster(KEY).unacceptable = {ONE}
    clear(world)
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE, TWO}
    assert (world.state("bad"), world.state("good")) == ("RangeRefused", "Active")
    assert not world.ledger().reversals[1:], "what comes back by turns undoes nobody's writes"


@simulated
async def test_i4_a_baseline_that_azure_refuses_keeps_nobody_in(world: World) -> None:
    world.cluster(ranges=("81.2.69.9/32",), unacceptable={BAD})
    world.target(baseline=None)
    world.grant("x", "81.2.69.2", expiresAt=world.at(hours=2))
    await world.start()
    await world.rest()
    world.azure.cluster(KEY).set_by_others([TWO])
    await world.rest()
    world.kill()
    await world.advance(hours=3)
    world.retarget(baseline={"ipRanges": [BAD]})
    await world.start()
    await world.advance(minutes=15)
    assert world.list_of() == {"0.0.0.0/32"}
    assert "grants is to blame" not in ready(world)
    await world.advance(hours=1)
    assert BAD in ready(world)


@simulated
async def test_i8_clearing_the_list_is_no_way_around_an_acknowledgement(world: World) -> None:
    world.cluster()
    world.range_set("home", *[f"81.2.70.{n}" for n in range(0, 20, 2)])
    world.target()
    world.grant(rangeSetRefs=[{"name": "home"}])
    await world.start()
    await world.rest()
    full = world.list_of()
    world.range_set("home", "81.2.70.0")
    await world.rest()
    assert world.target_state() == "MassRemovalHeld"
    clear(world)
    await world.advance(minutes=45)
    assert world.target_state() == "MassRemovalHeld"
    assert world.list_of() == full


@simulated
async def test_i12_a_held_egress_survives_that_the_list_is_cleared(world: World) -> None:
    firewall = "52.0.0.9/32"
    world.cluster(outbound_type="userDefinedRouting")
    world.target(baseline={"ipRanges": [OFFICE, firewall]}, nodeEgress={"mode": "NotNeeded"})
    await world.start()
    await world.rest()
    world.retarget(baseline={"ipRanges": [OFFICE]}, nodeEgress={"mode": "Auto"})
    await world.rest()
    assert world.target_state() == "NodeEgressUnknown"
    clear(world)
    await world.advance(minutes=45)
    assert firewall in (world.list_of() or ())


@simulated
async def test_i12_a_cleared_list_that_cannot_go_back_is_never_in_sync(world: World) -> None:
    world.cluster(ranges=("0.0.0.0/32",))
    world.target(baseline=None)
    await world.start()
    await world.rest()
    world.azure.cluster(KEY).outbound_type = "userDefinedRouting"
    await world.advance(minutes=30)
    world.expect("I12", because="nothing could be written that cuts no nodes off")
    clear(world)
    await world.advance(minutes=30)
    assert world.target_state() == "ClusterUnrestricted"
    assert "nothing is left to put back" in ready(world)
    world.retarget(baseline={"ipRanges": [OFFICE]}, nodeEgress={"mode": "NotNeeded"})
    await world.rest()
    assert world.list_of() == {OFFICE}


@simulated
async def test_i12_who_clears_a_suspended_targets_list_is_told_and_it_goes_back(
    world: World,
) -> None:
    world.cluster()
    world.target(suspend=True)
    world.retarget(suspend=None)
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    clear(world)
    await world.advance(minutes=15)
    assert "it goes back when spec.suspend is taken out" in ready(world)
    world.retarget(suspend=None)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i12_a_list_is_put_back_as_soon_as_azure_takes_it_again(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    fault = world.azure.faults.plan(
        "put_ranges", azure_error(AzureFault.UNCERTAIN, 503, "ServerError"), times=None
    )
    clear(world)
    await world.advance(hours=1)
    world.azure.faults.lift(fault)
    took = await world.until(lambda: world.list_of() == {FOREIGN, OFFICE}, within=900.0)
    assert took <= 65.0


@pytest.mark.parametrize("change", [{"mode": "Exclusive", "baseline": None}, {"baseline": None}])
@simulated
async def test_i3_what_makes_grants_revocable_stays_while_there_are_any(
    world: World, change: dict[str, object]
) -> None:
    foreign = (FOREIGN,) if "mode" in change else ()
    world.cluster(ranges=(*foreign, OFFICE), outbound_type="userDefinedRouting")
    world.target(nodeEgress={"mode": "NotNeeded"})
    world.grant("x", "81.2.69.1", expiresAt=world.at(hours=3))
    await world.start()
    await world.rest()
    world.retarget(**change)
    await world.rest()
    assert world.target_state() == "NotRevocable"
    await world.advance(hours=4)
    assert ONE not in (world.list_of() or {ONE})
    assert world.state("x") == "Expired"


@simulated
async def test_i12_a_list_that_let_everyone_in_is_not_put_back(world: World) -> None:
    world.cluster(ranges=("0.0.0.0/0",))
    world.target(baseline=None)
    await world.start()
    await world.rest()
    world.expect("I12", because="the list let everyone in as well")
    clear(world)
    await world.advance(minutes=30)
    assert world.list_of() is None
    assert "nothing of it may be sent again: put every client's egress in baseline" in ready(world)


async def grown(world: World, *ranges: str) -> None:
    """A grant's range set grows by a range that AKS refuses; nothing is known of that yet."""
    world.cluster(unacceptable={BAD})
    world.range_set("home", *ranges)
    world.target()
    world.grant(rangeSetRefs=[{"name": "home"}])
    await world.start()
    await world.rest()
    world.range_set("home", *ranges, BAD)


@pytest.mark.parametrize(
    ("taken", "back"),
    [(None, EIGHT), (EIGHT[:1], EIGHT[1:]), (EIGHT, ())],
    ids=["cleared", "one taken out", "all taken out"],
)
@simulated
async def test_i12_what_a_refused_grant_holds_goes_back_with_a_whole_list_alone(
    world: World, taken: tuple[str, ...] | None, back: tuple[str, ...]
) -> None:
    await grown(world, *EIGHT)
    await world.rest()
    assert world.target_state() == "MassRemovalHeld"
    full = world.list_of() or set()
    world.azure.cluster(KEY).set_by_others(None if taken is None else sorted(full - {*taken}))
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, OFFICE, *back}
    assert world.state() == ("RevocationPending" if back else "RangeRefused")
    world.range_set("home", *EIGHT)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, *EIGHT}
    assert world.state() == "Active"


@simulated
async def test_i12_a_list_cleared_amid_a_search_goes_back_without_the_grant_that_is_refused(
    world: World,
) -> None:
    await grown(world, *EIGHT)
    await world.until(lambda: world.target_state() == "WriteRefused")
    clear(world)
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, OFFICE}
    assert (world.state(), world.target_state()) == ("RangeRefused", "InSync")
    world.range_set("home", *EIGHT)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, *EIGHT}


@simulated
async def test_i3_a_few_entries_of_a_refused_grant_go_at_once(world: World) -> None:
    await grown(world, *EIGHT[:5])
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.state() == "RangeRefused"


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
    cluster = await programmed(world)
    await world.rest()
    world.retarget(suspend=True)
    await world.rest()
    cluster.set_by_others(None)
    await world.advance(hours=2)
    assert world.list_of() is None
    world.retarget(suspend=None)
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}

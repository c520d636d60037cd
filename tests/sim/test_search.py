"""Ranges that AKS refuses: found with few tries, remembered, and never blamed on somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from aks_access.engine.fakes.cluster import SimCluster, azure_error
from aks_access.errors import AzureFault, KubeError
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, refusals
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of, resource_id

BAD = "81.2.69.66/32"


@dataclass(slots=True)
class _Reformed(SimCluster):
    """A cluster whose list holds an entry that AKS took once, and takes no more."""

    picky: bool = False

    def _refuse(self, *, etag: str | None, ranges: Sequence[str]) -> None:
        self.unacceptable = {FOREIGN} if self.picky else set()
        super(_Reformed, self)._refuse(etag=etag, ranges=ranges)


@pytest.mark.parametrize(("grants", "place"), [(60, 0), (60, 31), (150, 149)])
@simulated
async def test_i4_one_culprit_of_many_is_known_after_a_dozen_writes(
    world: World, grants: int, place: int
) -> None:
    world.cluster(unacceptable={f"81.2.69.{place}/32"})
    world.target()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    for number in range(grants):
        world.grant(f"g{number}", f"81.2.69.{number}")
    world.process.watch.held = False
    tried = len(world.tried())
    took = await world.until(lambda: world.state(f"g{place}") == "RangeRefused")
    assert len(world.tried()) - tried <= 10
    assert took <= 15 * 60
    await world.rest()
    assert len(world.list_of() or ()) == 2 + grants - 1
    assert refusals(world) <= 9
    tries = len(world.tried())
    await world.advance(hours=24)
    assert len(world.tried()) == tries, "it is remembered"


@pytest.mark.parametrize("when", [1, 2, 3, 4, 5, 6])
@simulated
async def test_i4_the_search_survives_a_restart_at_any_write(world: World, when: int) -> None:
    world.cluster(unacceptable={BAD})
    world.target()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    for number in range(60, 76):
        world.grant(f"g{number}", f"81.2.69.{number}")
    world.process.watch.held = False
    tried = len(world.tried())
    await world.until(lambda: len(world.tried()) >= tried + when)
    await world.restart()
    await world.until(lambda: world.state("g66") == "RangeRefused")
    await world.rest()
    assert len(world.tried()) - tried <= 10
    await world.restart()
    await world.rest()
    assert world.list_of() == {
        FOREIGN,
        OFFICE,
        *(f"81.2.69.{n}/32" for n in range(60, 76) if n != 66),
    }
    refused = refusals(world)
    await world.advance(hours=2)
    assert refusals(world) == refused


@simulated
async def test_i4_many_culprits_do_not_drain_the_bucket(world: World) -> None:
    bad = {f"81.2.69.{n}/32" for n in range(0, 16, 2)}
    world.cluster(unacceptable=bad)
    world.target()
    world.grant("ending", LAPTOP, expiresAt=world.at(hours=2))
    await world.start()
    await world.rest()
    for number in range(16):
        world.grant(f"g{number}", f"81.2.69.{number}")
    await world.advance(hours=1)
    first = refusals(world)
    assert first <= 12 + 3
    await world.advance(hours=1)
    assert LAPTOP not in (world.list_of() or ()) or world.clock.now().second < 5
    await world.advance(hours=4)
    assert refusals(world) - first <= 5 * 3 + 1
    assert not [r for r in world.tried() if r.result == "Throttled"]
    await world.advance(hours=12)
    assert {world.state(f"g{n}") for n in range(0, 16, 2)} == {"RangeRefused"}
    assert {world.state(f"g{n}") for n in range(1, 16, 2)} == {"Active"}


@simulated
async def test_threat_15_a_foreign_entry_is_not_blamed_on_the_newest_grant(world: World) -> None:
    cluster = _Reformed(resource_id=resource_id("weu"), ranges=(FOREIGN,))
    world.azure.add(cluster)
    world.target()
    await world.start()
    await world.rest()
    cluster.picky = True
    world.grant("new", LAPTOP)
    await world.until(lambda: world.target_state() == "WriteRefused")
    await world.rest()
    assert world.target_state() == "WriteRefused"
    message = condition(world.target_status(), "Ready")["message"]
    assert f"It names {FOREIGN}, which is not ours" in message
    assert world.state("new") == "TargetBlocked"
    tries = len(world.tried())
    await world.restart()
    await world.advance(hours=3)
    assert len(world.tried()) - tries <= 3 * 3 * 2
    assert world.state("new") == "TargetBlocked"
    cluster.set_by_others([OFFICE])
    await world.until(lambda: world.state("new") == "Active", within=900)
    assert world.ledger().search is None


@simulated
async def test_threat_15_removals_go_on_being_tried_while_a_foreign_entry_is_refused(
    world: World,
) -> None:
    world.expect("I4", because="AKS refuses the list without additions as well")
    cluster = _Reformed(resource_id=resource_id("weu"), ranges=(FOREIGN,))
    world.azure.add(cluster)
    world.target()
    world.grant("leaving", LAPTOP)
    await world.start()
    await world.rest()
    cluster.picky = True
    world.grant("new", "81.2.69.1")
    world.ungrant("leaving")
    await world.advance(minutes=20)
    assert world.target_state() == "RevocationOverdue"
    cluster.picky = False
    took = await world.until(lambda: LAPTOP not in (world.list_of() or ()))
    assert took <= 65.0
    await world.until(lambda: world.state("new") == "Active")


@simulated
async def test_i4_a_grant_that_changed_is_tried_again_and_paced(world: World) -> None:
    world.cluster(unacceptable={f"81.2.69.{n}/32" for n in range(100)})
    world.target()
    world.grant("bad", "81.2.69.0")
    await world.start()
    await world.rest()
    assert world.state("bad") == "RangeRefused"
    for number in range(1, 60):
        world.regrant("bad", ipRanges=[f"81.2.69.{number}"])
        await world.advance(minutes=2)
    assert refusals(world) <= 12 + 2 * 3 + 1
    world.grant("good", LAPTOP)
    took = await world.until(lambda: world.state("good") == "Active")
    assert took <= 300.0
    world.regrant("bad", ipRanges=["81.2.69.200"])
    await world.until(lambda: world.state("bad") == "Active", within=1500)
    await world.rest()
    assert world.ledger().refused == {}


@simulated
async def test_i4_a_suspect_that_is_mended_meanwhile_is_not_blamed(world: World) -> None:
    world.cluster(unacceptable={BAD})
    world.target()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    for number in range(60, 68):
        world.grant(f"g{number}", f"81.2.69.{number}")
    world.process.watch.held = False
    await world.until(lambda: refusals(world) > 0)
    await world.advance(minutes=2)
    world.regrant("g66", ipRanges=["81.2.69.200"])
    await world.rest()
    assert {world.state(f"g{n}") for n in range(60, 68)} == {"Active"}


@pytest.mark.parametrize("what", ["finalizer", "activation"])
@simulated
async def test_i4_a_grant_that_cannot_be_prepared_holds_no_search_up(
    world: World, what: str
) -> None:
    world.cluster(unacceptable={BAD})
    world.target()
    await world.start()
    await world.rest()
    if what == "finalizer":
        denied = KubeError("denied by a webhook")
        world.objects.faults.plan("add_finalizer", denied, times=None, about="stuck")
    else:
        full = KubeError("the ConfigMap cannot be used")
        world.activations.faults.plan("record", full, times=None)
    world.process.watch.held = True
    world.grant("bad", BAD)
    world.grant("stuck", "81.2.69.7", namespace="team-b", duration="8h")
    world.grant("good", LAPTOP)
    world.process.watch.held = False
    await world.until(lambda: world.state("bad") == "RangeRefused")
    await world.until(lambda: world.state("good") == "Active", within=300)
    assert world.ledger().search is None
    world.grant("later", "81.2.71.1")
    await world.until(lambda: world.state("later") == "Active", within=300)
    assert world.state("stuck", namespace="team-b") != "Active"
    assert refusals(world) <= 2


@simulated
async def test_i4_whoever_takes_a_suspects_range_out_at_once_holds_no_search_up(
    world: World,
) -> None:
    world.cluster(unacceptable={BAD})
    world.target()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    world.grant("fought", "81.2.69.7")
    world.grant("bad", BAD)
    world.grant("good", LAPTOP, namespace="team-b")
    world.process.watch.held = False
    cluster = world.azure.cluster(key_of("weu"))

    def settled() -> bool:
        if "81.2.69.7/32" in (cluster.ranges or ()):
            cluster.set_by_others([e for e in cluster.ranges or () if e != "81.2.69.7/32"])
        return world.state("good", namespace="team-b") == "Active"

    await world.until(settled)
    assert world.state("bad") == "RangeRefused"


@simulated
async def test_i4_who_changes_the_list_after_each_write_of_ours_holds_no_search_up(
    world: World,
) -> None:
    world.cluster(unacceptable={BAD})
    world.target()
    await world.start()
    await world.rest()
    cluster = world.azure.cluster(key_of("weu"))
    world.grant("bad", BAD)
    world.grant("good", LAPTOP, namespace="team-b")
    await world.until(lambda: refusals(world) > 0)
    written, others = len(world.puts()), list(cluster.ranges or ())

    def let_in() -> bool:
        nonlocal written
        if len(world.puts()) > written and world.ledger().search is not None:
            written = len(world.puts())
            cluster.set_by_others([*others, f"30.1.0.{written}/32"])
        return world.state("good", namespace="team-b") == "Active"

    await world.until(let_in)
    assert world.state("bad") == "RangeRefused"


@simulated
async def test_i4_what_falls_due_amid_a_search_goes_alone_once_it_was_refused(
    world: World,
) -> None:
    """The oracle sees to it that the removal is not sent again beside others of the suspects."""
    world.cluster(unacceptable={BAD})
    world.target()
    world.grant("leaving", LAPTOP)
    await world.start()
    await world.rest()
    world.process.watch.held = True
    for number in range(66, 74):
        world.grant(f"g{number}", f"81.2.69.{number}", namespace="team-b")
    world.process.watch.held = False
    await world.until(lambda: refusals(world) > 0)
    await world.advance(2)
    world.ungrant("leaving")
    await world.until(lambda: LAPTOP not in (world.list_of() or ()))
    assert refusals(world) == 2
    await world.rest()
    assert world.state("g66", namespace="team-b") == "RangeRefused"


@simulated
async def test_i4_a_range_that_azure_refuses_delays_nobody(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    world.grant("leaving")
    world.grant("staying", "81.2.69.1")
    await world.start()
    await world.rest()
    world.ungrant("leaving")
    world.grant("good", "81.2.69.2")
    world.grant("bad", "81.2.69.66")
    await world.until(lambda: LAPTOP not in (world.list_of() or ()), within=10)
    await world.rest()
    assert world.gone("leaving")
    assert world.list_of() == {*BARE, "81.2.69.1/32", "81.2.69.2/32"}
    assert world.state("bad") == "RangeRefused"
    assert world.state("good") == "Active"
    refused = [r for r in world.tried() if r.result == "Invalid"]
    assert len(refused) <= 3
    tries = len(world.tried())
    await world.advance(hours=5)
    assert len(world.tried()) == tries
    world.regrant("bad", ipRanges=["81.2.69.3"])
    await world.rest()
    assert world.state("bad") == "Active"


@simulated
async def test_i4_a_culprit_is_found_where_an_earlier_answer_was_lost(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    await world.start()
    await world.rest()
    lost = azure_error(AzureFault.UNCERTAIN, 504, "GatewayTimeout")
    world.azure.faults.plan("put_ranges", lost)
    tries = len(world.tried())
    world.grant("good", "81.2.69.2")
    world.grant("bad", "81.2.69.66")
    await world.rest()
    assert world.state("bad") == "RangeRefused"
    assert world.state("good") == "Active"
    assert len(world.tried()) - tries <= 5


@simulated
async def test_the_oldest_of_several_is_not_blamed_for_the_newest(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    await world.start()
    await world.rest()
    for number in range(6):
        world.grant(f"good-{number}", f"81.2.69.{number}")
        await world.advance(0.5)
    world.grant("bad", "81.2.69.66")
    await world.rest()
    assert world.state("bad") == "RangeRefused"
    assert {world.state(f"good-{number}") for number in range(6)} == {"Active"}


@simulated
async def test_an_older_culprit_is_found_and_the_others_come_back(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    await world.start()
    await world.rest()
    world.grant("bad", "81.2.69.66")
    await world.advance(0.5)
    for number in range(6):
        world.grant(f"good-{number}", f"81.2.69.{number}")
    await world.advance(hours=6)
    assert world.state("bad") == "RangeRefused"
    assert {world.state(f"good-{number}") for number in range(6)} == {"Active"}


@simulated
async def test_i8_a_search_for_what_azure_refuses_takes_out_nothing_that_stood(
    world: World,
) -> None:
    world.cluster(ranges=[FOREIGN, LAPTOP], unacceptable={"81.2.69.2/32"})
    world.target(mode="Exclusive")
    for number in range(4):
        world.grant(f"new{number}", f"81.2.69.{number}")
    world.grant("laptop", "81.2.69.142", "81.2.69.150")
    await world.start()
    await world.until(lambda: world.state("new2") == "RangeRefused")
    await world.until(lambda: world.state("laptop") == "Active")
    assert len(world.puts()) > 2, "it had to search"
    assert all(LAPTOP in (request.sent or ()) for request in world.puts())

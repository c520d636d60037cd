"""Somebody else changes the list: at rest, or between a look and the write that follows it."""

from aks_access.engine.fakes.cluster import azure_error
from aks_access.errors import AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, OTHER, WANTED, programmed, soon
from tests.sim.world import FOREIGN, OFFICE, World


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
async def test_an_entry_of_ours_that_somebody_removes_goes_back(world: World) -> None:
    cluster = await programmed(world)
    await world.rest()
    cluster.set_by_others(BARE)
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP}
    assert "DriftCorrected" in world.events.reasons("weu")


@simulated
async def test_what_is_applied_while_a_write_is_under_way_gets_its_finalizer_first(
    world: World,
) -> None:
    world.cluster()
    world.target(baseline=None)
    world.azure.latency = 4.0
    world.grant()
    await world.start()
    await world.until(lambda: len(world.gets()) == 2)
    world.grant("late", "81.2.69.1", duration="1h")
    await world.until(lambda: len(world.tried()) == 1)
    raw = world.raw("late")
    assert raw is not None
    inside = "81.2.69.1/32" in (world.tried()[0].sent or ())
    assert not inside or raw["metadata"].get("finalizers")  # type: ignore[attr-defined]
    assert not inside or world.activations.recorded
    await world.rest()
    assert world.state("late") == "Active"


@simulated
async def test_the_etag_that_moves_between_read_and_write(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    world.azure.latency = 2.0
    await world.start()
    for _ in range(20):
        await world.advance(0.5)
        cluster.touch()
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.puts()) == 1


@simulated
async def test_an_entry_that_somebody_adds_while_ours_is_refused_stays_theirs(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    world.azure.faults.plan(
        "put_ranges", azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    )
    world.grant()
    await world.start()
    await world.until(lambda: len(world.tried()) == 1)
    cluster.set_by_others({FOREIGN, LAPTOP})
    await world.advance(minutes=15)
    await world.rest()
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_i2_what_a_stranger_adds_between_the_two_looks_stays_the_strangers(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant("two", "81.2.69.142", "81.2.69.150")
    saves = len(world.ledgers.saves)

    def intended() -> bool:
        return any(ledger.in_flight for _, ledger in world.ledgers.saves[saves:])

    await soon(intended)
    cluster.set_by_others([FOREIGN, OFFICE, LAPTOP])
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP, OTHER}
    assert LAPTOP not in world.owned()
    world.ungrant("two")
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_threat_11_an_entry_that_a_412_lets_us_see_is_the_strangers_who_put_it_in(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant("two", "81.2.69.142", "81.2.69.150")
    gate = world.process.gate
    await soon(lambda: gate.calls[-1] == "put_ranges sent")
    cluster.set_by_others([FOREIGN, OFFICE, LAPTOP])
    await world.rest()
    assert world.tried()[-2].result == AzureFault.CHANGED.value
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP, OTHER}
    assert world.owned() == {OFFICE, OTHER}
    world.ungrant("two")
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_i2_a_cluster_created_again_between_the_two_looks_of_a_write(world: World) -> None:
    await programmed(world)
    await world.rest()
    saves = len(world.ledgers.saves)
    world.regrant(revoked=True)
    await soon(lambda: any(ledger.in_flight for _, ledger in world.ledgers.saves[saves:]))
    world.cluster(resource_uid="cluster-2", ranges=(FOREIGN, LAPTOP))
    await world.advance(minutes=30)
    assert LAPTOP in (world.list_of() or set()), "the new cluster's own entry"

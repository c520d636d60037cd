"""The writes that AKS takes in an hour: enough are left for what is due."""

from datetime import timedelta

from aks_access.engine.ports import Kind
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import World


@simulated
async def test_i4_the_bucket_is_not_emptied_and_revocations_still_find_writes(world: World) -> None:
    world.unpaced()
    world.cluster(operation_seconds=1.0)
    world.target()
    await world.start()
    for number in range(40):
        world.grant(f"g{number}", f"81.2.69.{number}")
        await world.until(lambda: len(world.tried()) > 0)
        await world.advance(50)
    used = [r for r in world.tried() if r.result != "ok"]
    assert not used, "Azure had to throttle"
    assert world.state("g39") in ("Active", "TargetBlocked", "Progressing")
    world.ungrant("g0")
    await world.until(lambda: "81.2.69.0/32" not in (world.list_of() or ()), within=70)
    await world.rest()
    assert all(world.state(f"g{number}") == "Active" for number in range(1, 40))


@simulated
async def test_i4_a_clock_that_was_ahead_leaves_the_write_budget_alone(world: World) -> None:
    world.cluster(operation_seconds=0.5)
    world.target()
    world.clock.offset = timedelta(hours=6)
    await world.start()
    await world.rest()
    for n in range(18):
        world.grant(f"g{n}", f"81.2.69.{150 + n}")
        await world.advance(seconds=50)
    world.grant()
    await world.rest()
    world.clock.offset = timedelta()
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 130.0


@simulated
async def test_i12_a_cleared_list_goes_back_although_writes_are_scarce(world: World) -> None:
    cluster = world.cluster(operation_seconds=0.5)
    world.target()
    await world.start()
    await world.rest()
    for n in range(17):
        world.grant(f"g{n}", f"81.2.69.{150 + n}")
        await world.until(lambda n=n: f"81.2.69.{150 + n}/32" in (world.list_of() or set()))
        await world.advance(seconds=46)
        if len(world.puts()) >= 14:
            break
    cluster.set_by_others(None)
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "1"})
    took = await world.until(lambda: world.list_of() is not None)
    assert took <= 60.0

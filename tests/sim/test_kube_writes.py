"""What the management cluster does not take: finalizers, statuses, activations, ledgers."""

import pytest

from aks_access.engine.ports import Kind
from aks_access.errors import KubeConflict, KubeError
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, OTHER, WANTED, programmed, soon
from tests.sim.world import FOREIGN, OFFICE, World, key_of


@pytest.mark.parametrize("method", ["patch_status", "add_finalizer", "remove_finalizer"])
@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("error", [KubeError("503", status=503), KubeConflict("409", status=409)])
@simulated
async def test_kubernetes_fails_for_a_while(
    world: World, method: str, applied: bool, error: KubeError
) -> None:
    world.objects.faults.plan(method, error, times=5, applied=applied)
    await programmed(world)
    await world.advance(minutes=5)
    await world.rest()
    assert world.state() == "Active"
    assert world.target_state() == "InSync"
    world.ungrant()
    await world.advance(minutes=5)
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE
    assert len(world.puts()) <= 3


@pytest.mark.parametrize("method", ["add_finalizer", "record"])
@simulated
async def test_what_a_grant_needs_first_is_tried_again_though_nothing_changes(
    world: World, method: str
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    faults = world.objects.faults if method == "add_finalizer" else world.activations.faults
    faults.plan(method, KubeConflict("409", status=409), times=3, about="")
    world.grant(duration="1h")
    await world.until(lambda: world.state() == "Active", within=150)
    assert len(world.activations.recorded) == 1


@simulated
async def test_i4_a_grant_that_cannot_be_finalized_holds_up_nobody_else(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    conflict = KubeConflict("somebody changes it all the time", status=409)
    world.objects.faults.plan("add_finalizer", conflict, times=None, about="laptop")
    world.grant()
    await world.advance(minutes=10)
    gets = len(world.gets())
    world.grant("good", OTHER)
    await world.until(lambda: OTHER in (world.list_of() or set()), within=30.0)
    assert LAPTOP not in (world.list_of() or set())
    await world.advance(minutes=30)
    assert len(world.gets()) - gets < 20


@simulated
async def test_i4_a_target_that_cannot_be_finalized_still_revokes(world: World) -> None:
    await programmed(world)
    await world.rest()

    def strip(raw: dict[str, object]) -> None:
        raw["metadata"].pop("finalizers", None)  # type: ignore[attr-defined]

    world.objects.faults.plan(
        "add_finalizer", KubeError("a webhook denies it", status=500), times=None, about="weu"
    )
    world.api.edit(Kind.TARGET, "weu", change=strip)
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0


@simulated
async def test_i4_a_duplicate_that_cannot_be_released_delays_nobody(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.target("copy", cluster="weu")
    await world.rest()

    def add(raw: dict[str, object]) -> None:
        raw["metadata"]["finalizers"] = ["aksaccess.dev/release-cluster"]  # type: ignore[index]

    world.api.edit(Kind.TARGET, "copy", change=add)
    world.objects.faults.plan(
        "remove_finalizer", KubeError("no", status=500), times=None, about="copy"
    )
    world.untarget("copy")
    await world.advance(minutes=5)
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0


@simulated
async def test_i4_one_grant_that_cannot_be_confirmed_gone_holds_up_nobody_else(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant("vanishing", "81.2.69.150")
    world.grant()
    await world.start()
    await world.rest()
    world.process.watch.lose = lambda kind, event, name: name == "vanishing"
    world.objects.faults.plan("get", KubeError("no", status=500), times=None, about="vanishing")
    world.api.force_delete(Kind.GRANT, "vanishing", namespace="team-a")
    await world.advance(minutes=15)
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0
    assert "81.2.69.150/32" in (world.list_of() or set())


@pytest.mark.parametrize("method", ["load", "save"])
@pytest.mark.parametrize("applied", [False, True])
@simulated
async def test_ledgers_fail_for_a_while(world: World, method: str, applied: bool) -> None:
    world.ledgers.faults.plan(method, KubeError("503", status=503), times=4, applied=applied)
    await programmed(world)
    await world.advance(minutes=5)
    await world.rest()
    assert world.list_of() == WANTED
    assert world.owned() == {OFFICE, LAPTOP}
    world.ungrant()
    world.ledgers.faults.plan(method, KubeError("503", status=503), times=4, applied=applied)
    await world.advance(minutes=5)
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_i4_a_removal_does_not_wait_for_the_ledger(world: World) -> None:
    await programmed(world)
    await world.rest()
    fault = world.ledgers.faults.plan("save", KubeError("503", status=503), times=None)
    world.ungrant()
    await world.until(lambda: world.list_of() == BARE, within=10)
    await world.advance(hours=1)
    assert len(world.puts()) == 2
    assert not world.gone()
    world.ledgers.faults.lift(fault)
    await world.advance(minutes=3)
    await world.rest()
    assert world.gone()


@simulated
async def test_i5_an_addition_waits_for_the_ledger(world: World) -> None:
    world.ledgers.faults.plan("save", KubeError("503", status=503), times=None)
    await programmed(world)
    await world.advance(hours=1)
    assert not world.tried()


@simulated
async def test_somebody_else_writes_the_ledger_all_the_time(world: World) -> None:
    await programmed(world)
    await world.rest()
    world.grant("more", "81.2.69.1")
    for _ in range(100):
        await world.advance(0.7)
        world.ledgers.meddle(key_of("weu"))
    await world.rest()
    assert world.list_of() == {*WANTED, "81.2.69.1/32"}
    assert world.owned() == {OFFICE, LAPTOP, "81.2.69.1/32"}


@simulated
async def test_i5_nothing_is_added_that_could_not_be_recorded(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("gone", OTHER)
    world.grant("kept")
    await world.start()
    await world.rest()
    fault = world.ledgers.faults.plan("save", KubeError("no", status=500), times=1)
    gets = len(world.gets())
    world.regrant("gone", revoked=True)
    await soon(lambda: not fault.times and len(world.gets()) > gets)
    world.regrant("kept", ipRanges=["81.2.69.142", "81.2.69.200"])
    await world.until(lambda: OTHER not in (world.list_of() or set()))
    await world.rest()
    assert "81.2.69.200/32" in (world.list_of() or set())
    for put in world.puts():
        added = set(put.sent or ()) - set(put.before or ())
        saved = [ledger for at, ledger in world.ledgers.saves if at <= put.at]
        assert added <= {entry for ledger in saved for entry in ledger.entries}


@simulated
async def test_i5_a_failing_api_server_does_not_lose_the_ledger_of_a_target_that_goes(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.objects.faults.plan("remove_finalizer", KubeError("no", status=500), about="weu")
    world.untarget()
    await world.advance(minutes=20)
    assert world.target_gone()
    assert world.list_of() == {FOREIGN, OFFICE}

"""The instants from which durations count: lost, unreadable, or written without an answer."""

from datetime import timedelta

import pytest

from aks_access.api.timestamps import format_timestamp
from aks_access.engine.ports import Kind
from aks_access.errors import KubeError
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP
from tests.sim.world import World, key_of

KEY = key_of("weu")


@pytest.mark.parametrize("attack", ["lost", "unreadable"])
@pytest.mark.parametrize("tracked", [True, False])
@simulated
async def test_i10_activations_that_are_lost_start_nothing_over(
    world: World, attack: str, tracked: bool
) -> None:
    marks = {"argocd.argoproj.io/tracking-id": "app:x:y/z"} if tracked else None
    world.cluster()
    world.target()
    world.grant(duration="4h", annotations=marks)
    await world.start()
    await world.rest()
    await world.advance(hours=1)
    world.kill()
    if attack == "lost":
        world.activations._entries.clear()
    else:
        world.activations.faults.plan("load_all", KubeError("cannot be used"), times=None)
    await world.start()
    await world.advance(hours=2)
    assert LAPTOP in (world.list_of() or ())
    await world.advance(hours=1, minutes=5)
    assert LAPTOP not in (world.list_of() or ())


@simulated
async def test_i10_a_lost_ledger_and_activation_give_no_access_without_end(world: World) -> None:
    """Restored without any status: nobody is let in, and whoever is in is counted from now on."""
    world.expect("I3", because="nothing is left that knows when the duration began")
    world.expect("I10", because="nothing is left that knows when the duration began")
    world.cluster()
    world.target()
    world.grant(duration="4h")
    await world.start()
    await world.rest()
    await world.advance(hours=1)
    world.kill()
    sequence = world.target_status()["ledgerSequence"]

    def bare(raw: dict[str, object]) -> None:
        raw["status"] = {}

    def remembering(raw: dict[str, object]) -> None:
        raw["status"] = {"ledgerSequence": sequence}

    world.api.edit(Kind.GRANT, "laptop", namespace="team-a", change=bare)
    world.api.edit(Kind.TARGET, "weu", change=remembering)
    world.ledgers.lose(KEY)
    world.activations._entries.clear()
    await world.start()
    await world.rest()
    assert world.target_state() == "LedgerLost"
    await world.advance(hours=4, minutes=10)
    assert LAPTOP not in (world.list_of() or ()), "open without end until somebody acknowledges"


@simulated
async def test_i10_an_activation_whose_answer_was_lost_counts_from_its_record(
    world: World,
) -> None:
    world.cluster()
    world.target()
    error = KubeError("503", status=503)
    world.activations.faults.plan("record", error, times=3, applied=True)
    world.grant(duration="30m")
    await world.start()
    await world.rest()
    (begun,) = world.activations.known().values()
    assert world.list_of() == {*BARE, LAPTOP}
    assert world.status()["expiresAt"] == format_timestamp(begun + timedelta(minutes=30))

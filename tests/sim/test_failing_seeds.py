"""What random histories found in the product, cut down to scenarios."""

import pytest

from tests.sim.world import World, key_of, simulated


@pytest.mark.xfail(
    strict=True,
    reason="a due time that no ledger keeps is found anew at each look while the ledger is lost",
)
@simulated
async def test_i11_an_overdue_removal_is_quiet_while_its_ledger_is_lost(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.ledgers.lose(key_of("weu"))
    world.retarget(mode="Observe")
    world.regrant(revoked=True)
    await world.advance(hours=2)
    assert world.target_state() == "RevocationOverdue"
    before = len(world.objects.writes)
    await world.advance(hours=4)
    assert len(world.objects.writes) == before

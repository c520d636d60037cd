"""From a grant that is applied to a list that was read back, with the fewest writes."""

from tests.sim.world import FOREIGN, OFFICE, World, condition, simulated


@simulated
async def test_a_grant_is_programmed_after_exactly_one_put(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
    assert len(world.puts()) == 1
    world.grant("laptop", "81.2.69.142", expiresAt=world.at(hours=8))
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, "81.2.69.142/32"}
    assert len(world.puts()) == 2
    assert world.state() == "Active"
    assert world.in_azure() == "1/1"
    assert condition(world.status(), "Programmed")["status"] == "True"
    assert world.target_state() == "InSync"

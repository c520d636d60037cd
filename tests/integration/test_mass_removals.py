"""Removals that may be somebody's mistake wait for a person."""

from tests.integration.scenes import LAPTOP, OFFICE, acknowledge, code_in, let_go
from tests.integration.world import World


def test_a_baseline_that_collapses_waits_for_a_person(world: World) -> None:
    cluster = world.cluster()
    many = [f"20.50.{number}.0/24" for number in range(12)]
    target = world.target(cluster, baseline={"ipRanges": many})
    ending = world.grant(target, LAPTOP)
    ending.wait_state("Active")
    target.wait_state("InSync")
    mark = world.mark()
    target.patch(baseline={"ipRanges": many[:1]})
    target.wait_state("MassRemovalHeld")
    assert "11 removals at once" in target.message()
    stale = code_in(target.message())
    ending.patch(expiresAt=world.at(2))
    ending.wait_state("Expired")  # what the clock ends never waits
    cluster.wait_ranges(OFFICE, *many)
    assert len(cluster.puts(mark)) == 1

    target.patch(baseline={"ipRanges": many})
    target.wait_state("InSync")
    assert len(cluster.puts(mark)) == 1, "undone, there is nothing to write"
    target.patch(baseline={"ipRanges": many[:2]})
    target.wait_state("MassRemovalHeld")
    acknowledge(target, stale)
    target.nudge()
    assert target.state == "MassRemovalHeld", "a code of another case does nothing"
    acknowledge(target, code_in(target.message()))
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, *many[:2])


def test_grants_that_vanish_while_nobody_runs_wait_for_a_person(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster()
    target = world.target(cluster)
    grants = [world.grant(target, f"81.2.69.{number}") for number in range(10, 18)]
    for grant in grants:
        grant.wait_state("Active")
    target.wait_state("InSync")
    world.station.stop()
    for grant in grants[1:]:
        let_go(world, grant)
    mark = world.mark()
    world.station.start()
    target.wait_state("MassRemovalHeld")
    assert "7 removals at once (Vanished)" in target.message()
    cluster.wait_looks(2)
    assert cluster.puts(mark) == []
    assert grants[0].state == "Active"
    acknowledge(target, code_in(target.message()))
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, "81.2.69.10/32")


def test_a_few_that_vanish_while_nobody_runs_are_taken_out(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster()
    target = world.target(cluster)
    going, staying = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (going, staying):
        each.wait_state("Active")
    world.station.stop()
    let_go(world, going)
    world.station.start()
    cluster.wait_ranges(OFFICE, "81.2.69.143/32")
    target.wait_state("InSync")

"""The operator's own namespace is deleted, ledgers, activations, Lease and rights with it."""

import re
from collections.abc import Callable, Iterator

import pytest

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from tests.integration.station import Station
from tests.integration.world import RIGHTS, World

pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]

PORTAL, OFFICE = "51.140.8.0/24", "51.141.0.0/24"
LAPTOP, TIMED, ENDING, LATE = (f"81.2.69.{number}/32" for number in (142, 143, 144, 145))


@pytest.fixture
def own_world(unique: Callable[[str], str]) -> Iterator[World]:
    with ControlPlane(controller_manager=True) as plane:
        chart.apply_chart(plane)
        with ArmProcess(operation_seconds=0.2) as arm:
            station = Station(plane=plane, arm=arm)
            try:
                station.start()
                made = World(station=station, unique=unique)
                yield made
                made.judge()
            finally:
                station.stop()


def test_i8_a_deleted_namespace_of_the_operator_costs_no_access_and_gives_none(
    own_world: World,
) -> None:
    world = own_world
    world.expect(RIGHTS, because="those within the namespace go with it")
    cluster = world.cluster([PORTAL])
    target = world.target(cluster, baseline={"ipRanges": [OFFICE]})
    laptop = world.grant(target, LAPTOP)
    timed = world.grant(target, TIMED, duration="45s")
    ending = world.grant(target, ENDING, expiresAt=world.at(15))
    for grant in (laptop, timed, ending):
        grant.wait_state("Active")
    target.wait_state("InSync")
    activated = timed.status["activatedAt"]

    world.plane.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    world.eventually(
        lambda: world.get(f"/api/v1/namespaces/{NAMESPACE}") is None, what="the namespace to go"
    )
    assert cluster.ranges is not None
    assert {PORTAL, OFFICE, LAPTOP, TIMED} <= set(cluster.ranges)
    chart.apply_chart(world.plane)
    world.station.start()
    target.wait_state("LedgerLost")
    late = world.grant(target, LATE)
    late.wait_state("TargetBlocked")
    ending.wait_state("Expired", seconds=40)
    timed.wait_state("Expired", seconds=60)
    assert timed.status["activatedAt"] == activated
    cluster.wait_ranges(PORTAL, OFFICE, LAPTOP)

    code = re.search(r"acknowledge=([0-9a-f]+)`", target.message())
    assert code, target.message()
    target.patch(metadata={"annotations": {"aksaccess.dev/acknowledge": code[1]}})
    late.wait_state("Active")
    target.wait_state("InSync")
    laptop.delete()
    laptop.wait_gone()
    cluster.wait_ranges(PORTAL, OFFICE, LATE)

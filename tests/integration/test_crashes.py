"""An operator that dies at any moment: nothing is orphaned, started twice, or written needlessly.

Real SIGKILLs and SIGTERMs, each at a moment that the outside can see, so that it is met every time.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from aks_access.kube.ledger_document import decode
from aks_access.plan.ledger import EntryState
from aks_access.plan.model import ClusterKey
from sandbox.chart import NAMESPACE
from sandbox.controlplane.client import ApiError
from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.things import Cluster, Mark, Object
from tests.integration.world import World

BUILD = "81.2.69.150"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/aks-access-operator"
DRAIN_SECONDS = 10.0
IN_FLIGHT = 1.5
"""Seconds of an operation: as long as that a write is in flight, for a busy machine to see."""

Moment = Callable[[World, Cluster, Object, Mark], bool]


def ledger_of(cluster: Cluster) -> Any:
    """The ledger as the operator would load it; None while there is none."""
    stored = cluster.ledger()
    if stored is None:
        return None
    version = stored["metadata"]["resourceVersion"]
    return decode(stored["data"]["ledger.json"], key=ClusterKey(cluster.key), version=version)


def owned(cluster: Cluster) -> set[str]:
    """The entries that the ledger holds as ours."""
    ledger = ledger_of(cluster)
    if ledger is None:
        return set()
    return {e.range for e in ledger.entries.values() if e.state is not EntryState.WITHDRAWN}


def at_path(cluster: Cluster) -> str:
    """A fault's path for requests about just this cluster."""
    return f"{cluster.key}(\\?|$)"


def held(world: World, fault: str) -> bool:
    """Whether the fault has met a request."""
    return any(each.fault_id == fault and each.hits for each in world.arm.faults())


def _in_flight(world: World, cluster: Cluster, grant: Object, mark: Mark) -> bool:
    ledger = ledger_of(cluster)
    return ledger is not None and ledger.in_flight is not None


MOMENTS: dict[str, Moment] = {
    "finalizer written": lambda world, cluster, grant, mark: bool(grant.finalizers),
    "activation recorded": lambda world, cluster, grant, mark: (
        world.get(
            f"/api/v1/namespaces/{NAMESPACE}/configmaps/aks-access-activations-{grant.namespace}"
        )
        is not None
    ),
    "intention recorded": _in_flight,
    "write sent": lambda world, cluster, grant, mark: bool(cluster.puts(mark)),
    "operation over": lambda world, cluster, grant, mark: (
        bool(cluster.puts(mark)) and cluster.view().provisioning_state == "Succeeded"
    ),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_sigkill_while_a_grant_is_let_in(restart_world: World, name: str) -> None:
    world = restart_world
    cluster = world.cluster(operation_seconds=IN_FLIGHT)
    target = world.target(cluster)
    target.wait_state("InSync")
    mark = world.mark()
    grant = world.grant(target, LAPTOP, duration="1h")
    world.eventually(lambda: MOMENTS[name](world, cluster, grant, mark), what=name)
    world.operator.kill()
    recorded = activations(world, grant.namespace)
    assert_recorded(cluster)

    restart(world)
    grant.wait_state("Active")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, ENTRY)
    assert len([put for put in cluster.puts(mark) if put.status == 200]) == 1
    after = activations(world, grant.namespace)
    assert after == recorded or not recorded, "a duration starts once"
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE)
    assert owned(cluster) == set()


def restart(world: World) -> None:
    """Start anew, without waiting for the Lease of the killed one to run out."""
    with suppress(ApiError):
        world.plane.request("DELETE", LEASE)
    world.station.start()


def activations(world: World, namespace: str) -> dict[str, str]:
    """What is recorded of a namespace's first activations."""
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/aks-access-activations-{namespace}"
    found = world.get(path)
    return dict(found["data"]) if found is not None else {}


def assert_recorded(cluster: Cluster) -> None:
    """Whatever stands in Azure beside what was there before us, the ledger knows."""
    unknown = set(cluster.ranges or ()) - {OFFICE} - owned(cluster)
    assert unknown == set(), f"in Azure, and no record owns it: {unknown}"


@pytest.mark.parametrize("name", ["intention recorded", "write sent", "operation over"])
def test_sigkill_while_a_grant_is_taken_out(restart_world: World, name: str) -> None:
    world = restart_world
    cluster = world.cluster(operation_seconds=IN_FLIGHT)
    target = world.target(cluster)
    going, staying = world.grant(target, LAPTOP), world.grant(target, BUILD)
    for each in (going, staying):
        each.wait_state("Active")
    target.wait_state("InSync")
    mark = world.mark()
    going.delete()
    world.eventually(lambda: MOMENTS[name](world, cluster, going, mark), what=name)
    world.operator.kill()
    assert going.exists() or ENTRY not in (cluster.view().applied or [])
    restart(world)
    going.wait_gone()
    cluster.wait_ranges(OFFICE, f"{BUILD}/32")
    target.wait_state("InSync")
    assert len([put for put in cluster.puts(mark) if put.status == 200]) == 1
    assert owned(cluster) == {f"{BUILD}/32"}


def test_sigkill_while_a_write_is_on_its_way_and_lands_after_the_restart(
    restart_world: World,
) -> None:
    world = restart_world
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    fault = world.arm.add_fault(method="PUT", path=at_path(cluster), hold=True)
    grant = world.grant(target, LAPTOP)
    world.eventually(lambda: held(world, fault), what="the PUT to be held")
    world.operator.kill()
    restart(world)
    cluster.wait_looks(1)
    world.arm.remove_fault(fault)
    grant.wait_state("Active")
    cluster.wait_ranges(OFFICE, ENTRY)
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE)
    assert owned(cluster) == set()


def test_sigkill_after_an_answer_that_never_came(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster(operation_seconds=2.0)
    target = world.target(cluster)
    target.wait_state("InSync")
    world.arm.add_fault(method="PUT", path=at_path(cluster), answer_delay=5.0)
    grant = world.grant(target, LAPTOP, duration="1h")
    world.eventually(lambda: bool(cluster.puts()), what="the PUT to be applied")
    world.operator.kill()
    assert_recorded(cluster)
    restart(world)
    grant.wait_state("Active")
    assert len(cluster.puts()) == 1, "what went in is not sent again"
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE)


def test_a_restart_where_nothing_changed_writes_nothing(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster()
    baseline = {"ipRanges": ["20.50.1.0/24"]}
    target = world.target(cluster, baseline=baseline)
    grants = [
        world.grant(target, LAPTOP, duration="1h"),
        world.grant(target, BUILD, expiresAt=world.at(3600)),
        world.grant(target, "81.2.69.160", notBefore=world.at(1800), expiresAt=world.at(3600)),
        world.grant(target, "81.2.69.161", revoked=True),
    ]
    for grant, state in zip(grants, ("Active", "Active", "Scheduled", "Revoked"), strict=True):
        grant.wait_state(state)
    target.nudge()  # by then it has told of all that its grants tell
    before = [item.read() for item in (target, *grants)]
    world.operator.kill()
    mark, events = world.mark(), len(world.events())
    restart(world)
    cluster.wait_looks(3)
    assert cluster.puts(mark) == []
    assert world.writes(mark) == []
    assert len(world.events()) == events
    assert [item.read() for item in (target, *grants)] == before


def test_an_end_that_passed_while_nobody_ran(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster()
    target = world.target(cluster)
    ending, staying = world.grant(target, LAPTOP), world.grant(target, BUILD)
    for each in (ending, staying):
        each.wait_state("Active")
    mark = world.mark()
    end = world.at(4)
    ending.patch(expiresAt=end)
    ending.until(lambda o: o["status"].get("expiresAt") == end, what="to have its end")
    world.operator.kill()
    world.eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(end), what="the end")
    restart(world)
    ending.wait_state("Expired")
    cluster.wait_ranges(OFFICE, f"{BUILD}/32")
    assert len(cluster.puts(mark)) == 1


def test_sigterm_at_rest_ends_soon_and_gives_the_lease_back(restart_world: World) -> None:
    world = restart_world
    operator = world.operator
    began = time.monotonic()
    operator.sigterm()
    assert operator.wait() == 0
    assert time.monotonic() - began < DRAIN_SECONDS
    lease = world.plane.request("GET", LEASE)
    assert not lease["spec"].get("holderIdentity")


def test_sigterm_during_a_write_that_hangs(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    fault = world.arm.add_fault(method="PUT", path=at_path(cluster), hold=True)
    grant = world.grant(target, LAPTOP)
    world.eventually(lambda: held(world, fault), what="the PUT to be held")
    operator = world.operator
    began = time.monotonic()
    operator.sigterm()
    assert operator.wait() == 0
    assert time.monotonic() - began < DRAIN_SECONDS
    ledger = ledger_of(cluster)
    assert ledger.in_flight is not None, "a write without an answer stands as uncertain"
    assert owned(cluster) == {ENTRY}
    world.arm.remove_fault(fault)  # it lands although its sender is gone
    restart(world)
    grant.wait_state("Active")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, ENTRY)


def test_sigterm_while_an_operation_runs_waits_for_none(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster(operation_seconds=30.0)
    target = world.target(cluster)
    target.wait_state("InSync")
    grant = world.grant(target, LAPTOP)
    world.eventually(lambda: bool(cluster.puts()), what="the PUT")
    operator = world.operator
    began = time.monotonic()
    operator.sigterm()
    assert operator.wait() == 0
    assert time.monotonic() - began < DRAIN_SECONDS
    world.arm.finish_operation(cluster.id)
    restart(world)
    grant.wait_state("Active")
    assert len(cluster.puts()) == 1

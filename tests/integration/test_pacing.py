"""A tenant who keeps a cluster busy waits, and others do not."""

import re

import pytest

from aks_access.kube.ledger_document import decode
from aks_access.plan.model import ClusterKey
from tests.integration.scenes import DOCUMENT, ENTRY, LAPTOP, OFFICE
from tests.integration.world import World


@pytest.mark.timeout(180)
def test_a_namespace_that_adds_too_often_waits_and_others_do_not(restart_world: World) -> None:
    world = restart_world
    world.station.ensure(
        namespace_additions="2", namespace_addition_interval="20s", cluster_addition_interval="1s"
    )
    cluster = world.cluster()
    target = world.target(cluster)
    for address in (LAPTOP, "81.2.69.143"):
        world.grant(target, address).wait_state("Active")
    late = world.grant(target, "81.2.69.144")
    late.wait_state("Paced")
    assert late.condition("Reconciling")["reason"] == "Paced"
    assert re.search(r"\(2, and one more every 20s\): let in at 2\S+Z\.", late.message())
    target.wait_state("InSync")
    late.wait_event("Paced")
    stored = cluster.ledger()
    assert stored is not None
    ledger = decode(stored["data"][DOCUMENT], key=ClusterKey(cluster.key), version="")
    assert len([turn for turn in ledger.turns if turn.added]) == 2
    late.wait_state("Active", seconds=60)
    cluster.wait_ranges(OFFICE, ENTRY, "81.2.69.143/32", "81.2.69.144/32")

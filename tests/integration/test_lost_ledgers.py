"""A ledger that cannot be trusted, or that a newer operator wrote."""

import json
from typing import Any

import pytest

from sandbox.chart import NAMESPACE
from tests.integration.scenes import (
    ACKNOWLEDGE,
    DOCUMENT,
    ENTRY,
    LAPTOP,
    OFFICE,
    acknowledge,
    code_in,
)
from tests.integration.things import MERGE_PATCH, Cluster
from tests.integration.world import World


def ledger_path(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/configmaps/{cluster.ledger_name}"


def _delete_ledger(world: World, cluster: Cluster, old: dict[str, Any]) -> None:
    world.plane.request("DELETE", ledger_path(cluster))


def _corrupt(world: World, cluster: Cluster, old: dict[str, Any]) -> None:
    body = {"data": {DOCUMENT: '{"schemaVersion": 1, "entries": '}}
    world.plane.request("PATCH", ledger_path(cluster), body, content_type=MERGE_PATCH)


def _another_clusters(world: World, cluster: Cluster, old: dict[str, Any]) -> None:
    document = json.loads(old["data"][DOCUMENT])
    document["resourceId"] += "-other"
    body = {"data": {DOCUMENT: json.dumps(document)}}
    world.plane.request("PATCH", ledger_path(cluster), body, content_type=MERGE_PATCH)


def _without_a_field(world: World, cluster: Cluster, old: dict[str, Any]) -> None:
    document = json.loads(old["data"][DOCUMENT])
    del document["owners"]
    body = {"data": {DOCUMENT: json.dumps(document)}}
    world.plane.request("PATCH", ledger_path(cluster), body, content_type=MERGE_PATCH)


def _newer_schema(world: World, cluster: Cluster, old: dict[str, Any]) -> None:
    document = {**json.loads(old["data"][DOCUMENT]), "schemaVersion": 99}
    body = {"data": {DOCUMENT: json.dumps(document)}}
    world.plane.request("PATCH", ledger_path(cluster), body, content_type=MERGE_PATCH)


def _roll_back(world: World, cluster: Cluster, old: dict[str, Any]) -> None:
    body = {"data": old["data"]}
    world.plane.request("PATCH", ledger_path(cluster), body, content_type=MERGE_PATCH)


DAMAGES = {
    "deleted": _delete_ledger,
    "corrupt": _corrupt,
    "another cluster's": _another_clusters,
    "without a field": _without_a_field,
    "rolled back": _roll_back,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_i8_a_lost_ledger_adds_nothing_until_it_is_acknowledged(world: World, name: str) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    first = world.grant(target, LAPTOP)
    first.wait_state("Active")
    target.wait_state("InSync")
    old = cluster.ledger()
    assert old is not None
    second = world.grant(target, "81.2.69.143")
    second.wait_state("Active")
    target.wait_state("InSync")
    mark = world.mark()

    DAMAGES[name](world, cluster, old)
    target.nudge()
    target.wait_state("LedgerLost")
    assert target.condition("Stalled")["status"] == "True"
    third = world.grant(target, "81.2.69.144")
    third.wait_state("TargetBlocked")
    assert "LedgerLost" in third.message()
    cluster.wait_looks(2)
    assert cluster.puts(mark) == []
    assert (first.state, second.state) == ("Active", "Active")

    second.delete()
    second.wait_gone()
    cluster.wait_ranges(OFFICE, ENTRY)
    assert third.state == "TargetBlocked"

    acknowledge(target, "0123456789")
    target.nudge()
    assert target.state == "LedgerLost", "another code does nothing"
    acknowledge(target, code_in(target.message()))
    third.wait_state("Active")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, ENTRY, "81.2.69.144/32")
    first.delete()
    first.wait_gone()
    cluster.wait_ranges(OFFICE, "81.2.69.144/32")


def test_a_ledger_of_a_newer_operator_is_left_to_that_one(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    first, second = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for grant in (first, second):
        grant.wait_state("Active")
    target.wait_state("InSync")
    old = cluster.ledger()
    assert old is not None
    _newer_schema(world, cluster, old)
    newer = cluster.ledger()
    assert newer is not None
    target.nudge()
    target.wait_state("LedgerLost")
    assert "a newer operator wrote it (schemaVersion 99" in target.message()
    assert ACKNOWLEDGE not in target.message()
    late = world.grant(target, "81.2.69.144")
    late.wait_state("TargetBlocked")
    second.delete()
    second.wait_gone()
    cluster.wait_ranges(OFFICE, ENTRY)
    cluster.wait_looks(2)
    assert (cluster.ledger() or {})["data"] == newer["data"]

    _roll_back(world, cluster, old)  # the newer one goes back to what this one reads
    target.nudge()
    late.wait_state("Active")
    cluster.wait_ranges(OFFICE, ENTRY, "81.2.69.144/32")

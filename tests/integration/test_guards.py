"""What the operator does when it cannot trust what it sees, or cannot take away what it must.

Lost ledgers, mass removals, revocations that Azure forbids, suspended and departing targets, and a
world of which only a part can be read.
"""

import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from aks_access.kube.ledger_document import decode
from aks_access.plan.model import ClusterKey
from sandbox.chart import NAMESPACE
from tests.integration.things import MERGE_PATCH, Cluster, Mark, Object
from tests.integration.world import RIGHTS, World

OFFICE = "51.140.8.0/24"
LAPTOP = "81.2.69.142"
ENTRY = f"{LAPTOP}/32"
ACKNOWLEDGE = "aksaccess.dev/acknowledge"
DOCUMENT = "ledger.json"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/aks-access-operator"
BOUND = "3s"


def code_in(message: str) -> str:
    """The acknowledgement that a message asks for."""
    found = re.search(rf"{ACKNOWLEDGE}=([0-9a-f]+)`", message)
    assert found, f"no code in: {message}"
    return found[1]


def acknowledge(target: Object, code: str) -> None:
    target.patch(metadata={"annotations": {ACKNOWLEDGE: code}})


def ledger_path(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/configmaps/{cluster.ledger_name}"


def let_go(world: World, item: Object) -> None:
    """Delete an object past our finalizer, as an impatient administrator does."""
    item.delete()
    if item.exists():
        item.patch(metadata={"finalizers": None})
    item.wait_gone()


# a ledger that cannot be trusted


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


# somebody else who writes


def _wrote_once(cluster: Cluster, mark: Mark) -> bool:
    return len(cluster.puts(mark)) == 1


def test_i13_another_writer_ends_in_a_conflict_and_not_in_a_war(restart_world: World) -> None:
    world = restart_world
    world.expect("I13", because="the request to reconcile, which the oracle does not hear, ends it")
    world.station.ensure()
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("InSync")
    for _ in range(2):
        mark = world.mark()
        cluster.edit(remove=[ENTRY])
        target.nudge()
        cluster.wait_ranges(OFFICE, ENTRY)
        world.eventually(partial(_wrote_once, cluster, mark), what="one write")
    cluster.edit(remove=[ENTRY])
    target.wait_state("ConflictingOwner")
    grant.wait_state("TargetBlocked")
    assert ENTRY in target.message()
    assert "added again at" in grant.message()
    mark = world.mark()
    world.station.start()
    cluster.wait_looks(3)
    assert cluster.puts(mark) == [], "a restart does not forget"
    going = world.grant(target, "81.2.69.143")
    going.wait_state("Active")
    going.delete()
    going.wait_gone()
    cluster.wait_ranges(OFFICE)
    world.eventually(lambda: "ConflictingOwner" in target.reasons(), what="Event", about=target)
    target.nudge()
    grant.wait_state("Active")
    target.wait_state("InSync")


def test_i4_a_foreign_entry_that_aks_refuses_blames_no_grant(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    world.arm.set_options(cluster.id, refused_ranges=[OFFICE])
    grant = world.grant(target, LAPTOP)
    target.until(lambda _: "even without additions" in target.message(), what="the cause")
    assert target.state == "WriteRefused"
    grant.wait_state("TargetBlocked")
    mark = world.mark()
    cluster.wait_looks(3)
    assert cluster.puts(mark) == []
    cluster.edit(remove=[OFFICE], add=["51.140.9.0/24"])
    grant.wait_state("Active")
    target.wait_state("InSync")


# removals that may be somebody's mistake


def test_a_baseline_that_collapses_waits_for_a_person(world: World) -> None:
    cluster = world.cluster()
    many = [f"20.50.{number}.0/24" for number in range(12)]
    target = world.target(cluster, baseline={"ipRanges": many})
    ending = world.grant(target, LAPTOP, expiresAt=world.at(8))
    ending.wait_state("Active")
    target.wait_state("InSync")
    mark = world.mark()
    target.patch(baseline={"ipRanges": many[:1]})
    target.wait_state("MassRemovalHeld")
    assert "11 removals at once" in target.message()
    stale = code_in(target.message())
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


# removals that Azure forbids


def test_a_removal_that_azure_forbids_becomes_a_debt_and_is_paid_later(
    restart_world: World,
) -> None:
    world = restart_world
    world.station.ensure(revocation_bound=BOUND)
    cluster = world.cluster()
    target = world.target(cluster)
    deleted = world.grant(target, LAPTOP)
    ended = world.grant(target, "81.2.69.143", expiresAt=world.at(5))
    for each in (deleted, ended):
        each.wait_state("Active")
    world.arm.deny(cluster.id, verb="write")
    deleted.delete()
    ended.wait_state("RevocationPending", "RevocationOverdue")
    assert deleted.exists() or ENTRY in (cluster.ranges or [])
    target.wait_state("RevocationOverdue")
    ended.wait_state("RevocationOverdue")
    deleted.wait_gone()
    assert "still open" in target.message()
    assert "aks-access plan" in target.message()
    assert target.condition("Stalled")["reason"] == "RevocationOverdue"
    assert "RevocationOverdue" in target.reasons()
    stored = cluster.ledger()
    assert stored is not None
    ledger = decode(stored["data"][DOCUMENT], key=ClusterKey(cluster.key), version="")
    assert ledger.entries[ENTRY].released, "the ledger holds the debt"
    assert ENTRY in (cluster.ranges or [])

    world.arm.allow(cluster.id)
    target.nudge()
    cluster.wait_ranges(OFFICE)
    ended.wait_state("Expired")
    target.wait_state("InSync")


def test_what_falls_due_on_a_suspended_target_is_reported_and_done_later(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    going, ending = world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")
    for each in (going, ending):
        each.wait_state("Active")
    mark = world.mark()
    target.patch(suspend=True)
    target.wait_state("Suspended")
    assert target.condition("Ready")["status"] == "True", "nothing is due yet"
    late = world.grant(target, "81.2.69.144")
    late.wait_state("Suspended")
    going.patch(revoked=True)
    target.wait_state("RevocationOverdue")
    going.wait_state("RevocationOverdue")
    assert target.condition("Stalled")["status"] == "True"
    cluster.wait_looks(2)
    assert cluster.puts(mark) == []
    target.patch(suspend=False)
    going.wait_state("Revoked")
    late.wait_state("Active")
    cluster.wait_ranges(OFFICE, "81.2.69.143/32", "81.2.69.144/32")


# targets that go


def test_a_target_that_is_deleted_takes_our_entries_along(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster, deletionPolicy="Revoke", baseline={"ipRanges": ["20.50.1.0/24"]})
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.delete()
    target.wait_gone()
    cluster.wait_ranges(OFFICE, "20.50.1.0/24")
    grant.wait_state("TargetNotFound")
    assert cluster.ledger() is None
    grant.delete()
    grant.wait_gone()


def test_a_target_that_is_detached_leaves_the_list_and_names_it(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster, deletionPolicy="Detach")
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    mark = world.mark()
    target.delete()
    target.wait_gone()
    assert cluster.ranges == [OFFICE, ENTRY]
    assert cluster.puts(mark) == []
    world.eventually(lambda: "Detached" in target.reasons(), what="the Event", about=target)
    note = next(e["note"] for e in target.events() if e["reason"] == "Detached")
    assert ENTRY in note
    assert cluster.ledger() is None
    grant.delete()
    grant.wait_gone()
    assert ENTRY in (cluster.ranges or []), "from then on it is somebody else's"


@pytest.mark.timeout(180)
def test_the_ledger_of_a_target_that_was_forced_away_goes_on_revoking(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grants = [world.grant(target, LAPTOP), world.grant(target, "81.2.69.143")]
    for grant in grants:
        grant.wait_state("Active")
    target.wait_state("InSync")
    world.arm.deny(cluster.id, verb="write")
    let_go(world, target)
    assert cluster.ledger() is not None
    grants[0].delete()
    world.arm.allow(cluster.id)
    cluster.wait_ranges(OFFICE, seconds=90)
    grants[0].wait_gone()
    grants[1].wait_state("TargetNotFound")
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be done with")


# a world of which only a part can be read


def test_what_cannot_be_listed_costs_nobody_access_but_the_clock_goes_on(
    restart_world: World,
) -> None:
    world = restart_world
    world.expect(RIGHTS, because="one is taken away from the operator")
    operator = world.station.ensure(relist_interval="1s")
    cluster = world.cluster()
    members = world.range_set("20.50.1.0/24", "20.50.2.0/24")
    target = world.target(cluster, baseline={"rangeSetRefs": [{"name": members.name}]})
    end = world.at(12)
    ending = world.grant(target, LAPTOP, expiresAt=end)
    deleted = world.grant(target, "81.2.69.143")
    by_set = world.grant(target, rangeSetRefs=[{"name": members.name}])
    for each in (ending, deleted, by_set):
        each.wait_state("Active")
    target.wait_state("InSync")
    standing = {OFFICE, "20.50.1.0/24", "20.50.2.0/24", "81.2.69.143/32"}
    rules = world.plane.request("GET", ROLE)["rules"]
    mark = world.mark()
    narrowed = [
        {**rule, "resources": [each for each in rule["resources"] if each != "iprangesets"]}
        for rule in rules
    ]
    world.plane.request("PATCH", ROLE, {"rules": narrowed}, content_type=MERGE_PATCH)
    try:
        world.eventually(
            lambda: any("list of IPRangeSet failed" in str(e) for e in operator.log_lines()),
            what="a list to be refused",
        )
        deleted.delete()
        world.eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(end), what="the end")
        cluster.wait_ranges(*standing)
        cluster.wait_looks(2)
        assert deleted.exists(), "an act waits until everything is known"
        assert set(cluster.ranges or ()) == standing
        assert by_set.state == "Active"
    finally:
        world.plane.request("PATCH", ROLE, {"rules": rules}, content_type=MERGE_PATCH)
    deleted.wait_gone(seconds=30)
    cluster.wait_ranges(*(standing - {"81.2.69.143/32"}))
    ending.wait_state("Expired")
    assert by_set.state == "Active"
    assert len(cluster.puts(mark)) == 2


# a tenant who keeps a cluster busy, lists that protect little, and targets that went too soon


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
    assert "Paced" in late.reasons()
    stored = cluster.ledger()
    assert stored is not None
    ledger = decode(stored["data"][DOCUMENT], key=ClusterKey(cluster.key), version="")
    assert len([turn for turn in ledger.turns if turn.added]) == 2
    late.wait_state("Active", seconds=60)
    cluster.wait_ranges(OFFICE, ENTRY, "81.2.69.143/32", "81.2.69.144/32")


def test_a_broad_entry_is_flagged_and_blocks_no_revocation(world: World) -> None:
    cluster = world.cluster([OFFICE, "20.0.0.0/7"])
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("BroadEntry")
    assert target.condition("Ready")["status"] == "True"
    assert "20.0.0.0/7, not ours" in target.message()
    target.wait_event("BroadEntry")
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE, "20.0.0.0/7")


@pytest.mark.timeout(180)
def test_access_that_nobody_can_take_away_is_told_of_on_its_ledger(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("InSync")
    world.arm.deny(cluster.id, verb="write")
    let_go(world, target)

    def told() -> list[dict[str, Any]]:
        path = f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"
        return [
            event
            for event in world.plane.request("GET", path)["items"]
            if event["reason"] == "OrphanedAccess"
            and event["regarding"]["name"] == cluster.ledger_name
        ]

    world.eventually(lambda: bool(told()), what="the Event on the ledger")
    event, ledger = told()[0], cluster.ledger()
    assert ledger is not None
    assert event["regarding"]["kind"] == "ConfigMap"
    assert event["regarding"]["uid"] == ledger["metadata"]["uid"]
    assert ENTRY in event["note"]
    world.arm.allow(cluster.id)
    cluster.wait_ranges(OFFICE, seconds=90)
    world.eventually(lambda: cluster.ledger() is None, what="the ledger to be done with")

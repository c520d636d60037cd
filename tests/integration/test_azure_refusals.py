"""Refusals, silences and failures of Azure: the list converges, with the fewest writes that can be.

The counts and times are the emulator's, not the operator's: what arrived, when, with which
`If-Match`, and what became of it.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from sandbox.arm.journal import JournalEntry
from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.things import Cluster
from tests.integration.world import World


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What Azure does to the first writes, and what the operator makes of it."""

    fault: dict[str, Any]
    statuses: list[int]
    """Of every PUT until the list stands; 0 = the connection was reset."""
    gaps: list[float] = field(default_factory=list)
    """Least seconds between two PUTs, in turn."""


REFUSALS = {
    "409 another operation": Refusal(
        fault={"status": 409, "code": "OperationNotAllowed", "bare": True, "count": 2},
        statuses=[409, 409, 200],
        gaps=[0.2, 0.2],  # the pace of polling
    ),
    "409 etag mismatch": Refusal(
        fault={"status": 409, "code": "EtagMismatch", "bare": True, "count": 2},
        statuses=[409, 409, 200],
        gaps=[0.25, 0.5],
    ),
    "412": Refusal(
        fault={"status": 412, "code": "PreConditionFailed", "bare": True, "count": 2},
        statuses=[412, 412, 200],
        gaps=[0.25, 0.5],
    ),
    "429 with Retry-After": Refusal(
        fault={"status": 429, "code": "Throttled", "headers": {"Retry-After": "4"}},
        statuses=[429, 200],
        gaps=[4.0],
    ),
    "503": Refusal(
        fault={"status": 503, "code": "ServerBusy", "count": 2},
        statuses=[503, 503, 200],
        gaps=[1.0, 2.0],
    ),
    "500 without a body": Refusal(
        fault={"status": 500, "body": "", "count": 1}, statuses=[500, 200], gaps=[1.0]
    ),
    "reset before it is read": Refusal(
        fault={"reset": True, "count": 2}, statuses=[0, 0, 200], gaps=[1.0, 2.0]
    ),
    "answer lost after it was applied": Refusal(fault={"lose_answer": True}, statuses=[200]),
    "no answer in time, applied later": Refusal(fault={"answer_delay": 9.0}, statuses=[200]),
}


def _at_cluster(cluster: Cluster) -> str:
    return f"{cluster.key}(\\?|$)"


@pytest.mark.parametrize("name", REFUSALS)
def test_a_write_goes_through_in_the_end(world: World, name: str) -> None:
    refusal = REFUSALS[name]
    cluster, healthy = world.cluster(), world.cluster()
    target, other = world.target(cluster), world.target(healthy)
    for each in (target, other):
        each.wait_state("InSync")
    world.arm.add_fault(method="PUT", path=_at_cluster(cluster), **refusal.fault)
    grant, neighbour = world.grant(target, LAPTOP), world.grant(other, LAPTOP)
    neighbour.wait_state("Active")
    grant.wait_state("Active")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, ENTRY)
    cluster.wait_looks(2)
    puts = cluster.puts()
    assert [put.status for put in puts] == refusal.statuses
    assert_spaced(puts, *refusal.gaps)
    assert_guarded(cluster)

    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE)
    assert len(cluster.puts()) == len(puts) + 1
    assert len(healthy.puts()) == 1


def assert_spaced(puts: list[JournalEntry], *least: float) -> None:
    """PUTs follow each other no faster than this (25 ms for the clocks of two processes)."""
    gaps = [after.time - before.time for before, after in pairwise(puts)]
    assert len(gaps) >= len(least)
    for gap, wanted in zip(gaps, least, strict=False):
        assert gap >= wanted - 0.025, (gaps, least)


def assert_guarded(cluster: Cluster) -> None:
    """Every PUT carried the eTag that the last GET before it had shown, quoted."""
    for put in cluster.puts():
        tag = {name.lower(): text for name, text in put.headers.items()}.get("if-match", "")
        assert len(tag) > 2, f"a PUT without If-Match: {put}"
        assert tag.startswith('"'), f"an eTag without its quotes: {tag}"
        assert tag.endswith('"'), f"an eTag without its quotes: {tag}"


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
@pytest.mark.parametrize("keep_list", [True, False], ids=["list shown", "list put back"])
def test_threat_04_an_operation_that_fails_is_sent_again(
    world: World, status: str, keep_list: bool
) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    world.arm.next_outcome(
        cluster.id, status=status, code="Boom", message="Internal.", keep_list=keep_list
    )
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, ENTRY)
    assert [put.status for put in cluster.puts()] == [200, 200]
    assert_spaced(cluster.puts(), 1.0)
    assert_guarded(cluster)
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(OFFICE)


def test_an_operation_that_keeps_failing_is_sent_ever_more_slowly(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    world.arm.next_outcome(cluster.id, status="Failed", code="Boom", message="Internal.", count=3)
    grant = world.grant(target, LAPTOP)
    told = target.wait_state("AzureUnavailable")["status"]["conditions"][0]
    assert "ended Failed or Canceled" in told["message"]
    assert grant.state in ("Progressing", "TargetBlocked")
    assert grant.status["summary"]["inAzure"] == "0/1", "a list that was not proven counts for none"
    grant.wait_state("Active", seconds=30)
    assert len(cluster.puts()) == 4
    assert_spaced(cluster.puts(), 1.0, 2.0, 4.0)


def test_a_removal_whose_operation_fails_is_pending_until_it_is_proven(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    mark = world.mark()
    world.arm.next_outcome(cluster.id, status="Failed", code="Boom", message="Internal.", count=2)
    grant.delete()
    cluster.wait_looks(2, since=mark)
    grant.wait_gone()
    puts = cluster.puts(mark)
    assert len(puts) == 3, "the object stays until the third was proven"
    assert cluster.view().applied == [OFFICE]
    assert_spaced(puts, 1.0, 2.0)


def test_reads_that_fail_back_off_and_recover(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    mark = world.mark()
    fault = world.arm.add_fault(
        method="GET", path=_at_cluster(cluster), status=503, code="ServerBusy", count=3
    )
    target.wait_state("AzureUnavailable")
    assert grant.state == "Active", "what was read back stays so while nobody can look"
    world.eventually(
        lambda: next(f.hits for f in world.arm.faults() if f.fault_id == fault) == 3,
        what="three reads to fail",
    )
    target.wait_state("InSync")
    failed = [e for e in cluster.gets(mark) if e.status == 503]
    assert_spaced(failed, 1.0, 2.0)
    assert cluster.puts(mark) == []


def test_throttled_reads_wait_as_long_as_azure_asks(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    mark = world.mark()
    world.arm.add_fault(
        method="GET",
        path=_at_cluster(cluster),
        status=429,
        code="Throttled",
        headers={"Retry-After": "4"},
    )
    target.wait_state("Throttled")
    grant = world.grant(target, LAPTOP)  # a hint does not shorten it
    grant.wait_state("Active")
    reads = cluster.gets(mark)
    refused = next(number for number, read in enumerate(reads) if read.status == 429)
    assert_spaced(reads[refused:], 4.0)
    assert len(cluster.puts(mark)) == 1


def test_a_refused_write_delays_nobody_elses_end(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    ending = world.grant(target, "81.2.69.150")
    ending.wait_state("Active")
    fault = world.arm.add_fault(
        method="PUT", path=_at_cluster(cluster), status=403, code="AuthorizationFailed"
    )
    blocked = world.grant(target, LAPTOP)
    blocked.wait_state("TargetBlocked")
    assert next(f.hits for f in world.arm.faults() if f.fault_id == fault) == 1
    ending.patch(expiresAt=world.at(2))
    ending.wait_state("Expired")
    assert "81.2.69.150/32" not in (cluster.ranges or [])


def test_a_change_by_somebody_else_between_read_and_write_is_kept(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    target.wait_state("InSync")
    held = world.arm.add_fault(method="PUT", path=_at_cluster(cluster), hold=True)
    grant = world.grant(target, LAPTOP)
    world.eventually(
        lambda: any(f.fault_id == held and f.hits for f in world.arm.faults()),
        what="the PUT to be held",
    )
    cluster.edit(add=["198.41.0.4/32"])
    world.arm.remove_fault(held)
    grant.wait_state("Active")
    cluster.wait_ranges(OFFICE, "198.41.0.4/32", ENTRY)
    assert [put.status for put in cluster.puts()] == [412, 200]
    assert_guarded(cluster)


def test_a_cluster_without_etags_is_still_guarded_against_creation(world: World) -> None:
    cluster = world.cluster(withhold_etag=True)
    target = world.target(cluster)
    grant = world.grant(target, LAPTOP)
    grant.wait_state("Active")
    (put,) = cluster.puts()
    headers = {name.lower(): text for name, text in put.headers.items()}
    assert headers["if-match"] == "*"

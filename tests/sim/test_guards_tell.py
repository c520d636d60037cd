"""Each guard speaks in a condition, an Event and a figure, always in the same words."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from aks_access.engine.ports import EventType, Kind
from aks_access.errors import AzureError, AzureFault, KubeError
from tests.sim.play import simulated
from tests.sim.world import POLICY, World, condition, key_of

MANY = [f"81.2.70.{number}" for number in range(0, 20, 2)]


def _doubt(world: World) -> None:
    world.clock.doubt = True


def _fill(world: World) -> None:
    world.ledgers.most = 1
    world.grant("more", "81.2.69.3")


def _lose(world: World) -> None:
    world.ledgers.lose(key_of("weu"))


def _collapse(world: World) -> None:
    world.respec(Kind.RANGE_SET, "office", ipRanges=MANY[:1])


def _forbid(world: World) -> None:
    refused = AzureError("No right to write.", fault=AzureFault.FORBIDDEN)
    world.azure.faults.plan("put_ranges", refused, times=None)
    world.regrant(revoked=True)


def told(world: World, reason: str, name: str) -> list[str]:
    """The notes of an object's Events of that reason; each is a Warning."""
    found = [e for e in world.events.posted if (e.reason, e.regarding.name) == (reason, name)]
    assert {event.type for event in found} <= {EventType.WARNING}
    return [event.note for event in found]


@pytest.mark.parametrize(
    ("reason", "happen", "way_out"),
    [
        ("ClockInDoubt", _doubt, "Mend the time of its node"),
        ("LedgerFull", _fill, "Use fewer or wider ranges"),
        ("LedgerLost", _lose, "aksaccess.dev/acknowledge="),
        ("MassRemovalHeld", _collapse, "aksaccess.dev/acknowledge="),
        ("RevocationOverdue", _forbid, "aks-access plan"),
    ],
)
@simulated
async def test_i12_a_guard_speaks_in_condition_event_and_figure_and_does_not_tick(
    world: World, reason: str, happen: Callable[[World], None], way_out: str
) -> None:
    sets = reason == "MassRemovalHeld"
    world.range_set("office", *MANY)
    world.cluster()
    world.target(baseline={"rangeSetRefs": [{"name": "office"}]} if sets else None)
    world.grant()
    await world.start()
    await world.rest()
    happen(world)
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "now"})
    await world.until(lambda: world.target_state() == reason)
    ready = condition(world.target_status(), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", reason)
    assert condition(world.target_status(), "Stalled")["reason"] == reason
    assert way_out in ready["message"]
    state, figures = world.metrics.states["weu"]
    assert state == reason
    assert figures["overdue"] == (1.0 if reason == "RevocationOverdue" else 0.0)
    assert told(world, reason, "weu") == [ready["message"]]
    await world.advance(minutes=35)
    assert condition(world.target_status(), "Ready")["message"] == ready["message"]


@simulated
async def test_i1_a_target_on_which_nothing_could_be_taken_back_says_so(world: World) -> None:
    world.cluster(ranges=("20.50.0.0/24",), outbound_type="userDefinedRouting")
    world.target(mode="Exclusive", baseline=None, nodeEgress={"mode": "NotNeeded"})
    world.grant()
    await world.start()
    await world.rest()
    for status, name, way_out in (
        (world.target_status(), "weu", "Add a baseline entry"),
        (world.status(), "laptop", "add a baseline entry or nodeEgress"),
    ):
        ready = stalled(status, "NotRevocable")
        assert way_out in ready
        assert "userDefinedRouting" in ready
        assert told(world, "NotRevocable", name) == [ready]
    assert condition(world.status(), "Accepted")["reason"] == "NotRevocable"
    assert world.metrics.states["weu"][0] == "NotRevocable"


def stalled(status: Mapping[str, Any], reason: str) -> str:
    """What `Ready` says of an object that stalls for this reason."""
    ready, stalling = condition(status, "Ready"), condition(status, "Stalled")
    assert (ready["status"], ready["reason"]) == ("False", reason)
    assert (stalling["status"], stalling["reason"]) == ("True", reason)
    return str(ready["message"])


@simulated
async def test_i4_a_grant_whose_ranges_aks_refuses_says_so(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.142/32"})
    world.target(policy={**POLICY, "contact": "ops@contoso.com"})
    world.grant()
    world.grant("fine", "81.2.69.3")
    await world.start()
    await world.until(lambda: world.state() == "RangeRefused")
    await world.rest()
    said = stalled(world.status(), "RangeRefused")
    assert said.startswith("Azure refused 81.2.69.142/32 of spec.ipRanges on weu: (InvalidParamet")
    assert said.endswith("Change spec.ipRanges, or ask ops@contoso.com.")
    assert condition(world.status(), "Accepted")["reason"] == "RangeRefused"
    assert told(world, "RangeRefused", "laptop") == [said]
    assert world.metrics.states["weu"][1]["refused"] == 1.0
    assert world.state("fine") == "Active"
    world.regrant(ipRanges=["81.2.69.143"])
    await world.rest()
    assert world.state() == "Active"
    assert world.metrics.states["weu"][1]["refused"] == 0.0


@simulated
async def test_i4_ranges_that_aks_refuses_in_a_set_are_tried_again_once_it_is_mended(
    world: World,
) -> None:
    world.range_set("vendor", "81.2.69.142")
    world.cluster(unacceptable={"81.2.69.142/32"})
    world.target()
    world.grant(rangeSetRefs=[{"name": "vendor"}])
    await world.start()
    await world.until(lambda: world.state() == "RangeRefused")
    said = stalled(world.status(), "RangeRefused")
    assert "81.2.69.142/32 of spec.rangeSetRefs on weu" in said
    assert "Change spec.rangeSetRefs or the range set (vendor)." in said
    world.respec(Kind.RANGE_SET, "vendor", ipRanges=["81.2.69.143"])
    await world.rest()
    assert world.state() == "Active"


@simulated
async def test_i12_a_namespace_that_takes_too_many_entries_is_told_its_limit(world: World) -> None:
    world.cluster()
    world.target(policy={**POLICY, "maxEntriesPerNamespace": 2, "contact": "ops@contoso.com"})
    world.grant("first", "81.2.69.1", "81.2.69.3")
    await world.start()
    await world.rest()
    world.grant()
    await world.rest()
    said = stalled(world.status(), "PolicyDenied")
    assert said == (
        "The namespace would take 3 entries of weu, its limit is 2 "
        "(policy.maxEntriesPerNamespace). "
        "Merge ranges, or end another grant, or ask ops@contoso.com."
    )
    assert condition(world.status(), "Accepted")["reason"] == "PolicyDenied"
    assert told(world, "PolicyDenied", "laptop") == [said]
    world.ungrant("first")
    await world.rest()
    assert world.state() == "Active"


PARTIAL = (
    "81.2.69.142/32 must go, and cannot yet: the operator cannot list Namespace (403 Forbidden). "
    "Give it the right to, or mend the API server; what ends by the clock is taken out meanwhile."
)


@simulated
async def test_i8_a_target_says_what_it_withholds_for_a_partial_view(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    process = await world.start()
    await world.rest()
    world.api.unlistable[Kind.NAMESPACE] = "403 Forbidden"
    await process.engine.refresh(relist=process.relist)
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "now"})
    await world.rest()
    assert world.target_state() == "InSync", "nothing is withheld"
    world.regrant(revoked=True)
    await world.advance(60)
    status = world.target_status()
    ready, programmed = condition(status, "Ready"), condition(status, "Programmed")
    assert (ready["status"], ready["reason"]) == ("False", "RevocationPending")
    assert ready["message"] == PARTIAL
    assert condition(status, "Reconciling")["status"] == "True"
    assert programmed["status"] == "False"
    assert status["summary"]["difference"] == "-1"
    assert world.metrics.states["weu"][0] == "RevocationPending"
    assert world.state() == "RevocationPending"
    await world.advance(minutes=20)
    said = stalled(world.target_status(), "RevocationOverdue")
    assert PARTIAL in said, "an overdue removal names what keeps it"
    world.api.unlistable.clear()
    await process.engine.refresh(relist=process.relist)
    await world.rest()
    assert (world.target_state(), world.state()) == ("InSync", "Revoked")


@simulated
async def test_i8_an_orphan_says_what_it_withholds_for_a_partial_view(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    process = await world.start()
    await world.rest()
    world.api.unlistable[Kind.NAMESPACE] = "403 Forbidden"
    await process.engine.refresh(relist=process.relist)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(60)
    note = next(e.note for e in world.events.posted if e.reason == "OrphanedAccess")
    assert "the operator cannot list Namespace (403 Forbidden)." in note


@simulated
async def test_i8_a_target_says_which_grant_it_could_not_ask_for(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    process = await world.start()
    await world.rest()
    process.watch.lose = lambda kind, event, _: (kind, event) == (Kind.GRANT, "deleted")
    world.objects.faults.plan("get", KubeError("no usable answer", status=503), times=None)
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")
    await process.engine.refresh(relist=process.relist)
    await world.advance(60)
    ready = condition(world.target_status(), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "RevocationPending")
    assert ready["message"] == (
        "81.2.69.142/32 must go, and cannot yet: the API server does not say what became of "
        "team-a/laptop. Asked again within a minute; nothing to do."
    )
    world.objects.faults.planned.clear()
    await world.until(lambda: world.target_state() == "InSync", within=180.0)

"""Azure and Kubernetes at their worst: it converges, with the fewest writes, and never races."""

import asyncio
from typing import Any

import pytest

from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind, OperationState
from aks_access.errors import AzureError, AzureFault, KubeConflict, KubeError
from tests.sim.world import FOREIGN, OFFICE, World, key_of, play, simulated

LAPTOP = "81.2.69.142/32"
BARE = {FOREIGN, OFFICE}
WANTED = {*BARE, LAPTOP}


async def _programmed(world: World, **facts: Any) -> None:
    world.cluster(**facts)
    world.target()
    world.grant()
    await world.start()


@pytest.mark.parametrize(
    "error",
    [
        azure_error(AzureFault.BUSY, 409, "OperationNotAllowed"),
        azure_error(AzureFault.CHANGED, 412, "PreConditionFailed"),
        azure_error(AzureFault.CHANGED, 409, "EtagMismatch"),
        azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=120.0),
        azure_error(AzureFault.THROTTLED, 429, "Throttled"),
        azure_error(AzureFault.UNCERTAIN, 503, "ServerError"),
        azure_error(AzureFault.UNCERTAIN, None, "reset"),
        azure_error(AzureFault.NO_CREDENTIAL, 401, "Unauthorized"),
    ],
    ids=lambda error: f"{error.status}-{error.code}",
)
@simulated
async def test_a_put_that_fails_three_times_converges_with_one_more(
    world: World, error: AzureError
) -> None:
    world.azure.faults.plan("put_ranges", error, times=3)
    await _programmed(world)
    await world.until(lambda: world.state() == "Active", within=900)
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.tried()) == 4
    assert len(world.puts()) == 1
    assert world.target_state() == "InSync"


@pytest.mark.parametrize("method", ["get", "put_ranges"])
@simulated
async def test_an_error_that_is_remembered_holds_nothing_of_the_attempt(
    world: World, method: str
) -> None:
    error = azure_error(AzureFault.UNCERTAIN, 503, "ServerError")
    world.azure.faults.plan(method, error, times=None)
    await _programmed(world)
    await world.until(lambda: world.azure.faults.asked[method] > 1)
    await world.rest()
    assert error.__traceback__ is None
    assert (error.__cause__, error.__context__) == (None, None)


@simulated
async def test_retry_after_is_never_shortened(world: World) -> None:
    error = azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=300.0)
    world.azure.faults.plan("put_ranges", error)
    await _programmed(world)
    await world.until(lambda: len(world.tried()) == 1)
    first = world.tried()[0].at
    for number in range(5):
        await world.advance(20)
        world.grant(f"more-{number}", f"81.2.69.{number}")
    world.ungrant("more-1")
    await world.until(lambda: len(world.tried()) == 2)
    assert world.tried()[1].at - first >= 300.0
    await world.rest()
    assert len(world.tried()) == 2


@simulated
async def test_a_request_to_look_again_while_writes_are_throttled_costs_one_look(
    world: World,
) -> None:
    await _programmed(world)
    await world.rest()
    error = azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=300.0)
    world.azure.faults.plan("put_ranges", error)
    world.grant("more", "81.2.69.1")
    await world.until(lambda: world.target_state() == "Throttled")
    began, reads, tries = world.now, len(world.gets()), len(world.tried())
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "now"})
    await world.advance(120)
    assert len(world.gets()) - reads <= 2
    await world.until(lambda: len(world.tried()) > tries)
    assert 280.0 <= world.now - began <= 310.0
    await world.rest()
    assert world.list_of() == {*WANTED, "81.2.69.1/32"}


@simulated
async def test_a_throttled_read_waits_as_long_as_it_is_told(world: World) -> None:
    await _programmed(world)
    await world.rest()
    error = azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=300.0)
    world.azure.faults.plan("get", error)
    reads = len(world.gets())
    world.ungrant()
    await world.until(lambda: len(world.gets()) == reads + 1)
    began = world.now
    world.grant("more", "81.2.69.1")
    await world.until(lambda: len(world.gets()) > reads + 1)
    assert world.now - began >= 299.0
    await world.rest()
    assert world.list_of() == {*BARE, "81.2.69.1/32"}


@simulated
async def test_i4_what_falls_due_while_reads_are_throttled_is_overdue_on_time(
    world: World,
) -> None:
    world.expect("I3", because="Azure forbids every request for an hour")
    await _programmed(world)
    await world.rest()
    long = azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=3600.0)
    world.azure.faults.plan("get", long)
    world.regrant(reason="look")
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "now"})
    await world.advance(60)
    reads = len(world.gets())
    world.ungrant()
    await world.advance(30)
    assert world.state() == "RevocationPending"
    await world.advance(minutes=15)
    assert world.target_state() == "RevocationOverdue"
    assert world.gone(), "its debt is the ledger's"
    assert len(world.gets()) == reads, "Azure is asked before its time"
    await world.advance(minutes=45)
    await world.rest()
    assert world.list_of() == BARE


@pytest.mark.parametrize("method", ["get", "put_ranges"])
@pytest.mark.parametrize(
    "error",
    [
        azure_error(AzureFault.BUSY, 409, "OperationNotAllowed"),
        azure_error(AzureFault.CHANGED, 412, "PreConditionFailed"),
        azure_error(AzureFault.THROTTLED, 429, "Throttled"),
        azure_error(AzureFault.UNCERTAIN, 503, "ServerError"),
        azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed"),
        azure_error(AzureFault.NO_CREDENTIAL, 401, "Unauthorized"),
        azure_error(AzureFault.INVALID, 400, "InvalidParameter"),
        azure_error(AzureFault.STOPPED, 400, "OperationNotAllowed"),
    ],
    ids=lambda error: f"{error.status}-{error.code}",
)
@simulated
async def test_no_loop_is_faster_than_its_back_off(
    world: World, method: str, error: AzureError
) -> None:
    await _programmed(world)
    await world.rest()
    world.azure.faults.plan(method, error, times=None)
    reads, writes, tries = len(world.gets()), len(world.objects.writes), len(world.tried())
    world.ungrant()
    world.grant("new", "81.2.69.1")
    await world.advance(hours=1)
    quick = error.fault in (AzureFault.BUSY,)
    assert len(world.gets()) - reads <= (1000 if quick else 250), "GETs in an hour"
    assert len(world.tried()) - tries <= (245 if quick else 90), "PUTs in an hour"
    told = len(world.objects.writes) - writes
    assert told <= 15 + 2 * (len(world.tried()) - tries), "writes to objects in an hour"


@simulated
async def test_i5_an_answer_lost_after_the_put_was_applied(world: World) -> None:
    lost = azure_error(AzureFault.UNCERTAIN, None, "timeout")
    world.azure.faults.plan("put_ranges", lost, applied=True)
    await _programmed(world)
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.tried()) == 1
    assert world.owned() == {OFFICE, LAPTOP}
    assert world.state() == "Active"


@simulated
async def test_a_removal_whose_answer_was_lost(world: World) -> None:
    await _programmed(world)
    await world.rest()
    lost = azure_error(AzureFault.UNCERTAIN, 504, "GatewayTimeout")
    world.azure.faults.plan("put_ranges", lost, applied=True)
    world.ungrant()
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()
    assert len(world.tried()) == 2


@pytest.mark.parametrize("outcome", [OperationState.FAILED, OperationState.CANCELED])
@simulated
async def test_threat_04_an_operation_that_fails_is_sent_again(
    world: World, outcome: OperationState
) -> None:
    await _programmed(world, outcomes=[outcome, outcome])
    await world.until(lambda: len(world.puts()) == 3, within=900)
    await world.rest()
    assert len(world.puts()) == 3
    assert world.list_of() == WANTED
    assert world.state() == "Active"
    assert world.ledger().in_flight is None


@pytest.mark.parametrize("outcome", [OperationState.FAILED, OperationState.CANCELED])
@simulated
async def test_threat_04_a_removal_whose_operation_fails_is_sent_again(
    world: World, outcome: OperationState
) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    cluster.outcomes = [outcome]
    world.ungrant()
    await world.until(lambda: len(world.puts()) == 2)
    await world.advance(55)
    assert not world.gone()
    await world.rest()
    assert len(world.puts()) == 3
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_an_operation_that_always_fails_is_sent_ever_more_slowly(world: World) -> None:
    await _programmed(world, outcomes=[OperationState.FAILED] * 1000)
    await world.advance(hours=2)
    assert len(world.tried()) <= 20
    assert world.state() != "Active"


@simulated
async def test_i4_a_range_that_azure_refuses_delays_nobody(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    world.grant("leaving")
    world.grant("staying", "81.2.69.1")
    await world.start()
    await world.rest()
    world.ungrant("leaving")
    world.grant("good", "81.2.69.2")
    world.grant("bad", "81.2.69.66")
    await world.until(lambda: LAPTOP not in (world.list_of() or ()), within=10)
    await world.rest()
    assert world.gone("leaving")
    assert world.list_of() == {*BARE, "81.2.69.1/32", "81.2.69.2/32"}
    assert world.state("bad") == "RangeRefused"
    assert world.state("good") == "Active"
    refused = [r for r in world.tried() if r.result == "Invalid"]
    assert len(refused) <= 3
    tries = len(world.tried())
    await world.advance(hours=5)
    assert len(world.tried()) == tries
    world.regrant("bad", ipRanges=["81.2.69.3"])
    await world.rest()
    assert world.state("bad") == "Active"


@simulated
async def test_i4_a_culprit_is_found_where_an_earlier_answer_was_lost(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    await world.start()
    await world.rest()
    lost = azure_error(AzureFault.UNCERTAIN, 504, "GatewayTimeout")
    world.azure.faults.plan("put_ranges", lost)
    tries = len(world.tried())
    world.grant("good", "81.2.69.2")
    world.grant("bad", "81.2.69.66")
    await world.rest()
    assert world.state("bad") == "RangeRefused"
    assert world.state("good") == "Active"
    assert len(world.tried()) - tries <= 5


@simulated
async def test_the_oldest_of_several_is_not_blamed_for_the_newest(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    await world.start()
    await world.rest()
    for number in range(6):
        world.grant(f"good-{number}", f"81.2.69.{number}")
        await world.advance(0.5)
    world.grant("bad", "81.2.69.66")
    await world.rest()
    assert world.state("bad") == "RangeRefused"
    assert {world.state(f"good-{number}") for number in range(6)} == {"Active"}


@simulated
async def test_an_older_culprit_is_found_and_the_others_come_back(world: World) -> None:
    world.cluster(unacceptable={"81.2.69.66/32"})
    world.target()
    await world.start()
    await world.rest()
    world.grant("bad", "81.2.69.66")
    await world.advance(0.5)
    for number in range(6):
        world.grant(f"good-{number}", f"81.2.69.{number}")
    await world.advance(hours=6)
    assert world.state("bad") == "RangeRefused"
    assert {world.state(f"good-{number}") for number in range(6)} == {"Active"}


@simulated
async def test_a_baseline_entry_that_azure_refuses_is_nobodys_fault(world: World) -> None:
    world.cluster(unacceptable={OFFICE})
    world.target()
    world.grant("leaving")
    world.grant("staying", "81.2.69.1")
    await world.start()
    await world.advance(hours=2)
    assert world.state("staying") == "TargetBlocked"
    assert world.target_state() == "WriteRefused"
    assert len(world.tried()) <= 20
    world.retarget(baseline=None)
    await world.advance(minutes=12)
    await world.rest()
    assert world.state("staying") == "Active"


@simulated
async def test_what_is_applied_while_a_write_is_under_way_gets_its_finalizer_first(
    world: World,
) -> None:
    world.cluster()
    world.target(baseline=None)
    world.azure.latency = 4.0
    world.grant()
    await world.start()
    await world.until(lambda: len(world.gets()) == 2)
    world.grant("late", "81.2.69.1", duration="1h")
    await world.until(lambda: len(world.tried()) == 1)
    raw = world.raw("late")
    assert raw is not None
    inside = "81.2.69.1/32" in (world.tried()[0].sent or ())
    assert not inside or raw["metadata"].get("finalizers")  # type: ignore[attr-defined]
    assert not inside or world.activations.recorded
    await world.rest()
    assert world.state("late") == "Active"


@simulated
async def test_capacity_is_counted_before_azure_has_to(world: World) -> None:
    world.cluster()
    world.target()
    for block in range(4):
        world.grant(f"block-{block}", *[f"81.2.{block}.{n}" for n in range(0, 98, 2)])
    world.grant("last", "81.3.0.2", "81.3.0.4", "81.3.0.6")
    await world.start()
    await world.rest()
    assert len(world.list_of() or ()) <= 200
    assert world.state("last") == "CapacityExceeded"
    assert world.target_state() == "CapacityExceeded"
    assert all(r.result == "ok" for r in world.tried())
    world.ungrant("block-0")
    await world.rest()
    assert world.state("last") == "Active"


@simulated
async def test_one_of_201_entries_waits_until_there_is_room(world: World) -> None:
    cluster = world.cluster(ranges=[f"198.41.{n // 200}.{n % 200}/32" for n in range(199)])
    world.target(baseline=None)
    world.grant("first", "81.2.69.1")
    await world.start()
    await world.rest()
    world.grant("second", "81.2.69.2")
    await world.rest()
    assert len(world.list_of() or ()) == 200
    assert world.state("second") == "CapacityExceeded"
    cluster.set_by_others([entry for entry in world.list_of() or () if entry != "198.41.0.0/32"])
    await world.advance(minutes=12)
    await world.rest()
    assert world.state("second") == "Active"
    assert len(world.list_of() or ()) == 200


@simulated
async def test_i4_the_bucket_is_not_emptied_and_revocations_still_find_writes(world: World) -> None:
    world.unpaced()
    world.cluster(operation_seconds=1.0)
    world.target()
    await world.start()
    for number in range(40):
        world.grant(f"g{number}", f"81.2.69.{number}")
        await world.until(lambda: len(world.tried()) > 0)
        await world.advance(50)
    used = [r for r in world.tried() if r.result != "ok"]
    assert not used, "Azure had to throttle"
    assert world.state("g39") in ("Active", "TargetBlocked", "Progressing")
    world.ungrant("g0")
    await world.until(lambda: "81.2.69.0/32" not in (world.list_of() or ()), within=70)
    await world.rest()
    assert all(world.state(f"g{number}") == "Active" for number in range(1, 40))


@simulated
async def test_the_etag_that_moves_between_read_and_write(world: World) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    world.azure.latency = 2.0
    await world.start()
    for _ in range(20):
        await world.advance(0.5)
        cluster.touch()
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.puts()) == 1


@simulated
async def test_an_entry_that_somebody_adds_while_ours_is_refused_stays_theirs(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    world.azure.faults.plan(
        "put_ranges", azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    )
    world.grant()
    await world.start()
    await world.until(lambda: len(world.tried()) == 1)
    cluster.set_by_others({FOREIGN, LAPTOP})
    await world.advance(minutes=15)
    await world.rest()
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@pytest.mark.parametrize("method", ["patch_status", "add_finalizer", "remove_finalizer"])
@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("error", [KubeError("503", status=503), KubeConflict("409", status=409)])
@simulated
async def test_kubernetes_fails_for_a_while(
    world: World, method: str, applied: bool, error: KubeError
) -> None:
    world.objects.faults.plan(method, error, times=5, applied=applied)
    await _programmed(world)
    await world.advance(minutes=5)
    await world.rest()
    assert world.state() == "Active"
    assert world.target_state() == "InSync"
    world.ungrant()
    await world.advance(minutes=5)
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE
    assert len(world.puts()) <= 3


@pytest.mark.parametrize("method", ["add_finalizer", "record"])
@simulated
async def test_what_a_grant_needs_first_is_tried_again_though_nothing_changes(
    world: World, method: str
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    faults = world.objects.faults if method == "add_finalizer" else world.activations.faults
    faults.plan(method, KubeConflict("409", status=409), times=3, about="")
    world.grant(duration="1h")
    await world.until(lambda: world.state() == "Active", within=150)
    assert len(world.activations.recorded) == 1


@pytest.mark.parametrize("method", ["load", "save"])
@pytest.mark.parametrize("applied", [False, True])
@simulated
async def test_ledgers_fail_for_a_while(world: World, method: str, applied: bool) -> None:
    world.ledgers.faults.plan(method, KubeError("503", status=503), times=4, applied=applied)
    await _programmed(world)
    await world.advance(minutes=5)
    await world.rest()
    assert world.list_of() == WANTED
    assert world.owned() == {OFFICE, LAPTOP}
    world.ungrant()
    world.ledgers.faults.plan(method, KubeError("503", status=503), times=4, applied=applied)
    await world.advance(minutes=5)
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_i4_a_removal_does_not_wait_for_the_ledger(world: World) -> None:
    await _programmed(world)
    await world.rest()
    fault = world.ledgers.faults.plan("save", KubeError("503", status=503), times=None)
    world.ungrant()
    await world.until(lambda: world.list_of() == BARE, within=10)
    await world.advance(hours=1)
    assert len(world.puts()) == 2
    assert not world.gone()
    world.ledgers.faults.lift(fault)
    await world.advance(minutes=3)
    await world.rest()
    assert world.gone()


@simulated
async def test_i5_an_addition_waits_for_the_ledger(world: World) -> None:
    world.ledgers.faults.plan("save", KubeError("503", status=503), times=None)
    await _programmed(world)
    await world.advance(hours=1)
    assert not world.tried()


@simulated
async def test_somebody_else_writes_the_ledger_all_the_time(world: World) -> None:
    await _programmed(world)
    await world.rest()
    world.grant("more", "81.2.69.1")
    for _ in range(100):
        await world.advance(0.7)
        world.ledgers.meddle(key_of("weu"))
    await world.rest()
    assert world.list_of() == {*WANTED, "81.2.69.1/32"}
    assert world.owned() == {OFFICE, LAPTOP, "81.2.69.1/32"}


@pytest.mark.parametrize("kind", list(Kind))
@simulated
async def test_i8_a_partial_view_revokes_nothing_but_what_the_clock_ends(
    world: World, kind: Kind
) -> None:
    world.cluster()
    world.target()
    world.grant("ending", "81.2.69.1", expiresAt=world.at(hours=2))
    world.grant()
    await world.start()
    await world.rest()
    world.api.unlistable[kind] = "403 Forbidden"
    await world.advance(minutes=11)
    world.retarget(policy={"allowedNamespaces": {"from": "All"}})
    await world.advance(minutes=40)
    assert world.list_of() == {*WANTED, "81.2.69.1/32"}
    reads = len(world.gets())
    await world.advance(hours=2)
    assert world.list_of() == WANTED
    assert len(world.gets()) - reads < 150, "a list that fails is no reason to ask Azure"
    del world.api.unlistable[kind]
    await world.advance(minutes=15)
    assert world.list_of() == BARE
    assert world.state() == "PolicyDenied"


@simulated
async def test_i8_what_waited_for_a_whole_view_goes_though_the_ledgers_cannot_be_listed(
    world: World,
) -> None:
    await _programmed(world)
    await world.rest()
    process = world.process
    world.api.unlistable[Kind.NAMESPACE] = "503"
    await process.engine.refresh(relist=process.relist)
    world.regrant(revoked=True)
    await world.advance(60)
    assert world.list_of() == WANTED
    world.ledgers.faults.plan("keys", KubeError("no usable answer", status=503))
    world.api.unlistable.clear()
    await process.engine.refresh(relist=process.relist)
    await world.until(lambda: world.list_of() == BARE, within=5.0)


@simulated
async def test_i8_what_waited_goes_when_another_round_of_lists_completes_the_view(
    world: World,
) -> None:
    await _programmed(world)
    await world.rest()
    process, broken = world.process, asyncio.Event()

    async def later() -> bool:
        await broken.wait()
        await world.advance(30)
        world.api.unlistable.clear()
        return await process.relist()

    second = asyncio.ensure_future(process.engine.refresh(relist=later))
    await asyncio.sleep(0)
    world.api.unlistable[Kind.NAMESPACE] = "503"
    await process.engine.refresh(relist=process.relist)
    broken.set()
    world.regrant(revoked=True)
    await second
    assert world.list_of() == WANTED
    await world.until(lambda: world.list_of() == BARE, within=5.0)


@simulated
async def test_a_list_that_fails_at_the_start_is_waited_for(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    world.api.unlistable[Kind.NAMESPACE] = "403 Forbidden"
    await world.start()
    await world.advance(minutes=5)
    assert not world.tried()
    del world.api.unlistable[Kind.NAMESPACE]
    await world.advance(minutes=12)
    await world.rest()
    assert world.list_of() == WANTED


@simulated
async def test_a_watch_that_stalls_is_made_good_by_the_next_list(world: World) -> None:
    await _programmed(world)
    await world.rest()
    world.process.watch.held = True
    world.ungrant()
    await world.advance(minutes=25)
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_a_late_watch_brings_nothing_back(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    world.process.watch.delay = 30.0
    world.grant()
    await world.advance(31)
    await world.rest()
    assert world.state() == "Active"
    world.ungrant()
    await world.advance(40)
    await world.rest()
    assert world.gone()
    assert world.list_of() == BARE
    assert len(world.puts()) == 3


@simulated
async def test_i6_a_closed_fence_writes_nothing(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    process = await world.start()
    process.leadership.seconds = 15.0
    await world.advance(minutes=10)
    assert not world.tried()
    process.leadership.seconds = 30.0
    await world.advance(minutes=3)
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.puts()) == 1


@simulated
async def test_i6_of_two_engines_only_the_one_with_the_lease_writes(world: World) -> None:
    world.cluster()
    world.target()
    first = await world.start()
    await world.rest()
    first.leadership.seconds = 0.0
    await world.start()
    for number in range(5):
        world.grant(f"g{number}", f"81.2.69.{number}")
        await world.advance(70)
    await world.rest()
    assert len(world.tried()) == 6
    assert all(r.result == "ok" for r in world.tried())
    assert len(world.list_of() or ()) == 7


@simulated
async def test_an_engine_that_stops_releases_its_tasks_and_another_takes_over(
    world: World,
) -> None:
    await _programmed(world)
    await world.advance(0.7)
    await world.process.engine.stop(grace=8.0)
    world.kill()
    await world.start()
    await world.rest()
    assert world.list_of() == WANTED
    assert len(world.puts()) == 1


def test_i6_an_engine_that_stops_begins_no_write_of_those_that_wait() -> None:
    async def scenario(world: World) -> None:
        names = [f"c{number}" for number in range(12)]
        for name in names:
            world.cluster(name)
            world.target(name)
            world.grant(f"on-{name}", target=name)
        process = await world.start()
        await world.rest()
        for name in names:
            world.ungrant(f"on-{name}")
        await world.until(lambda: len(world.azure.requests("put")) > len(names))
        begun = len(world.azure.requests("put"))
        await process.engine.stop(grace=8.0)
        assert len(world.azure.requests("put")) - begun <= workers, "only what was at work"
        await world.restart()
        await world.rest()
        assert all(world.list_of(name) == BARE for name in names)

    workers = 2
    play(scenario, config=EngineConfig(workers=workers))

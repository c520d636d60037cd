"""How long an error of Azure's holds something back: as long as it says, and never a removal."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from aks_access.engine.fakes.cluster import SimCluster, azure_error
from aks_access.engine.ports import Kind
from aks_access.errors import AzureError, AzureFault
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP, OTHER, WANTED, programmed, soon
from tests.sim.world import FOREIGN, OFFICE, World, key_of, resource_id


@dataclass(slots=True)
class _Policed(SimCluster):
    """An Azure policy answers lists that hold `OTHER` with `fault`."""

    fault: AzureFault = AzureFault.FORBIDDEN

    def _refuse(self, *, etag: str | None, ranges: Sequence[str]) -> None:
        super(_Policed, self)._refuse(etag=etag, ranges=ranges)
        if OTHER in ranges:
            raise azure_error(self.fault, 403, "RequestDisallowedByPolicy")


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
    await programmed(world)
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
    await programmed(world)
    await world.until(lambda: world.azure.faults.asked[method] > 1)
    await world.rest()
    assert error.__traceback__ is None
    assert (error.__cause__, error.__context__) == (None, None)


@simulated
async def test_retry_after_is_never_shortened(world: World) -> None:
    error = azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=300.0)
    world.azure.faults.plan("put_ranges", error)
    await programmed(world)
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
    await programmed(world)
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
    await programmed(world)
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
    await programmed(world)
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
    await programmed(world)
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


@pytest.mark.parametrize(
    ("fault", "status"), [(AzureFault.FORBIDDEN, 403), (AzureFault.UNCERTAIN, 503)]
)
@simulated
async def test_i4_an_end_within_the_back_off_of_a_failed_read_is_kept(
    world: World, fault: AzureFault, status: int
) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=2))
    await world.start()
    await world.rest()
    broken = azure_error(fault, status, "Broken")
    planned = world.azure.faults.plan("get", broken, times=None, about=key_of("weu"))
    await world.until(lambda: world.clock.now().hour == 12, within=7200)
    world.azure.faults.lift(planned)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 65.0


@pytest.mark.parametrize("fault", [AzureFault.FORBIDDEN, AzureFault.LOCKED, AzureFault.REFUSED])
@simulated
async def test_i4_an_end_within_the_back_off_of_a_refused_addition_is_kept(
    world: World, fault: AzureFault
) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(minutes=30))
    await world.start()
    await world.rest()
    await world.until(lambda: world.clock.now().minute >= 28)
    world.azure.faults.plan("put_ranges", azure_error(fault, 403, "No"), about=key_of("weu"))
    world.grant("second", "81.2.69.150")
    await world.until(lambda: world.clock.now().minute >= 30)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0


@pytest.mark.parametrize("fault", [AzureFault.REFUSED, AzureFault.FORBIDDEN])
@simulated
async def test_i4_a_refused_addition_never_holds_a_removal_back(
    world: World, fault: AzureFault
) -> None:
    world.azure.add(_Policed(resource_id=resource_id("weu"), ranges=(FOREIGN,), fault=fault))
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    world.retarget(baseline={"ipRanges": [OFFICE, OTHER]})
    world.regrant(revoked=True)
    world.process.watch.held = False
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0


@simulated
async def test_i4_removals_first_does_not_outlive_its_removal(world: World) -> None:
    cluster = world.cluster()
    cluster.unacceptable.add(OTHER)
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    world.retarget(baseline={"ipRanges": [OFFICE, OTHER]})
    world.regrant(revoked=True)
    world.process.watch.held = False
    tried = len(world.tried())
    await soon(lambda: len(world.tried()) > tried)
    assert world.tried()[-1].result == AzureFault.INVALID.value
    cluster.set_by_others([FOREIGN, OFFICE])
    await world.advance(minutes=5)
    world.retarget(baseline={"ipRanges": [OFFICE]})
    world.grant("good", "81.2.69.170")
    await world.advance(minutes=30)
    assert "81.2.69.170/32" in (world.list_of() or set())

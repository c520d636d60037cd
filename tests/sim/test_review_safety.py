"""Races, crashes and partial failures around one write: what each must never cost."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from aks_access.engine.fakes.cluster import SimCluster, azure_error
from aks_access.engine.ports import Kind, OperationState
from aks_access.errors import AzureFault, KubeConflict, KubeError
from aks_access.plan.ledger import EntryState
from tests.sim.world import FOREIGN, OFFICE, World, key_of, resource_id, simulated

LAPTOP = "81.2.69.142/32"
OTHER = "81.2.69.150/32"


async def soon(condition: Callable[[], bool]) -> None:
    """Advance by milliseconds, to act between two steps of a pass."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came")


@simulated
async def test_i9_an_unreadable_ledger_blocks_the_release_while_azure_cannot_be_read(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.ledgers.spoil(key_of("weu"))
    forbidden = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    fault = world.azure.faults.plan("get", forbidden, times=None, about=key_of("weu"))
    world.ungrant()
    await world.advance(minutes=40)
    assert not world.gone(), "released although nobody knows what the ledger holds for it"
    world.azure.faults.lift(fault)
    await world.advance(minutes=40)
    assert LAPTOP not in (world.list_of() or set())
    assert world.gone()


@simulated
async def test_i9_a_ledger_from_a_backup_blocks_the_release_while_azure_cannot_be_read(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    early = len(world.ledgers.saves)
    world.grant()
    await world.rest()
    world.ledgers.roll_back(key_of("weu"), by=len(world.ledgers.saves) - early)
    forbidden = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    fault = world.azure.faults.plan("get", forbidden, times=None, about=key_of("weu"))
    world.ungrant()
    await world.advance(minutes=40)
    assert not world.gone(), "the ledger is older than what the target remembers"
    world.azure.faults.lift(fault)
    await world.advance(minutes=40)
    assert LAPTOP not in (world.list_of() or set())
    assert world.gone()


@simulated
async def test_i5_a_target_does_not_go_while_a_debt_of_a_released_grant_stands(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    cluster.power_state = "Stopped"
    world.ungrant()
    await world.advance(minutes=20)
    assert world.gone(), "its debt is the ledger's"
    world.untarget()
    await world.advance(minutes=30)
    assert not world.target_gone(), "its ledger still has a debt"
    cluster.power_state = "Running"
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.target_gone()


@simulated
async def test_i2_what_a_stranger_adds_between_the_two_looks_stays_the_strangers(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant("two", "81.2.69.142", "81.2.69.150")
    saves = len(world.ledgers.saves)

    def intended() -> bool:
        return any(ledger.in_flight for _, ledger in world.ledgers.saves[saves:])

    await soon(intended)
    cluster.set_by_others([FOREIGN, OFFICE, LAPTOP])
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP, OTHER}
    assert LAPTOP not in world.owned()
    world.ungrant("two")
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_threat_11_an_entry_that_a_412_lets_us_see_is_the_strangers_who_put_it_in(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant("two", "81.2.69.142", "81.2.69.150")
    gate = world.process.gate
    await soon(lambda: gate.calls[-1] == "put_ranges sent")
    cluster.set_by_others([FOREIGN, OFFICE, LAPTOP])
    await world.rest()
    assert world.tried()[-2].result == AzureFault.CHANGED.value
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP, OTHER}
    assert world.owned() == {OFFICE, OTHER}
    world.ungrant("two")
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}


@simulated
async def test_i5_a_failing_api_server_does_not_lose_the_ledger_of_a_target_that_goes(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.objects.faults.plan("remove_finalizer", KubeError("no", status=500), about="weu")
    world.untarget()
    await world.advance(minutes=20)
    assert world.target_gone()
    assert world.list_of() == {FOREIGN, OFFICE}


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


@simulated
async def test_i4_a_baseline_that_azure_refuses_does_not_drain_the_bucket(world: World) -> None:
    cluster = world.cluster()
    cluster.unacceptable.add("51.141.0.0/24")
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    tried = len(world.tried())
    world.retarget(baseline={"ipRanges": [OFFICE, "51.141.0.0/24"]})
    await world.advance(minutes=30)
    assert len(world.tried()) - tried <= 5
    await world.until(lambda: LAPTOP not in (world.list_of() or set()), within=1860)


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


@dataclass(slots=True)
class _Policed(SimCluster):
    """An Azure policy answers lists that hold `OTHER` with `fault`."""

    fault: AzureFault = AzureFault.FORBIDDEN

    def _refuse(self, *, etag: str | None, ranges: Sequence[str]) -> None:
        super(_Policed, self)._refuse(etag=etag, ranges=ranges)
        if OTHER in ranges:
            raise azure_error(self.fault, 403, "RequestDisallowedByPolicy")


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


@simulated
async def test_i5_nothing_is_added_that_could_not_be_recorded(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("gone", OTHER)
    world.grant("kept")
    await world.start()
    await world.rest()
    fault = world.ledgers.faults.plan("save", KubeError("no", status=500), times=1)
    gets = len(world.gets())
    world.regrant("gone", revoked=True)
    await soon(lambda: not fault.times and len(world.gets()) > gets)
    world.regrant("kept", ipRanges=["81.2.69.142", "81.2.69.200"])
    await world.until(lambda: OTHER not in (world.list_of() or set()))
    await world.rest()
    assert "81.2.69.200/32" in (world.list_of() or set())
    for put in world.puts():
        added = set(put.sent or ()) - set(put.before or ())
        saved = [ledger for at, ledger in world.ledgers.saves if at <= put.at]
        assert added <= {entry for ledger in saved for entry in ledger.entries}


@simulated
async def test_an_entry_that_a_lost_answer_wrote_late_is_programmed(world: World) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    tried = len(world.tried())
    world.azure.faults.plan(
        "put_ranges", azure_error(AzureFault.UNCERTAIN, None, ""), about=key_of("weu")
    )
    world.grant()
    await soon(lambda: len(world.tried()) > tried)
    gets = len(world.gets())
    await soon(lambda: len(world.gets()) == gets + 2)
    cluster.set_by_others([FOREIGN, OFFICE, LAPTOP])  # the first PUT lands after all
    await world.advance(minutes=30)
    assert world.state() == "Active"
    assert world.ledger().entries[LAPTOP].state is EntryState.OWNED


@simulated
async def test_i6_a_failed_operation_is_not_taken_for_done_by_a_later_look(world: World) -> None:
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    cluster.outcomes.append(OperationState.FAILED)
    world.grant()
    await world.until(lambda: len(world.puts()) == 2)
    first = cluster.operations[-1]
    await world.until(lambda: first.state is not OperationState.RUNNING or world.now > first.ends)
    cluster.settle()
    cluster.provisioning_state = "Succeeded"  # AKS says so, the operation does not
    await world.rest()
    assert len(world.puts()) == 3


@simulated
async def test_i4_a_target_that_cannot_be_finalized_still_revokes(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()

    def strip(raw: dict[str, object]) -> None:
        raw["metadata"].pop("finalizers", None)  # type: ignore[attr-defined]

    world.objects.faults.plan(
        "add_finalizer", KubeError("a webhook denies it", status=500), times=None, about="weu"
    )
    world.api.edit(Kind.TARGET, "weu", change=strip)
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0


@simulated
async def test_i4_a_duplicate_that_cannot_be_released_delays_nobody(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.target("copy", cluster="weu")
    await world.rest()

    def add(raw: dict[str, object]) -> None:
        raw["metadata"]["finalizers"] = ["aksaccess.dev/release-cluster"]  # type: ignore[index]

    world.api.edit(Kind.TARGET, "copy", change=add)
    world.objects.faults.plan(
        "remove_finalizer", KubeError("no", status=500), times=None, about="copy"
    )
    world.untarget("copy")
    await world.advance(minutes=5)
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0


@simulated
async def test_i4_one_grant_that_cannot_be_confirmed_gone_holds_up_nobody_else(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant("vanishing", "81.2.69.150")
    world.grant()
    await world.start()
    await world.rest()
    world.process.watch.lose = lambda kind, event, name: name == "vanishing"
    world.objects.faults.plan("get", KubeError("no", status=500), times=None, about="vanishing")
    world.api.force_delete(Kind.GRANT, "vanishing", namespace="team-a")
    await world.advance(minutes=15)
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 5.0
    assert "81.2.69.150/32" in (world.list_of() or set())


@simulated
async def test_i8_a_mass_removal_of_a_target_that_went_can_be_acknowledged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.cluster()
    world.target()
    world.grant("many", *(f"81.2.69.{n}" for n in range(130, 138)))
    await world.start()
    await world.rest()
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(minutes=20)
    assert "81.2.69.130/32" in (world.list_of() or set())
    codes = re.findall(r"configmap aks-access-ledger-\w{16} \S+=(\w{10})", caplog.text)
    world.ledgers.acknowledge(key_of("weu"), codes[-1])
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i8_namespaces_that_vanish_do_not_revoke_at_once(world: World) -> None:
    policy = {
        "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"tier": "dev"}}},
        "allowPermanent": True,
    }
    world.mark(Kind.NAMESPACE, "team-a", labels={"tier": "dev"})
    world.cluster()
    world.target(policy=policy)
    world.grant("many", *(f"81.2.69.{n}" for n in range(130, 150)))
    await world.start()
    await world.rest()
    assert "81.2.69.130/32" in (world.list_of() or set())
    world.process.engine.store.listing(Kind.NAMESPACE)
    world.process.engine.store.replaced(Kind.NAMESPACE, [], "999999")
    await world.advance(minutes=5)
    assert "81.2.69.130/32" in (world.list_of() or set())
    assert world.target_state() == "MassRemovalHeld"


@simulated
async def test_i8_an_end_is_kept_by_a_new_leader_that_cannot_list_range_sets(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(minutes=20))
    await world.start()
    await world.rest()
    world.kill()
    world.api.unlistable[Kind.RANGE_SET] = "403"
    await world.advance(minutes=20)
    await world.start()
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 60.0


@simulated
async def test_i4_a_clock_that_was_ahead_leaves_the_write_budget_alone(world: World) -> None:
    world.cluster(operation_seconds=0.5)
    world.target()
    world.clock.offset = timedelta(hours=6)
    await world.start()
    await world.rest()
    for n in range(18):
        world.grant(f"g{n}", f"81.2.69.{150 + n}")
        await world.advance(seconds=50)
    world.grant()
    await world.rest()
    world.clock.offset = timedelta()
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 130.0


@simulated
async def test_i4_an_operation_that_never_ends_does_not_block_for_ever(world: World) -> None:
    world.expect("I3", because="an operation that says it runs is believed for twenty minutes")
    cluster = world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant()
    await world.until(lambda: len(world.puts()) == 2)
    cluster.operations[-1].ends = 1e9
    await world.advance(minutes=2)
    cluster.provisioning_state = "Succeeded"
    world.regrant(revoked=True)
    took = await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    assert took <= 1200.0


@simulated
async def test_i2_an_orphaned_ledger_touches_nothing_of_a_cluster_created_again(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.TARGET, "weu")
    world.cluster(resource_uid="cluster-2", ranges=(FOREIGN, LAPTOP))
    await world.start()
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, LAPTOP}


@simulated
async def test_i2_a_cluster_created_again_between_the_two_looks_of_a_write(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    saves = len(world.ledgers.saves)
    world.regrant(revoked=True)
    await soon(lambda: any(ledger.in_flight for _, ledger in world.ledgers.saves[saves:]))
    world.cluster(resource_uid="cluster-2", ranges=(FOREIGN, LAPTOP))
    await world.advance(minutes=30)
    assert LAPTOP in (world.list_of() or set()), "the new cluster's own entry"


@simulated
async def test_ledger_lost_counts_grants_that_were_moved_away_as_ours(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.kill()
    world.regrant(targetRef={"name": "elsewhere"})
    world.ledgers.lose(key_of("weu"))
    await world.start()
    await world.advance(minutes=20)
    assert LAPTOP not in (world.list_of() or set())


@simulated
async def test_i12_a_cleared_list_goes_back_although_writes_are_scarce(world: World) -> None:
    cluster = world.cluster(operation_seconds=0.5)
    world.target()
    await world.start()
    await world.rest()
    for n in range(17):
        world.grant(f"g{n}", f"81.2.69.{150 + n}")
        await world.until(lambda n=n: f"81.2.69.{150 + n}/32" in (world.list_of() or set()))
        await world.advance(seconds=46)
        if len(world.puts()) >= 14:
            break
    cluster.set_by_others(None)
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "1"})
    took = await world.until(lambda: world.list_of() is not None)
    assert took <= 60.0


@simulated
async def test_i12_a_baseline_that_azure_refuses_does_not_cost_the_one_before(
    world: World,
) -> None:
    cluster = world.cluster()
    cluster.unacceptable.add("51.141.0.0/24")
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.process.watch.held = True
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    world.regrant(revoked=True)
    world.process.watch.held = False
    await world.until(lambda: LAPTOP not in (world.list_of() or set()))
    tried = len(world.tried())
    await world.advance(minutes=60)
    assert OFFICE in (world.list_of() or set())
    assert len(world.tried()) - tried <= 8


@simulated
async def test_i12_a_baseline_is_not_exchanged_by_halves_while_the_clock_is_in_doubt(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.clock.doubt = True
    world.retarget(baseline={"ipRanges": ["51.141.0.0/24"]})
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE}
    world.clock.doubt = False
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, "51.141.0.0/24"}


@simulated
async def test_i4_a_grant_that_cannot_be_finalized_holds_up_nobody_else(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    conflict = KubeConflict("somebody changes it all the time", status=409)
    world.objects.faults.plan("add_finalizer", conflict, times=None, about="laptop")
    world.grant()
    await world.advance(minutes=10)
    gets = len(world.gets())
    world.grant("good", OTHER)
    await world.until(lambda: OTHER in (world.list_of() or set()), within=30.0)
    assert LAPTOP not in (world.list_of() or set())
    await world.advance(minutes=30)
    assert len(world.gets()) - gets < 20


@simulated
async def test_i9_a_write_in_flight_survives_a_change_of_mode(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    world.grant()
    await world.until(lambda: len(world.puts()) == 2)
    world.retarget(mode="Observe")
    world.ungrant()
    await world.advance(minutes=30)
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}
    assert world.target_state() == "RevocationOverdue"
    world.untarget()
    await world.advance(minutes=10)
    assert not world.target_gone()
    world.retarget(mode="Merge")
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i5_a_list_cleared_while_a_write_is_in_flight_comes_back_less_what_ended(
    world: World,
) -> None:
    cluster = world.cluster()
    world.target()
    world.grant("other", OTHER)
    await world.start()
    await world.rest()
    puts = len(world.puts())
    world.grant()
    await world.until(lambda: len(world.puts()) > puts)
    cluster.set_by_others(None)
    world.regrant("other", revoked=True)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i9_a_suspended_target_that_is_deleted_goes_after_its_debts(world: World) -> None:
    world.cluster()
    world.target()
    world.grant()
    await world.start()
    await world.rest()
    world.retarget(suspend=True)
    world.ungrant()
    world.untarget()
    await world.advance(minutes=40)
    assert world.gone(), "its debt is the ledger's"
    assert not world.target_gone()
    world.retarget(suspend=None)
    await world.rest()
    assert world.target_gone()
    assert world.list_of() == {FOREIGN, OFFICE}


@pytest.mark.parametrize("moment", range(0, 60, 3))
@simulated
async def test_i6_two_leaders_for_a_moment_leave_nothing_behind(world: World, moment: int) -> None:
    world.cluster()
    world.target()
    world.grant("other", OTHER)
    await world.start()
    await world.rest()
    world.grant()
    world.regrant("other", revoked=True)
    await asyncio.sleep(0.02 * moment)
    old = world.process
    await world.start()
    await asyncio.sleep(3.0)
    old.kill()
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.gone()

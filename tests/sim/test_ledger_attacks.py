"""Ledgers and activations lost, old, edited, swapped, full, unwritable: what each must never cost.

Every case ends the same way: nothing was opened, nothing removed wholesale, what ended went,
nothing was added before the acknowledgement, and afterwards everything is as it should be.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from aks_access.engine.ports import Kind
from aks_access.errors import KubeConflict, KubeError, KubeForbidden, LedgerUnreadable
from aks_access.kube.ledger_document import decode, encode
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry
from aks_access.plan.withdrawal import MOST
from tests.sim.play import simulated
from tests.sim.scenes import BARE, ENDING, LAPTOP, acknowledge, three_grants
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of

KEY = key_of("weu")
LATE = "81.2.69.99/32"


def edited(world: World, change: Callable[[Ledger], Ledger]) -> None:
    """Somebody edits the ledger's ConfigMap by hand."""
    world.ledgers.rewrite(KEY, change(world.ledger()))


def _lose(world: World) -> None:
    world.ledgers.lose(KEY)


def _spoil(world: World) -> None:
    world.ledgers.spoil(KEY)


def _oldest(world: World) -> None:
    saves = [ledger for _, ledger in world.ledgers.saves if ledger.key == KEY]
    world.ledgers.roll_back(KEY, by=len(saves) - 1)


@pytest.mark.parametrize("attack", [_lose, _spoil, _oldest])
@simulated
async def test_i2_a_grant_made_after_the_loss_does_not_claim_what_stood_before_it(
    world: World, attack: Callable[[World], None]
) -> None:
    await three_grants(world)
    attack(world)
    await world.advance(minutes=15)
    assert world.target_state() == "LedgerLost"
    world.grant("late", FOREIGN, expiresAt=world.at(hours=1))
    await world.advance(minutes=15)
    acknowledge(world, world.code())
    await world.rest()
    assert world.target_state() == "InSync"
    await world.advance(hours=1)
    await world.rest()
    assert world.state("late") == "Expired"
    assert FOREIGN in (world.list_of() or ()), "somebody else's entry went with the grant"


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("attack", [_lose, _spoil, _oldest])
@simulated
async def test_i8_a_lost_ledger_costs_nothing_and_the_way_out_works(
    world: World, attack: Callable[[World], None], running: bool
) -> None:
    await three_grants(world)
    if not running:
        world.kill()
    attack(world)
    if not running:
        await world.start()
    world.grant("late", "81.2.69.99")
    await world.advance(minutes=15)
    assert world.target_state() == "LedgerLost"
    stale = world.code()
    assert world.list_of() == {*BARE, LAPTOP, ENDING, "81.2.69.2/32"}
    assert world.state("late") == "TargetBlocked"
    world.ungrant("gone")
    await world.advance(hours=2)
    assert world.list_of() == {*BARE, LAPTOP}, "what ended or was deleted goes all the same"
    acknowledge(world, stale)
    await world.advance(minutes=15)
    assert LATE not in (world.list_of() or ()), "a code of an earlier state does nothing"
    acknowledge(world, world.code())
    await world.rest()
    assert world.target_state() == "InSync"
    assert world.list_of() == {*BARE, LAPTOP, LATE}
    world.ungrant()
    world.ungrant("late")
    await world.rest()
    assert world.list_of() == BARE


@simulated
async def test_i3_an_older_ledger_still_knows_what_was_ours(world: World) -> None:
    """A grant that is in the old ledger, and force-deleted since, leaves nothing behind."""
    await three_grants(world)
    early = len(world.ledgers.saves)
    world.grant("late", "81.2.69.99")
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.GRANT, "gone", namespace="team-a")
    world.ledgers.roll_back(KEY, by=len(world.ledgers.saves) - early)
    await world.start()
    await world.rest()
    assert world.target_state() == "LedgerLost"
    assert world.list_of() == {*BARE, LAPTOP, ENDING, LATE}


@simulated
async def test_threat_10_a_ledger_and_status_from_a_backup_are_noticed_while_it_runs(
    world: World,
) -> None:
    """Status and ledger go back together: only the process itself knows that they do."""
    await three_grants(world)
    early, status = len(world.ledgers.saves), world.target_status()
    world.ungrant("gone")
    world.grant("late", "81.2.69.99")
    await world.rest()

    def back(raw: dict[str, object]) -> None:
        raw["status"] = status

    world.api.edit(Kind.TARGET, "weu", change=back)
    world.ledgers.roll_back(KEY, by=len(world.ledgers.saves) - early)
    world.grant("gone", "81.2.69.2")  # the backup brings the deleted one back
    await world.rest()
    assert world.target_state() == "LedgerLost"
    assert world.list_of() == {*BARE, LAPTOP, ENDING, LATE}
    await world.restart()
    await world.rest()
    assert world.target_state() == "LedgerLost", "another process knows it from the status"
    assert world.list_of() == {*BARE, LAPTOP, ENDING, LATE}
    acknowledge(world, world.code())
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP, ENDING, LATE, "81.2.69.2/32"}


@simulated
async def test_an_entry_taken_out_of_the_ledger_by_hand_is_somebody_elses(world: World) -> None:
    """Nobody can tell a careful edit from the truth; it never removes or opens anything."""
    world.expect("I9", because="the edit made our entry somebody else's")
    world.expect("I3", because="the edit made our entry somebody else's")
    await three_grants(world)
    edited(
        world,
        lambda ledger: replace(
            ledger, entries={k: e for k, e in ledger.entries.items() if k != LAPTOP}
        ),
    )
    await world.advance(minutes=20)
    assert LAPTOP in (world.list_of() or ())
    assert world.target_status()["summary"]["foreign"] == 2
    world.ungrant()
    await world.rest()
    assert LAPTOP in (world.list_of() or ())


@simulated
async def test_an_entry_put_into_the_ledger_by_hand_goes_with_nobody_asking_for_it(
    world: World,
) -> None:
    await three_grants(world)
    world.expect("I2", because="the edit made somebody else's entry ours")
    made_up = LedgerEntry(
        range=FOREIGN, state=EntryState.OWNED, owners=("nobody",), since=world.clock.now()
    )
    edited(world, lambda it: replace(it, entries={**it.entries, FOREIGN: made_up}))
    await world.advance(minutes=20)
    assert world.list_of() == {OFFICE, LAPTOP, ENDING, "81.2.69.2/32"}


@simulated
async def test_an_owner_changed_by_hand_is_set_right(world: World) -> None:
    await three_grants(world)

    def change(ledger: Ledger) -> Ledger:
        wrong = replace(ledger.entries[LAPTOP], owners=("somebody",))
        return replace(ledger, entries={**ledger.entries, LAPTOP: wrong})

    edited(world, change)
    await world.advance(minutes=20)
    raw = world.raw()
    assert raw is not None
    metadata = raw["metadata"]
    assert isinstance(metadata, dict)
    assert world.ledger().entries[LAPTOP].owners == (metadata["uid"],)
    world.ungrant()
    await world.rest()
    assert LAPTOP not in (world.list_of() or ())


@simulated
async def test_two_ledgers_that_were_swapped_are_refused(world: World) -> None:
    world.cluster("weu")
    world.cluster("neu")
    world.target("weu")
    world.target("neu")
    world.grant()
    world.grant("other", "81.2.69.7", target="neu")
    await world.start()
    await world.rest()
    texts = {name: encode(world.ledger(name)) for name in ("weu", "neu")}
    for name, other in (("weu", "neu"), ("neu", "weu")):
        with pytest.raises(LedgerUnreadable, match="it is about another cluster") as error:
            decode(texts[other], key=key_of(name), version="")
        world.ledgers.spoil(key_of(name), str(error.value))
    await world.advance(minutes=20)
    for name in ("weu", "neu"):
        assert world.target_state(name) == "LedgerLost"
        assert "another cluster" in condition(world.target_status(name), "Ready")["message"]
    assert LAPTOP in (world.list_of("weu") or ())
    assert "81.2.69.7/32" in (world.list_of("neu") or ())


@pytest.mark.parametrize("error", [KubeForbidden("no", status=403), KubeError("no", status=503)])
@pytest.mark.parametrize("method", ["load", "save", "*"])
@simulated
async def test_i4_no_answer_about_config_maps_for_hours_delays_no_removal(
    world: World, method: str, error: KubeError
) -> None:
    await three_grants(world)
    fault = world.ledgers.faults.plan(method, error, times=None)
    world.grant("late", "81.2.69.99")
    world.ungrant("gone")
    await world.advance(hours=3)
    # What cannot be read is remembered, and what is recorded may be added.
    recorded = {LATE} if method == "load" else set()
    assert world.list_of() == {*BARE, LAPTOP, *recorded}
    world.ledgers.faults.lift(fault)
    await world.rest()
    assert world.list_of() == {*BARE, LAPTOP, LATE}
    assert world.target_state() == "InSync"


@simulated
async def test_i6_a_stale_leader_that_writes_the_ledger_costs_no_entry(world: World) -> None:
    await three_grants(world)
    stale = world.ledger()
    world.grant("late", "81.2.69.99")
    await world.rest()
    with pytest.raises(KubeConflict):
        await world.ledgers.save(ledger=replace(stale, version="1"))
    for _ in range(5):
        world.ledgers.meddle(KEY)
        await world.advance(minutes=11)
    world.ungrant()
    await world.rest()
    assert world.list_of() == {*BARE, LATE, ENDING, "81.2.69.2/32"}


@simulated
async def test_i4_a_full_ledger_stops_additions_and_no_removal(world: World) -> None:
    world.cluster(vnet_integration=True)
    world.target(policy={"allowedNamespaces": {"from": "All"}, "allowPermanent": True})
    for number in range(4):
        ranges = [f"20.{number}.{n}.0/24" for n in range(60)]
        world.grant(f"g{number}", *ranges)
    await world.start()
    await world.rest()
    assert len(world.list_of() or ()) == 242
    world.ledgers.most = 200
    world.grant("late", "81.2.69.99")
    await world.rest()
    assert world.target_state() == "LedgerFull"
    assert LATE not in (world.list_of() or ())
    world.ungrant("g0")
    await world.rest()
    assert len(world.list_of() or ()) == 182


@simulated
async def test_threat_17_one_tenants_memory_is_bounded_and_costs_nobody_elses(
    world: World,
) -> None:
    await three_grants(world)
    world.ungrant()
    await world.rest()
    now = world.clock.now()
    flood = {
        text: LedgerEntry(
            range=text, state=EntryState.WITHDRAWN, owners=(), since=now, tenant="team-b"
        )
        for text in (f"90.1.{n // 250}.{n % 250}/32" for n in range(4_000))
    }
    edited(world, lambda it: replace(it, entries={**it.entries, **flood}))
    world.grant("other", "81.2.69.9")
    await world.rest()
    assert world.state("other") == "Active"
    memory = [e for e in world.ledger().entries.values() if e.state is EntryState.WITHDRAWN]
    assert len(memory) == MOST
    assert world.ledger().entries[LAPTOP].tenant not in ("", "team-b")
    world.azure.cluster(key_of("weu")).set_by_others([*(world.list_of() or ()), LAPTOP])
    await world.until(lambda: LAPTOP not in (world.list_of() or ()), within=1200)


@simulated
async def test_a_target_that_lost_its_status_goes_on_with_its_ledger(world: World) -> None:
    await three_grants(world)
    world.kill()

    def bare(raw: dict[str, object]) -> None:
        raw["status"] = {}

    for name in ("laptop", "ending", "gone"):
        world.api.edit(Kind.GRANT, name, namespace="team-a", change=bare)
    world.api.edit(Kind.TARGET, "weu", change=bare)
    puts = len(world.puts())
    await world.start()
    await world.rest()
    assert world.target_state() == "InSync"
    assert len(world.puts()) == puts
    world.ungrant()
    await world.rest()
    assert LAPTOP not in (world.list_of() or ())

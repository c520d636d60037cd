"""Ledgers and activations, where they are kept: one suite for the sims and a real API server.

What it speaks to: see `test_conformance_kube`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aks_access.errors import KubeConflict, LedgerTooLarge, LedgerUnreadable
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry, WriteInFlight
from aks_access.plan.model import cluster_key
from tests.integration.kube_backends import BACKENDS, FAR_TOO_MANY, KubeBackend, Unique, opened

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=BACKENDS)
async def backend(request: pytest.FixtureRequest, unique: Unique) -> AsyncIterator[KubeBackend]:
    async with opened(request, unique=unique) as made:
        yield made


@pytest.fixture
def ledger(unique: Unique) -> Ledger:
    resource_id = (
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/RG"
        f"/providers/Microsoft.ContainerService/managedClusters/{unique('Prod')}"
    )
    entries = {
        name: LedgerEntry(range=name, state=state, owners=owners, since=NOON)
        for name, state, owners in (
            ("20.50.1.7/32", EntryState.OWNED, ("u1", "baseline")),
            ("20.50.1.8/32", EntryState.INTENDED, ("u2",)),
            ("20.50.1.9/32", EntryState.WITHDRAWN, ()),
        )
    }
    return Ledger(
        key=cluster_key(resource_id),
        resource_id=resource_id,
        target_name="prod",
        target_uid="t",
        mode="Merge",
        entries=entries,
        names={"u1": "team-a/one", "u2": "team-a/two"},
        in_flight=WriteInFlight(
            desired=("20.50.1.7/32",), added=("20.50.1.8/32",), removed=(), started=NOON
        ),
        writes=(NOON,),
        verified=("20.50.1.7/32",),
    )


async def test_a_ledger_comes_back_as_it_was_saved(backend: KubeBackend, ledger: Ledger) -> None:
    assert await backend.ledgers.load(key=ledger.key) is None
    assert ledger.key not in await backend.ledgers.keys()
    saved = await backend.ledgers.save(ledger=ledger)
    assert saved.sequence == 1
    assert saved.version
    assert await backend.ledgers.load(key=ledger.key) == saved
    assert ledger.key in await backend.ledgers.keys()
    again = await backend.ledgers.save(ledger=replace(saved, entries={}, in_flight=None))
    assert again.sequence == 2
    assert again.version != saved.version
    assert await backend.ledgers.load(key=ledger.key) == again


async def test_a_ledger_that_somebody_else_wrote(backend: KubeBackend, ledger: Ledger) -> None:
    saved = await backend.ledgers.save(ledger=ledger)
    with pytest.raises(KubeConflict):
        await backend.ledgers.save(ledger=ledger)
    newer = await backend.ledgers.save(ledger=saved)
    with pytest.raises(KubeConflict):
        await backend.ledgers.save(ledger=saved)
    backend.touch_ledger(ledger.key)
    with pytest.raises(KubeConflict):
        await backend.ledgers.save(ledger=newer)
    loaded = await backend.ledgers.load(key=ledger.key)
    assert loaded is not None
    assert loaded.sequence == newer.sequence
    await backend.ledgers.save(ledger=loaded)


async def test_a_ledger_that_was_deleted_is_not_written_again(
    backend: KubeBackend, ledger: Ledger
) -> None:
    saved = await backend.ledgers.save(ledger=ledger)
    await backend.ledgers.delete(key=ledger.key)
    await backend.ledgers.delete(key=ledger.key)
    assert await backend.ledgers.load(key=ledger.key) is None
    with pytest.raises(KubeConflict):
        await backend.ledgers.save(ledger=saved)
    assert await backend.ledgers.load(key=ledger.key) is None
    assert (await backend.ledgers.save(ledger=ledger)).sequence == 1


async def test_a_ledger_that_is_too_large_leaves_the_old_one(
    backend: KubeBackend, ledger: Ledger
) -> None:
    saved = await backend.ledgers.save(ledger=ledger)
    ranges = [f"20.{n >> 16}.{n >> 8 & 255}.{n & 255}/32" for n in range(FAR_TOO_MANY)]
    entries = {
        name: LedgerEntry(range=name, state=EntryState.OWNED, owners=(f"u{n}",), since=NOON)
        for n, name in enumerate(ranges)
    }
    with pytest.raises(LedgerTooLarge):
        await backend.ledgers.save(ledger=replace(saved, entries=entries))
    assert await backend.ledgers.load(key=ledger.key) == saved


async def test_a_ledger_that_cannot_be_read_is_there(backend: KubeBackend, ledger: Ledger) -> None:
    await backend.ledgers.save(ledger=ledger)
    backend.spoil_ledger(ledger.key)
    with pytest.raises(LedgerUnreadable):
        await backend.ledgers.load(key=ledger.key)
    assert ledger.key in await backend.ledgers.keys()
    with pytest.raises(KubeConflict):
        await backend.ledgers.save(ledger=ledger)
    backend.acknowledge(ledger.key, "abc")
    assert await backend.ledgers.acknowledgement(key=ledger.key) == "abc"
    await backend.ledgers.delete(key=ledger.key)
    assert await backend.ledgers.load(key=ledger.key) is None


async def test_i5_a_ledger_that_cannot_be_read_is_written_over_at_its_version(
    backend: KubeBackend, ledger: Ledger
) -> None:
    await backend.ledgers.save(ledger=ledger)
    backend.spoil_ledger(ledger.key)
    with pytest.raises(LedgerUnreadable) as unreadable:
        await backend.ledgers.load(key=ledger.key)
    over = replace(ledger, version=unreadable.value.version)
    backend.touch_ledger(ledger.key)
    with pytest.raises(KubeConflict):
        await backend.ledgers.save(ledger=over)
    with pytest.raises(LedgerUnreadable) as unreadable:
        await backend.ledgers.load(key=ledger.key)
    saved = await backend.ledgers.save(ledger=replace(over, version=unreadable.value.version))
    assert await backend.ledgers.load(key=ledger.key) == saved


async def test_an_acknowledgement_survives_a_save(backend: KubeBackend, ledger: Ledger) -> None:
    assert await backend.ledgers.acknowledgement(key=ledger.key) is None
    await backend.ledgers.save(ledger=ledger)
    assert await backend.ledgers.acknowledgement(key=ledger.key) is None
    backend.acknowledge(ledger.key, "abc")
    loaded = await backend.ledgers.load(key=ledger.key)
    assert loaded is not None
    await backend.ledgers.save(ledger=loaded)
    assert await backend.ledgers.acknowledgement(key=ledger.key) == "abc"


async def test_of_two_writers_of_a_ledger_one_wins(backend: KubeBackend, ledger: Ledger) -> None:
    answers = await asyncio.gather(
        *(backend.ledgers.save(ledger=replace(ledger, target_name=f"t{n}")) for n in range(5)),
        return_exceptions=True,
    )
    won = [answer for answer in answers if isinstance(answer, Ledger)]
    assert len(won) == 1
    assert sum(isinstance(answer, KubeConflict) for answer in answers) == 4
    assert await backend.ledgers.load(key=ledger.key) == won[0]


# activations


async def test_the_first_activation_stays(backend: KubeBackend) -> None:
    where, later = backend.namespace, NOON + timedelta(hours=1)
    one, two = f"uid:{where}/1", f"uid:{where}/2"
    await backend.activations.record(namespace=where, entries={one: NOON})
    await backend.activations.record(namespace=where, entries={one: later, two: later})
    known = await backend.activations.load_all()
    assert {key: known.get(key) for key in (one, two)} == {one: NOON, two: later}
    await backend.activations.forget(namespace=where, keys=[one, "no-such"])
    known = await backend.activations.load_all()
    assert one not in known
    assert known[two] == later
    await backend.activations.record(namespace=where, entries={one: later})
    assert (await backend.activations.load_all())[one] == later


async def test_activations_recorded_side_by_side_are_all_kept(backend: KubeBackend) -> None:
    where = backend.namespace
    await asyncio.gather(
        *(
            backend.activations.record(namespace=where, entries={f"uid:{where}/{n}": NOON})
            for n in range(10)
        )
    )
    known = await backend.activations.load_all()
    assert {key for key in known if key.startswith(f"uid:{where}/")} == {
        f"uid:{where}/{n}" for n in range(10)
    }
    await backend.activations.forget(namespace=where, keys=[f"uid:{where}/{n}" for n in range(10)])
    assert not [key for key in await backend.activations.load_all() if where in key]

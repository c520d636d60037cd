"""The sims of the API server are worth what they share with a real one: one suite for both.

Every test speaks to the engine's Protocols and to `KubeBackend`, and runs on the shipped fakes and
on a real API server through `kube/`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aks_access.api.names import GRANT_FINALIZER
from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeConflict, KubeNotFound, LedgerTooLarge, LedgerUnreadable
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry, WriteInFlight
from aks_access.plan.model import cluster_key
from tests.integration.kube_backends import THEIRS, KubeBackend, RealBackend, SimBackend
from tests.integration.kube_support import ref_of
from tests.unit.kube.recording_feed import RecordingFeed

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FAR_TOO_MANY = 20_000
"""Ledger entries; the real limit is one of bytes."""

Unique = Callable[[str], str]


@pytest.fixture(params=["sim", "api-server"])
async def backend(request: pytest.FixtureRequest, unique: Unique) -> AsyncIterator[KubeBackend]:
    if request.param == "sim":
        made = SimBackend(namespace=unique("team"))
        made.ledgers.most = FAR_TOO_MANY - 1
        yield made
        return
    plane = request.getfixturevalue("control_plane")
    async with RealBackend.opened(plane, request.getfixturevalue("namespace")) as real:
        yield real


@pytest.fixture
def grant(backend: KubeBackend) -> ObjectRef:
    return backend.create(Kind.GRANT, "g")


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


def finalizers(backend: KubeBackend, ref: ObjectRef) -> list[str]:
    raw = backend.read(ref)
    assert raw is not None
    return list(raw["metadata"].get("finalizers", []))


def now(backend: KubeBackend, ref: ObjectRef) -> ObjectRef:
    raw = backend.read(ref)
    assert raw is not None
    return ref_of(ref.kind, raw)


def recreate(backend: KubeBackend, ref: ObjectRef) -> ObjectRef:
    backend.delete(ref)
    return backend.create(ref.kind, ref.name)


# objects: reads, versions, generations


async def test_a_read_is_the_object_or_none(backend: KubeBackend, grant: ObjectRef) -> None:
    raw: Any = await backend.objects.get(kind=Kind.GRANT, namespace=grant.namespace, name="g")
    assert raw is not None
    assert ref_of(Kind.GRANT, raw) == grant
    assert raw["metadata"]["generation"] == 1
    assert "managedFields" not in raw["metadata"]
    missing = await backend.objects.get(kind=Kind.GRANT, namespace=grant.namespace, name="no")
    assert missing is None


async def test_a_spec_moves_generation_and_version_and_labels_the_version_alone(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    labelled = backend.edit(grant, labels={"a": "b"})
    assert labelled.resource_version != grant.resource_version
    raw = backend.read(grant)
    assert raw is not None
    assert raw["metadata"]["generation"] == 1
    backend.respec(grant, ipRanges=["20.50.1.8"])
    raw = backend.read(grant)
    assert raw is not None
    assert raw["metadata"]["generation"] == 2
    assert raw["metadata"]["uid"] == grant.uid


async def test_an_edit_that_changes_nothing_moves_no_version(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    labelled = backend.edit(grant, labels={"a": "b"})
    assert backend.edit(grant, labels={"a": "b"}) == labelled


# objects: finalizers


async def test_a_finalizer_is_added_once_and_beside_others(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    edited = backend.edit(grant, finalizers=[THEIRS])
    raw: Any = await backend.objects.add_finalizer(ref=edited, finalizer=GRANT_FINALIZER)
    assert raw["metadata"]["finalizers"] == [THEIRS, GRANT_FINALIZER]
    written = ref_of(Kind.GRANT, raw)
    again = await backend.objects.add_finalizer(ref=written, finalizer=GRANT_FINALIZER)
    assert ref_of(Kind.GRANT, again) == written
    assert raw["metadata"]["generation"] == 1


async def test_no_finalizer_on_an_object_that_changed(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    backend.edit(grant, labels={"a": "b"})
    with pytest.raises(KubeConflict):
        await backend.objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert finalizers(backend, grant) == []
    unversioned = replace(grant, resource_version="")
    await backend.objects.add_finalizer(ref=unversioned, finalizer=GRANT_FINALIZER)
    assert finalizers(backend, grant) == [GRANT_FINALIZER]


async def test_no_finalizer_on_an_object_that_is_being_deleted(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    backend.edit(grant, finalizers=[THEIRS])
    backend.delete(grant)
    with pytest.raises(KubeConflict):
        await backend.objects.add_finalizer(ref=now(backend, grant), finalizer=GRANT_FINALIZER)
    assert finalizers(backend, grant) == [THEIRS]


async def test_deletion_waits_for_finalizers_and_moves_the_generation(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    raw = await backend.objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    held = ref_of(Kind.GRANT, raw)
    backend.delete(grant)
    raw2 = backend.read(grant)
    assert raw2 is not None
    assert raw2["metadata"]["deletionTimestamp"]
    assert raw2["metadata"]["generation"] == 2
    assert raw2["metadata"]["resourceVersion"] != held.resource_version
    again = now(backend, grant)
    backend.delete(grant)
    assert now(backend, grant) == again, "a second deletion changes nothing"
    await backend.objects.remove_finalizer(ref=held, finalizer=GRANT_FINALIZER)
    assert backend.read(grant) is None


async def test_ours_goes_and_theirs_stays(backend: KubeBackend, grant: ObjectRef) -> None:
    backend.edit(grant, finalizers=[THEIRS, GRANT_FINALIZER])
    backend.delete(grant)
    await backend.objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert finalizers(backend, grant) == [THEIRS]
    before = now(backend, grant)
    await backend.objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert now(backend, grant) == before


async def test_a_namesake_keeps_its_finalizer_and_gets_none(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    namesake = recreate(backend, grant)
    assert namesake.uid != grant.uid
    with pytest.raises(KubeConflict):
        await backend.objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    await backend.objects.add_finalizer(ref=namesake, finalizer=GRANT_FINALIZER)
    await backend.objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert finalizers(backend, grant) == [GRANT_FINALIZER]


async def test_writes_to_an_object_that_is_gone(backend: KubeBackend, grant: ObjectRef) -> None:
    backend.delete(grant)
    with pytest.raises(KubeNotFound):
        await backend.objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    with pytest.raises(KubeNotFound):
        await backend.objects.patch_status(ref=grant, status={"history": []})
    await backend.objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    await backend.objects.delete(ref=grant)


# objects: status


async def test_a_status_is_replaced_whole(backend: KubeBackend, grant: ObjectRef) -> None:
    first = {"summary": {"state": "Active"}, "observedGeneration": 1}
    raw: Any = await backend.objects.patch_status(ref=grant, status=first)
    assert raw["status"] == first
    assert raw["metadata"]["generation"] == 1
    assert raw["metadata"]["resourceVersion"] != grant.resource_version
    second = {"observedGeneration": 1}
    raw = await backend.objects.patch_status(ref=grant, status=second)
    assert raw["status"] == second, "no version is tested, and nothing of the first stays"
    assert raw["spec"]["ipRanges"] == ["20.50.1.7"]


async def test_the_same_status_again_moves_nothing(backend: KubeBackend, grant: ObjectRef) -> None:
    status = {"observedGeneration": 1}
    raw = await backend.objects.patch_status(ref=grant, status=status)
    again = await backend.objects.patch_status(ref=grant, status=status)
    assert ref_of(Kind.GRANT, again) == ref_of(Kind.GRANT, raw)


async def test_a_namesake_does_not_get_the_status(backend: KubeBackend, grant: ObjectRef) -> None:
    recreate(backend, grant)
    with pytest.raises(KubeConflict):
        await backend.objects.patch_status(ref=grant, status={"observedGeneration": 1})
    raw = backend.read(grant)
    assert raw is not None
    assert "observedGeneration" not in raw.get("status", {})


# objects: deletion


async def test_a_deletion_needs_the_version_that_was_read(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    edited = backend.respec(grant, duration="2h")
    with pytest.raises(KubeConflict):
        await backend.objects.delete(ref=grant)
    assert backend.read(grant) is not None
    await backend.objects.delete(ref=edited)
    assert backend.read(grant) is None


async def test_a_deletion_tells_what_is_left(backend: KubeBackend, grant: ObjectRef) -> None:
    held = ref_of(
        Kind.GRANT, await backend.objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    )
    raw: Any = await backend.objects.delete(ref=held)
    assert raw["metadata"]["deletionTimestamp"]
    assert ref_of(Kind.GRANT, raw) == ref_of(Kind.GRANT, backend.read(grant) or {})
    await backend.objects.remove_finalizer(ref=held, finalizer=GRANT_FINALIZER)
    assert await backend.objects.delete(ref=held) is None


async def test_a_deletion_of_what_nothing_holds_leaves_nothing(
    backend: KubeBackend, grant: ObjectRef
) -> None:
    assert await backend.objects.delete(ref=grant) is None
    assert backend.read(grant) is None


async def test_a_deletion_spares_the_namesake(backend: KubeBackend, grant: ObjectRef) -> None:
    recreate(backend, grant)
    await backend.objects.delete(ref=grant)
    await backend.objects.delete(ref=replace(grant, resource_version=""))
    assert backend.read(grant) is not None


# lists and watches


async def test_a_list_is_complete_over_its_pages(backend: KubeBackend, grant: ObjectRef) -> None:
    refs = [grant, *(backend.create(Kind.GRANT, f"g-{number}") for number in range(5))]
    backend.delete(refs[2])
    feed = RecordingFeed()
    await backend.relist(feed)
    steps = [call[:2] for call in feed.calls]
    assert steps == [(step, kind) for kind in Kind for step in ("listing", "replaced")]
    ours = {
        raw["metadata"]["name"]  # type: ignore[index]
        for raw in feed.raw
        if raw["metadata"].get("namespace") == backend.namespace  # type: ignore[attr-defined]
    }
    assert ours == {ref.name for ref in refs} - {refs[2].name}
    version = next(call[3] for call in feed.calls if call[:2] == ("replaced", Kind.GRANT))
    assert int(str(version)) >= max(int(ref.resource_version) for ref in refs)


async def test_a_watch_tells_everything_to_the_end(backend: KubeBackend, unique: Unique) -> None:
    feed, name = RecordingFeed(), unique("watched")
    await backend.watch(feed)
    before = backend.create(Kind.GRANT, name)
    await feed.until(lambda: ("changed", Kind.GRANT, name) in feed.calls)
    await backend.objects.add_finalizer(ref=before, finalizer=GRANT_FINALIZER)
    backend.delete(before)

    def being_deleted() -> bool:
        return any(
            raw["metadata"].get("deletionTimestamp")  # type: ignore[attr-defined]
            for raw in feed.raw
            if raw["metadata"]["name"] == name  # type: ignore[index]
        )

    await feed.until(being_deleted)
    assert ("deleted", Kind.GRANT, name) not in feed.calls
    await backend.objects.remove_finalizer(ref=before, finalizer=GRANT_FINALIZER)
    await feed.until(lambda: ("deleted", Kind.GRANT, name) in feed.calls)
    last: Any = [raw for raw in feed.raw if raw["metadata"]["name"] == name][-1]  # type: ignore[index]
    assert last["metadata"]["uid"] == before.uid
    assert int(last["metadata"]["resourceVersion"]) > int(before.resource_version)


# ledgers


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

"""The sims of the API server are worth what they share with a real one: one suite for both.

Every test speaks to the engine's Protocols and to `KubeBackend`, and runs on the shipped fakes and
on a real API server through `kube/`. Ledgers are in `test_conformance_ledgers`.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from aks_access.api.names import GRANT_FINALIZER
from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeConflict, KubeNotFound
from tests.integration.kube_backends import BACKENDS, THEIRS, KubeBackend, Unique, opened
from tests.integration.kube_support import ref_of
from tests.unit.kube.recording_feed import RecordingFeed


@pytest.fixture(params=BACKENDS)
async def backend(request: pytest.FixtureRequest, unique: Unique) -> AsyncIterator[KubeBackend]:
    async with opened(request, unique=unique) as made:
        yield made


@pytest.fixture
def grant(backend: KubeBackend) -> ObjectRef:
    return backend.create(Kind.GRANT, "g")


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

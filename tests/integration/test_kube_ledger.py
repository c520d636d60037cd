"""Ledgers and activations on a real API server's ConfigMaps."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aks_access.api.names import ACKNOWLEDGE_ANNOTATION, ledger_name
from aks_access.errors import KubeConflict, KubeError, LedgerNewer, LedgerTooLarge, LedgerUnreadable
from aks_access.kube.activations import KubeActivations
from aks_access.kube.connection import Access, Connection
from aks_access.kube.ledger import KubeLedgers
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry
from aks_access.plan.model import cluster_key
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import operator_access

pytestmark = pytest.mark.integration

MERGE_PATCH = "application/merge-patch+json"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

Unique = Callable[[str], str]


@pytest.fixture
async def connection(control_plane: ControlPlane) -> AsyncIterator[Connection]:
    async with await Connection.open(access=operator_access(control_plane)) as connection:
        yield connection


@pytest.fixture
def ledgers(connection: Connection) -> KubeLedgers:
    return KubeLedgers(connection=connection, namespace=NAMESPACE)


@pytest.fixture
def activations(connection: Connection) -> KubeActivations:
    return KubeActivations(connection=connection, namespace=NAMESPACE)


@pytest.fixture
def fresh(unique: Unique) -> Ledger:
    """A ledger that was never written."""
    resource_id = (
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/RG"
        f"/providers/Microsoft.ContainerService/managedClusters/{unique('Prod')}"
    )
    entry = LedgerEntry(range="20.50.1.7/32", state=EntryState.OWNED, owners=("u1",), since=NOON)
    return Ledger(
        key=cluster_key(resource_id),
        resource_id=resource_id,
        target_name="prod",
        target_uid="t",
        mode="Merge",
        entries={entry.range: entry},
    )


def path(name: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}"


def config_map(plane: ControlPlane, ledger: Ledger) -> dict[str, Any]:
    return plane.request("GET", path(ledger_name(ledger.key)))


def edit(plane: ControlPlane, name: str, body: dict[str, Any]) -> None:
    plane.request("PATCH", path(name), body, content_type=MERGE_PATCH)


async def test_what_is_saved_is_loaded(ledgers: KubeLedgers, fresh: Ledger) -> None:
    assert await ledgers.load(key=fresh.key) is None
    first = await ledgers.save(ledger=fresh)
    assert first.sequence == 1
    assert await ledgers.load(key=fresh.key) == first
    second = await ledgers.save(ledger=replace(first, entries={}, verified=("1.2.3.4",)))
    assert second.sequence == 2
    assert second.version != first.version
    assert await ledgers.load(key=fresh.key) == second


async def test_a_namespace_without_any_config_map(
    control_plane: ControlPlane, namespace: str
) -> None:
    access = Access(kubeconfig=str(control_plane.kubeconfig))
    async with await Connection.open(access=access) as connection:
        assert await KubeLedgers(connection=connection, namespace=namespace).keys() == {}
        assert await KubeActivations(connection=connection, namespace=namespace).load_all() == {}


async def test_people_can_tell_whose_ledger_it_is(
    control_plane: ControlPlane, ledgers: KubeLedgers, fresh: Ledger
) -> None:
    await ledgers.save(ledger=fresh)
    metadata = config_map(control_plane, fresh)["metadata"]
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "aks-access-operator",
        "aksaccess.dev/ledger": "true",
    }
    assert metadata["annotations"] == {
        "aksaccess.dev/resource-id": fresh.resource_id,
        "aksaccess.dev/target": "prod",
    }


async def test_a_stale_writer_is_refused(
    control_plane: ControlPlane, ledgers: KubeLedgers, fresh: Ledger
) -> None:
    first = await ledgers.save(ledger=fresh)
    second = await ledgers.save(ledger=first)
    for stale in (fresh, first):
        with pytest.raises(KubeConflict):
            await ledgers.save(ledger=stale)
    assert await ledgers.load(key=fresh.key) == second
    control_plane.request("DELETE", path(ledger_name(fresh.key)))
    with pytest.raises(KubeConflict, match="was deleted by somebody else"):
        await ledgers.save(ledger=second)
    assert await ledgers.load(key=fresh.key) is None


@pytest.mark.parametrize("exists", [False, True])
async def test_of_many_writers_one_wins(ledgers: KubeLedgers, fresh: Ledger, exists: bool) -> None:
    read = await ledgers.save(ledger=fresh) if exists else fresh
    outcomes = await asyncio.gather(
        *(ledgers.save(ledger=replace(read, target_name=str(n))) for n in range(5)),
        return_exceptions=True,
    )
    saved = [outcome for outcome in outcomes if isinstance(outcome, Ledger)]
    assert [type(outcome) for outcome in outcomes].count(KubeConflict) == 4
    assert saved == [await ledgers.load(key=fresh.key)]


async def test_a_ledger_that_would_not_fit_is_not_written(
    ledgers: KubeLedgers, fresh: Ledger
) -> None:
    first = await ledgers.save(ledger=fresh)
    huge = {
        f"20.{n // 256}.{n % 256}.0/24": LedgerEntry(
            range=f"20.{n // 256}.{n % 256}.0/24",
            state=EntryState.OWNED,
            owners=(f"00000000-0000-0000-0000-{n:012d}",),
            since=NOON,
        )
        for n in range(8000)
    }
    with pytest.raises(LedgerTooLarge, match="8000 entries; the limit is 900000"):
        await ledgers.save(ledger=replace(first, entries=huge))
    assert await ledgers.load(key=fresh.key) == first
    fitting = dict(list(huge.items())[:6000])
    saved = await ledgers.save(ledger=replace(first, entries=fitting))
    assert await ledgers.load(key=fresh.key) == saved


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"ledger.json": "{"}, "not JSON"),
        ({"ledger.json": '{"schemaVersion": 0}'}, "schemaVersion is 0"),
        ({"ledger.json": '{"schemaVersion": 3}'}, "a newer operator wrote it"),
        ({"ledger.json": None}, "it has no ledger.json"),
    ],
)
async def test_a_damaged_ledger_is_named_and_still_counted(
    control_plane: ControlPlane,
    ledgers: KubeLedgers,
    fresh: Ledger,
    data: dict[str, Any],
    words: str,
) -> None:
    await ledgers.save(ledger=fresh)
    name = ledger_name(fresh.key)
    edit(control_plane, name, {"data": data})
    with pytest.raises(LedgerUnreadable, match=f"{NAMESPACE}/{name} cannot be used: .*{words}"):
        await ledgers.load(key=fresh.key)
    assert (await ledgers.keys())[fresh.key] == name


async def test_what_a_newer_operator_wrote_is_neither_overwritten_nor_deleted(
    control_plane: ControlPlane, ledgers: KubeLedgers, fresh: Ledger
) -> None:
    saved = await ledgers.save(ledger=fresh)
    name = ledger_name(fresh.key)
    newer = {"ledger.json": '{"schemaVersion": 3, "entries": {"81.2.69.142/32": {}}}'}
    edit(control_plane, name, {"data": newer})
    with pytest.raises(LedgerNewer):
        await ledgers.delete(key=fresh.key)
    for version in ("", saved.version):
        with pytest.raises(KubeConflict):
            await ledgers.save(ledger=replace(fresh, version=version))
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}"
    assert control_plane.request("GET", path)["data"] == newer


async def test_another_clusters_ledger_is_not_believed(
    control_plane: ControlPlane, ledgers: KubeLedgers, fresh: Ledger
) -> None:
    await ledgers.save(ledger=fresh)
    text = config_map(control_plane, fresh)["data"]["ledger.json"]
    other = replace(fresh, resource_id=fresh.resource_id + "2")
    other = replace(other, key=cluster_key(other.resource_id))
    await ledgers.save(ledger=other)
    edit(control_plane, ledger_name(other.key), {"data": {"ledger.json": text}})
    with pytest.raises(LedgerUnreadable, match="about another cluster"):
        await ledgers.load(key=other.key)


async def test_a_ledger_without_its_labels_and_annotations_still_counts(
    control_plane: ControlPlane, ledgers: KubeLedgers, fresh: Ledger
) -> None:
    await ledgers.save(ledger=fresh)
    name = ledger_name(fresh.key)
    edit(control_plane, name, {"metadata": {"labels": None, "annotations": None}})
    assert (await ledgers.keys())[fresh.key] == name


async def test_a_ledger_of_nobody_is_reported(
    control_plane: ControlPlane,
    ledgers: KubeLedgers,
    fresh: Ledger,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await ledgers.save(ledger=fresh)
    name = ledger_name(fresh.key)
    edit(control_plane, name, {"metadata": {"annotations": None}, "data": None})
    assert fresh.key not in await ledgers.keys()
    assert f"{NAMESPACE}/{name} does not say which cluster it is about" in caplog.text
    await ledgers.delete(key=fresh.key)


async def test_an_acknowledgement_survives_a_save(
    control_plane: ControlPlane, ledgers: KubeLedgers, fresh: Ledger
) -> None:
    assert await ledgers.acknowledgement(key=fresh.key) is None
    first = await ledgers.save(ledger=fresh)
    assert await ledgers.acknowledgement(key=fresh.key) is None
    annotations = {ACKNOWLEDGE_ANNOTATION: "ab12"}
    edit(control_plane, ledger_name(fresh.key), {"metadata": {"annotations": annotations}})
    with pytest.raises(KubeConflict):
        await ledgers.save(ledger=first)
    loaded = await ledgers.load(key=fresh.key)
    assert loaded is not None
    await ledgers.save(ledger=loaded)
    assert await ledgers.acknowledgement(key=fresh.key) == "ab12"


async def test_deleting(ledgers: KubeLedgers, fresh: Ledger) -> None:
    await ledgers.save(ledger=fresh)
    assert fresh.key in await ledgers.keys()
    await ledgers.delete(key=fresh.key)
    await ledgers.delete(key=fresh.key)
    assert fresh.key not in await ledgers.keys()


async def test_the_first_activation_stays(activations: KubeActivations, unique: Unique) -> None:
    one, two = unique("team"), unique("team")
    key, other = f"name:{one}/a", f"uid:{two}"
    await activations.record(namespace=one, entries={key: NOON})
    await activations.record(namespace=one, entries={key: NOON + timedelta(hours=1)})
    await activations.record(namespace=two, entries={other: NOON})
    found = await activations.load_all()
    assert (found[key], found[other]) == (NOON, NOON)
    await activations.forget(namespace=one, keys=[key, "uid:unknown"])
    await activations.forget(namespace=one, keys=[key])
    found = await activations.load_all()
    assert key not in found
    assert found[other] == NOON


async def test_activations_recorded_at_once_are_all_kept(
    activations: KubeActivations, unique: Unique
) -> None:
    namespace = unique("team")
    keys = [f"{namespace}:{number}" for number in range(4)]
    await asyncio.gather(
        *(activations.record(namespace=namespace, entries={key: NOON}) for key in keys)
    )
    assert set(keys) <= set(await activations.load_all())


async def test_the_longest_namespace_fits(activations: KubeActivations, unique: Unique) -> None:
    namespace = unique("n" * 50)[:63]
    await activations.record(namespace=namespace, entries={namespace: NOON})
    assert namespace in await activations.load_all()


async def test_damaged_activations_are_an_error_and_never_none(
    control_plane: ControlPlane, activations: KubeActivations, unique: Unique
) -> None:
    namespace = unique("team")
    await activations.record(namespace=namespace, entries={"uid:a": NOON})
    name = f"aks-access-activations-{namespace}"
    edit(control_plane, name, {"data": {"activations.json": "{"}})
    with pytest.raises(KubeError, match=f"{name} cannot be used"):
        await activations.load_all()
    with pytest.raises(KubeError, match="Restore it from a backup"):
        await activations.record(namespace=namespace, entries={"uid:b": NOON})
    control_plane.request("DELETE", path(name))

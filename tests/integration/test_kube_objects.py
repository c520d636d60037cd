"""Writes to our objects on a real API server, with the chart's rights."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aks_access.api.names import GRANT_FINALIZER
from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeConflict, KubeError, KubeForbidden, KubeNotFound, StartupError
from aks_access.kube.client import KubeObjects
from aks_access.kube.connection import Access, Connection
from aks_access.kube.resources import CONFIG_MAPS, RESOURCES
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import create, operator_access, path_of, read, ref_of

pytestmark = pytest.mark.integration

THEIRS = "example.com/theirs"
MERGE_PATCH = "application/merge-patch+json"


@pytest.fixture
async def connection(control_plane: ControlPlane) -> AsyncIterator[Connection]:
    async with await Connection.open(access=operator_access(control_plane)) as connection:
        yield connection


@pytest.fixture
def objects(connection: Connection) -> KubeObjects:
    return KubeObjects(connection=connection)


@pytest.fixture
def grant(control_plane: ControlPlane, namespace: str) -> ObjectRef:
    return create(control_plane, Kind.GRANT, "g", namespace=namespace)


def finalizers(plane: ControlPlane, ref: ObjectRef) -> list[str]:
    found: list[str] = read(plane, ref)["metadata"].get("finalizers", [])
    return found


def edit(plane: ControlPlane, ref: ObjectRef, **metadata: object) -> ObjectRef:
    answer = plane.request("PATCH", path_of(ref), {"metadata": metadata}, content_type=MERGE_PATCH)
    return ref_of(ref.kind, answer)


def recreate(plane: ControlPlane, ref: ObjectRef) -> ObjectRef:
    plane.request("DELETE", path_of(ref))
    return create(plane, ref.kind, ref.name, namespace=ref.namespace)


async def test_get(objects: KubeObjects, grant: ObjectRef) -> None:
    raw = await objects.get(kind=grant.kind, namespace=grant.namespace, name="g")
    assert raw is not None
    assert ref_of(grant.kind, raw) == grant
    assert "managedFields" not in raw["metadata"]  # type: ignore[operator]
    assert await objects.get(kind=grant.kind, namespace=grant.namespace, name="other") is None
    assert await objects.get(kind=Kind.NAMESPACE, namespace="", name=grant.namespace) is not None


async def test_a_finalizer_is_added_once(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    raw = await objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == [GRANT_FINALIZER]
    written = ref_of(grant.kind, raw)
    again = await objects.add_finalizer(ref=written, finalizer=GRANT_FINALIZER)
    assert ref_of(grant.kind, again) == written


async def test_others_finalizers_stay(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    edited = edit(control_plane, grant, finalizers=[THEIRS])
    await objects.add_finalizer(ref=edited, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == [THEIRS, GRANT_FINALIZER]
    await objects.remove_finalizer(ref=edited, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == [THEIRS]
    await objects.remove_finalizer(ref=edited, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == [THEIRS]


async def test_no_finalizer_on_what_changed(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    edit(control_plane, grant, labels={"edited": "yes"})
    with pytest.raises(KubeConflict, match="changed"):
        await objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == []
    unversioned = replace(grant, resource_version="")
    await objects.add_finalizer(ref=unversioned, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == [GRANT_FINALIZER]


async def test_no_finalizer_on_what_is_being_deleted(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    edit(control_plane, grant, finalizers=[THEIRS])
    control_plane.request("DELETE", path_of(grant))
    current = ref_of(grant.kind, read(control_plane, grant))
    with pytest.raises(KubeConflict, match="being deleted"):
        await objects.add_finalizer(ref=current, finalizer=GRANT_FINALIZER)


async def test_no_finalizer_on_a_namesake(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    namesake = recreate(control_plane, grant)
    with pytest.raises(KubeConflict):
        await objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    await objects.add_finalizer(ref=namesake, finalizer=GRANT_FINALIZER)
    await objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert finalizers(control_plane, grant) == [GRANT_FINALIZER]


async def test_an_object_that_is_gone(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    control_plane.request("DELETE", path_of(grant))
    with pytest.raises(KubeNotFound):
        await objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    with pytest.raises(KubeNotFound):
        await objects.patch_status(ref=grant, status={})
    await objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    await objects.delete(ref=grant)


async def test_removing_the_last_finalizer_lets_a_deleted_object_go(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    await objects.add_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    control_plane.request("DELETE", path_of(grant))
    assert read(control_plane, grant)["metadata"]["deletionTimestamp"]
    await objects.remove_finalizer(ref=grant, finalizer=GRANT_FINALIZER)
    assert await objects.get(kind=grant.kind, namespace=grant.namespace, name="g") is None


async def test_finalizers_survive_concurrent_edits(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    """Six controllers add and remove their own finalizers, while labels change all the time."""
    ref = replace(grant, resource_version="")
    edit(control_plane, grant, finalizers=[THEIRS])
    busy = True

    def label() -> int:
        count = 0
        while busy:
            edit(control_plane, grant, labels={"count": str(count)})
            count += 1
        return count

    async def controller(number: int) -> None:
        finalizer = f"example.com/controller-{number}"
        for _ in range(5):
            while True:
                try:
                    await objects.add_finalizer(ref=ref, finalizer=finalizer)
                except KubeConflict:
                    continue
                break
            await objects.remove_finalizer(ref=ref, finalizer=finalizer)

    labelling = asyncio.create_task(asyncio.to_thread(label))
    try:
        await asyncio.gather(*map(controller, range(6)))
    finally:
        busy = False
        edits = await labelling
    assert edits > 5
    assert finalizers(control_plane, grant) == [THEIRS]


async def test_absent_status_fields_are_cleared(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    first = {"observedGeneration": 1, "summary": {"target": "prod", "inAzure": "1/1"}}
    answer = await objects.patch_status(ref=grant, status=first)
    assert answer["status"] == first
    await objects.patch_status(ref=grant, status={"summary": {"target": "prod"}})
    raw = read(control_plane, grant)
    assert raw["status"] == {"summary": {"target": "prod"}}
    assert raw["metadata"]["generation"] == 1
    assert raw["spec"]["ipRanges"] == ["20.50.1.7"]
    await objects.patch_status(ref=grant, status={})
    assert read(control_plane, grant).get("status", {}) == {}


async def test_a_namesake_does_not_get_the_old_status(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    recreate(control_plane, grant)
    with pytest.raises(KubeConflict):
        await objects.patch_status(ref=grant, status={"observedGeneration": 1})
    assert "status" not in read(control_plane, grant)


async def test_a_status_that_the_schema_refuses_is_no_conflict(
    objects: KubeObjects, grant: ObjectRef
) -> None:
    with pytest.raises(KubeError, match="conditions") as refusal:
        await objects.patch_status(ref=grant, status={"conditions": "none"})
    assert type(refusal.value) is KubeError


async def test_deleting_spares_what_was_extended_meanwhile(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    edited = edit(control_plane, grant, labels={"edited": "yes"})
    with pytest.raises(KubeConflict):
        await objects.delete(ref=grant)
    assert ref_of(grant.kind, read(control_plane, grant)) == edited
    await objects.delete(ref=edited)
    assert await objects.get(kind=grant.kind, namespace=grant.namespace, name="g") is None


async def test_deleting_spares_a_namesake(
    control_plane: ControlPlane, objects: KubeObjects, grant: ObjectRef
) -> None:
    namesake = recreate(control_plane, grant)
    await objects.delete(ref=grant)
    await objects.delete(ref=replace(grant, resource_version=""))
    assert ref_of(grant.kind, read(control_plane, grant)) == namesake


async def test_a_missing_right_has_its_own_error(connection: Connection) -> None:
    with pytest.raises(KubeForbidden, match="system:serviceaccount"):
        await connection.get(CONFIG_MAPS.everywhere)


async def test_answers_tell_the_api_servers_time(control_plane: ControlPlane) -> None:
    dates: list[datetime] = []
    access = operator_access(control_plane)
    async with await Connection.open(access=access, on_date=dates.append) as connection:
        await connection.get(RESOURCES[Kind.GRANT].everywhere)
        with pytest.raises(KubeNotFound):
            await connection.get(RESOURCES[Kind.RANGE_SET].object(namespace="", name="none"))
    assert len(dates) == 2
    assert all(abs(datetime.now(UTC) - date) < timedelta(seconds=30) for date in dates)


async def test_an_api_server_that_hangs(control_plane: ControlPlane) -> None:
    """Nothing ever answers the TLS handshake; the request ends after its time-out."""
    connections: set[asyncio.StreamWriter] = set()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    configuration = await operator_access(control_plane).configuration()
    configuration.host = f"https://127.0.0.1:{port}"
    async with (
        server,
        Connection(access=Access(timeout=0.3), configuration=configuration) as connection,
    ):
        with pytest.raises(KubeError, match=f"no answer from the API server .*{port}") as error:
            await connection.get("/version")
        assert error.value.status is None
        for writer in connections:
            writer.close()


async def test_a_refused_connection(
    control_plane: ControlPlane, unused_tcp_port_factory: Callable[[], int]
) -> None:
    configuration = await operator_access(control_plane).configuration()
    configuration.host = f"https://127.0.0.1:{unused_tcp_port_factory()}"
    async with Connection(access=Access(timeout=5), configuration=configuration) as connection:
        with pytest.raises(KubeError, match="no answer from the API server") as error:
            await connection.get("/version")
        assert error.value.status is None


@pytest.mark.parametrize("problem", ["absent", "context", "torn"])
async def test_a_kubeconfig_that_is_no_use(control_plane: ControlPlane, problem: str) -> None:
    torn = control_plane.directory / "torn-kubeconfig"
    torn.write_text("clusters: [")
    access = {
        "absent": Access(kubeconfig=str(control_plane.directory / "no-kubeconfig")),
        "context": Access(kubeconfig=str(control_plane.kubeconfig), context="nowhere"),
        "torn": Access(kubeconfig=str(torn)),
    }[problem]
    with pytest.raises(StartupError, match="name a kubeconfig and a context that it has"):
        await Connection.open(access=access)

"""Complete lists of a real API server, in pages."""

import asyncio

import pytest

from aks_access.engine.ports import Kind
from aks_access.kube.connection import Connection
from aks_access.kube.relist import Relist
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import create, operator_access
from tests.unit.kube.recording_feed import RecordingFeed

pytestmark = pytest.mark.integration

AT_ONCE = 8


@pytest.mark.timeout(150)
async def test_more_objects_than_a_page_holds(control_plane: ControlPlane, namespace: str) -> None:
    names = [f"g-{number:04d}" for number in range(1201)]
    slots = asyncio.Semaphore(AT_ONCE)

    async def make(name: str) -> None:
        async with slots:
            await asyncio.to_thread(create, control_plane, Kind.GRANT, name, namespace=namespace)

    await asyncio.gather(*map(make, names))
    feed = RecordingFeed()
    async with await Connection.open(access=operator_access(control_plane)) as connection:
        assert await Relist(connection=connection).relist(feed=feed) == {}
    assert [call[:2] for call in feed.calls] == [
        (method, kind) for kind in Kind for method in ("listing", "replaced")
    ]
    ours = [raw for raw in feed.raw if raw["metadata"].get("namespace") == namespace]  # type: ignore[attr-defined]
    assert sorted(raw["metadata"]["name"] for raw in ours) == names  # type: ignore[index]
    assert not any("managedFields" in raw["metadata"] for raw in feed.raw)  # type: ignore[operator]
    listed = next(call for call in feed.calls if call[:2] == ("replaced", Kind.GRANT))
    assert int(str(listed[3])) >= max(int(raw["metadata"]["resourceVersion"]) for raw in ours)  # type: ignore[index]
    control_plane.request(
        "DELETE", f"/apis/aksaccess.dev/v1alpha1/namespaces/{namespace}/apiaccessgrants"
    )

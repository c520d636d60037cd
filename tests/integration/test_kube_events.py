"""Events on a real API server, with the chart's rights."""

from collections.abc import Callable
from typing import Any

import pytest

from aks_access.engine.ports import Event, EventType, Kind, ObjectRef
from aks_access.kube.connection import Connection
from aks_access.kube.events import EventPoster
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import create, operator_access, until

pytestmark = pytest.mark.integration


def events(plane: ControlPlane, ref: ObjectRef, *, namespace: str) -> list[dict[str, Any]]:
    """As `kubectl describe` finds them: by the uid of what they are about."""
    found = plane.request("GET", f"/api/v1/namespaces/{namespace}/events?limit=1000")["items"]
    return [each for each in found if each["involvedObject"].get("uid") == ref.uid]


async def test_events_about_both_scopes_are_posted(
    control_plane: ControlPlane, namespace: str, unique: Callable[[str], str]
) -> None:
    grant = create(control_plane, Kind.GRANT, "g", namespace=namespace)
    range_set = create(control_plane, Kind.RANGE_SET, unique("set"))
    async with await Connection.open(access=operator_access(control_plane)) as connection:
        poster = EventPoster(connection=connection, instance="pod-1")
        poster.start()
        for ref in (grant, range_set):
            poster.post(Event(ref, EventType.WARNING, "Refused", "Plan", "ä" * 2000))
            poster.post(Event(ref, EventType.WARNING, "Refused", "Plan", "ä" * 2000))
        last = range_set  # `stop` waits for two seconds and no longer
        await until(lambda: bool(events(control_plane, last, namespace="default")), what="both")
        await poster.stop()
        assert poster.dropped == 0
    for ref, where in ((grant, namespace), (range_set, "default")):
        (event,) = events(control_plane, ref, namespace=where)
        assert event["reason"] == "Refused"
        assert event["type"] == "Warning"
        assert event["message"].endswith("ä…")
        assert event["reportingComponent"] == "aksaccess.dev/aks-access-operator"
        assert event["involvedObject"]["name"] == ref.name


async def test_an_event_that_is_refused_is_counted(control_plane: ControlPlane) -> None:
    nowhere = ObjectRef(Kind.GRANT, "g", "u", "no-such-namespace")
    async with await Connection.open(access=operator_access(control_plane)) as connection:
        poster = EventPoster(connection=connection, instance="pod-1")
        poster.start()
        poster.post(Event(nowhere, EventType.NORMAL, "Active", "Grant", "let in"))
        await until(lambda: poster.dropped > 0, what="the refusal")
        await poster.stop()
        assert poster.dropped == 1

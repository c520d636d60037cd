"""kopf as an informer on a real API server: sees everything, writes nothing, stops at once."""

import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from aks_access.engine.ports import Kind
from aks_access.kube.connection import Access
from aks_access.kube.informer import Informer
from aks_access.kube.resources import RESOURCES
from sandbox.apiproxy import ApiProxy, Verb
from sandbox.apiproxy.faults import Answer
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import SUBJECT, create, operator_access, path_of, until
from tests.unit.kube.recording_feed import RecordingFeed

pytestmark = pytest.mark.integration

MERGE_PATCH = "application/merge-patch+json"
STOP_SECONDS = 15.0
"""What a busy machine may take; watches that are waited for take minutes."""


@pytest.fixture
def feed() -> RecordingFeed:
    return RecordingFeed()


@pytest.fixture
async def informer(control_plane: ControlPlane, feed: RecordingFeed) -> AsyncIterator[Informer]:
    informer = Informer(access=operator_access(control_plane), feed=feed)
    informer.start()
    yield informer
    await informer.stop()


@pytest.mark.usefixtures("informer")
async def test_every_kind_is_seen_from_its_creation_to_its_end(
    control_plane: ControlPlane, feed: RecordingFeed, namespace: str
) -> None:
    await feed.until(lambda: ("changed", Kind.NAMESPACE, namespace) in feed.calls)
    grant = create(control_plane, Kind.GRANT, namespace, namespace=namespace)
    range_set = create(control_plane, Kind.RANGE_SET, namespace)
    for kind in (Kind.GRANT, Kind.RANGE_SET):
        await feed.until(lambda kind=kind: ("changed", kind, namespace) in feed.calls)  # type: ignore[misc]
    before = feed.calls.count(("changed", Kind.GRANT, namespace))
    control_plane.request(
        "PATCH", path_of(grant), {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE_PATCH
    )
    await feed.until(lambda: feed.calls.count(("changed", Kind.GRANT, namespace)) > before)
    for ref in (grant, range_set):
        control_plane.request("DELETE", path_of(ref))
        await feed.until(lambda kind=ref.kind: ("deleted", kind, namespace) in feed.calls)  # type: ignore[misc]
    assert not any("managedFields" in raw["metadata"] for raw in feed.raw)  # type: ignore[operator]


async def test_kopf_writes_nothing(
    control_plane: ControlPlane, feed: RecordingFeed, namespace: str
) -> None:
    begun = datetime.now(UTC)
    informer = Informer(access=operator_access(control_plane), feed=feed)
    informer.start()
    names = [f"{namespace}-{number}" for number in range(20)]
    refs = [create(control_plane, Kind.GRANT, name, namespace=namespace) for name in names]
    for ref in refs:
        control_plane.request("DELETE", path_of(ref))
    await feed.until(lambda: all(("deleted", Kind.GRANT, name) in feed.calls for name in names))
    await informer.stop()

    def verbs() -> set[str]:
        events = control_plane.audit(lambda e: e.user == SUBJECT and e.timestamp >= begun)
        return {event.verb for event in events}

    await until(lambda: "watch" in verbs(), what="the watches in the audit log")
    assert verbs() <= {"get", "list", "watch"}


async def test_stopping_is_quick_and_leaves_no_thread(
    control_plane: ControlPlane, feed: RecordingFeed, namespace: str
) -> None:
    informer = Informer(access=operator_access(control_plane), feed=feed)
    informer.start()
    await feed.until(lambda: ("changed", Kind.NAMESPACE, namespace) in feed.calls)
    begun = datetime.now(UTC)
    await informer.stop()
    assert (datetime.now(UTC) - begun).total_seconds() < STOP_SECONDS
    assert not any(thread.name == "informer" for thread in threading.enumerate())
    assert not informer.failed.done()
    await informer.stop()


async def test_stopping_right_after_the_start(
    control_plane: ControlPlane, feed: RecordingFeed
) -> None:
    informer = Informer(access=operator_access(control_plane), feed=feed)
    await informer.stop()
    informer = Informer(access=operator_access(control_plane), feed=feed)
    informer.start()
    await informer.stop()
    assert feed.calls == []


def refused_access(plane: ControlPlane, directory: Path) -> Access:
    """A token that the API server does not know."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "no-such-token"}
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    return Access(kubeconfig=str(kubeconfig))


async def test_an_informer_that_ends_by_itself_is_noticed(
    control_plane: ControlPlane, feed: RecordingFeed, tmp_path: Path
) -> None:
    informer = Informer(access=refused_access(control_plane, tmp_path), feed=feed)
    informer.start()
    problem = await informer.failed
    assert "the watches of the API server ended" in str(problem)
    await informer.stop()


async def test_an_end_that_kopf_would_wait_for_without_end_is_noticed(
    control_plane: ControlPlane, feed: RecordingFeed
) -> None:
    """One watch is refused for good; the others, about to try again, wait for a login by nobody."""
    with ApiProxy(control_plane) as proxy:
        kubeconfig = proxy.kubeconfig(control_plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE))
        informer = Informer(access=Access(kubeconfig=str(kubeconfig)), feed=feed)
        others = [RESOURCES[kind].plural for kind in Kind if kind is not Kind.TARGET]
        failing = [
            proxy.inject(Answer(status=503), plurals=[plural], verbs=[Verb.WATCH])
            for plural in others
        ]
        informer.start()
        await until(lambda: all(each.struck for each in failing), what="the others to fail")
        refused = Answer(status=401, reason="Unauthorized")
        proxy.inject(refused, plurals=[RESOURCES[Kind.TARGET].plural], verbs=[Verb.WATCH])
        await until(informer.failed.done, what="the end to be told")
        assert "Ran out of valid credentials" in str(informer.failed.result())
        await informer.stop()
    assert not any(thread.name == "informer" for thread in threading.enumerate())


@pytest.mark.timeout(150)
async def test_it_goes_on_after_the_api_server_restarts(
    control_plane: ControlPlane, feed: RecordingFeed, informer: Informer, namespace: str
) -> None:
    await feed.until(lambda: ("changed", Kind.NAMESPACE, namespace) in feed.calls)
    control_plane.process("kube-apiserver").kill()
    control_plane.start_api_server()
    create(control_plane, Kind.GRANT, namespace, namespace=namespace)
    await feed.until(lambda: ("changed", Kind.GRANT, namespace) in feed.calls, within=90)
    assert not informer.failed.done()

"""Real control planes for the tests, a few per worker, with the operator's rights and CRDs.

Tests share it and never clean up after themselves: each uses names of its own (`unique`,
`namespace`). Its programs are built before the first test starts, because that takes minutes
once per machine and no test's time limit covers it.
"""

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from aks_access.azure.clusters import ArmClusters
from sandbox import chart
from sandbox.arm.app import ArmEmulator
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane, binary
from tests.integration import costs
from tests.integration.azure_place import CLUSTER, LIST, Place, write_token
from tests.integration.hubs import Hubs, hubs_on, two_stations
from tests.integration.people import Person
from tests.integration.station import STEADY, Station
from tests.integration.world import World

_HERE = Path(__file__).parent
_PROGRAMS = {
    "control_plane": ("kube-apiserver", "etcd", "kubectl"),
    "own_control_plane": ("kube-apiserver", "etcd", "kubectl", "kube-controller-manager"),
    "helm": ("helm",),
    "restorable_world": ("kube-apiserver", "etcd", "kubectl", "etcdutl"),
    "running": ("kube-apiserver", "etcd", "kubectl"),
    "hubs": ("kube-apiserver", "etcd", "kubectl"),
    "both": ("kube-apiserver", "etcd", "kubectl"),
    "aggregating": ("kube-apiserver", "etcd", "kubectl", "kube-controller-manager"),
    "empty_plane": ("kube-apiserver", "etcd", "kubectl"),
    "own_world": ("kube-apiserver", "etcd", "kubectl", "kube-controller-manager"),
    "lent": ("kube-apiserver", "etcd", "kubectl", "kube-controller-manager"),
    "station": ("kube-apiserver", "etcd", "kubectl"),
    "guide": ("kube-apiserver", "etcd", "kubectl", "helm"),
    "stage": ("kube-apiserver", "etcd", "kubectl"),
    "api-server": ("kube-apiserver", "etcd", "kubectl"),
    "_restart_station": ("kube-apiserver", "etcd", "kubectl", "kube-controller-manager"),
}
"""Fixture, or backend of the conformance suites, to the programs it starts."""

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and _backend(item) != "sim":
            item.add_marker(pytest.mark.integration)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    fixtures = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    fixtures |= {_backend(item) for item in session.items}
    programs = {program for fixture in fixtures for program in _PROGRAMS.get(fixture, ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for program in sorted(programs):
            binary(program)


def _backend(item: pytest.Item) -> str:
    """What a test of a conformance suite runs on: the sim is no integration."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("backend", "")) if callspec is not None else ""


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """The worker's API server: CRDs served, the operator's rights in place, and no operator."""
    with ControlPlane() as plane:
        chart.apply_chart(plane)
        yield plane


@pytest.fixture
def own_control_plane() -> Iterator[ControlPlane]:
    """A control plane for one test alone, with controllers, for tests that stop or break it."""
    with ControlPlane(controller_manager=True) as plane:
        yield plane


@pytest.fixture(scope="session")
def operator_kubeconfig(control_plane: ControlPlane) -> Path:
    """A kubeconfig with exactly the operator's rights."""
    return control_plane.kubeconfig_for(chart.SERVICE_ACCOUNT, chart.NAMESPACE)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """`unique("grant")` is a name that no other test of any worker has on this API server."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return lambda prefix: f"{prefix}-{worker}-{next(_numbers)}"


@pytest.fixture
def namespace(control_plane: ControlPlane, unique: Callable[[str], str]) -> str:
    """A new namespace."""
    name = unique("test")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    control_plane.request("POST", "/api/v1/namespaces", body)
    return name


@pytest.fixture(scope="session")
def station() -> Iterator[Station]:
    """The worker's running operator, on a control plane of its own: nobody breaks it."""
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.3) as arm:
        chart.apply_chart(plane)
        made = Station(plane=plane, arm=arm, **STEADY)
        made.start()
        yield made
        made.stop()


@pytest.fixture
def world(
    station: Station,
    unique: Callable[[str], str],
    record_property: Callable[[str, object], None],
) -> Iterator[World]:
    """This test's part of the worker's station; judged at its end."""
    yield from _lifetime(World(station=station, unique=unique), record_property)


@pytest.fixture(scope="session")
def _restart_station() -> Iterator[Station]:
    with ControlPlane(controller_manager=True) as plane, ArmProcess(operation_seconds=0.3) as arm:
        chart.apply_chart(plane)
        made = Station(plane=plane, arm=arm)
        yield made
        made.stop()


@pytest.fixture
def restart_world(
    _restart_station: Station,
    unique: Callable[[str], str],
    record_property: Callable[[str, object], None],
) -> Iterator[World]:
    """A station with controllers whose operator the test may kill, stop and start anew.

    It begins with a running operator of the default settings; a test may end without one.
    """
    _restart_station.ensure()
    made = World(station=_restart_station, unique=unique)
    yield from _lifetime(made, record_property)


@pytest.fixture
def hubs(unique: Callable[[str], str]) -> Iterator[Hubs]:
    """Two management clusters of one Azure, without an operator yet."""
    with two_stations() as stations:
        made = hubs_on(stations, unique=unique)
        yield made
        made.judge()


def _lifetime(made: World, record_property: Callable[[str, object], None]) -> Iterator[World]:
    try:
        yield made
        for scenario, figures in made.costs.items():
            record_property(costs.PROPERTY, {"scenario": scenario, **figures})
        made.judge()
    finally:
        made.retire()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """The emulator with one cluster, `CLUSTER`."""
    write_token(tmp_path)
    async with ArmEmulator(operation_seconds=60) as arm:
        arm.control.create_cluster(CLUSTER, ranges=LIST)
        place = Place(arm=arm, directory=tmp_path)
        yield place
        for each in place.closing:
            await each.aclose()


@pytest.fixture
def clusters(place: Place) -> ArmClusters:
    """What asks it, with the usual credentials."""
    return place.clusters()


@pytest.fixture
def person(station: Station, tmp_path: Path) -> Person:
    """Somebody of the platform team, with kubectl and a log-in to Azure."""
    return Person(tmp_path, arm=station.arm, kubeconfig=station.plane.kubeconfig)


@pytest.fixture(scope="module")
def azure() -> Iterator[ArmProcess]:
    """An Azure of the module's own, which no operator asks."""
    with ArmProcess(operation_seconds=0.2) as arm:
        yield arm


@pytest.fixture(scope="session")
def helm() -> Path:
    """The real Helm."""
    return binary("helm")

"""The real Argo CD beside an operator, for a worker's tests: `make test-argocd`."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import chart
from sandbox.argocd import ArgoCD
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane, binary
from tests.argocd.repository import Repository
from tests.integration.station import STEADY, Station
from tests.integration.world import World

_HERE = Path(__file__).parent
_PROGRAMS = ("kube-apiserver", "etcd", "kubectl", "kube-controller-manager", "helm", "argocd")
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.argocd)
            item.add_marker(pytest.mark.timeout(300))


def pytest_collection_finish(session: pytest.Session) -> None:
    mine = any(item.path.is_relative_to(_HERE) for item in session.items)
    if session.config.option.collectonly or not mine:
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for program in _PROGRAMS:
            binary(program)


@pytest.fixture(scope="session")
def station() -> Iterator[Station]:
    """A running operator, with the controllers that a namespace and a cascade need."""
    with ControlPlane(controller_manager=True) as plane, ArmProcess(operation_seconds=0.5) as arm:
        chart.apply_chart(plane)
        made = Station(plane=plane, arm=arm, **STEADY, revocation_bound="5s")
        made.start()
        yield made
        made.stop()


@pytest.fixture(scope="session")
def argo(station: Station) -> Iterator[ArgoCD]:
    """Argo CD on the station, with health and actions from the chart, as the guide says."""
    with ArgoCD(plane=station.plane) as running:
        customize(station.plane)
        yield running


@pytest.fixture
def world(station: Station) -> Iterator[World]:
    """This test's part of the station; the oracle judges it at the end."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = World(station=station, unique=lambda prefix: f"{prefix}-{worker}-{next(_numbers)}")
    try:
        yield made
        made.judge()
    finally:
        made.retire()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty Git repository."""
    return Repository(tmp_path / "repository")


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Show a line at the end of the run."""
    return lambda text: record_property("figure", text)


def customize(plane: ControlPlane) -> None:
    """Merge the chart's keys into argocd-cm."""
    keys = chart.render(
        "--set=argocd.healthConfigMap.enabled=true", "--show-only=templates/argocd.yaml"
    )
    flags = ("--server-side", "--field-manager=aks-access-operator", "--filename=-")
    plane.kubectl("apply", *flags, input=keys)

"""Stations for the attacks: real processes that tests may kill, stop, cut off and deceive."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane, binary
from tests import figures
from tests.faults.replicas import Replicas
from tests.integration.world import World

_HERE = Path(__file__).parent
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.proof)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    if not any("site" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for program in ("kube-apiserver", "etcd", "kubectl"):
            binary(program)


@pytest.fixture
def figure(record_property: figures.Property) -> figures.Record:
    """Record a line for the table of figures."""
    return lambda text: record_property(figures.MEASURED, text)


@pytest.fixture(scope="session")
def site() -> Iterator[tuple[ControlPlane, ArmProcess]]:
    """The worker's control plane and emulator for replicas that come and go."""
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.3) as arm:
        chart.apply_chart(plane)
        yield plane, arm


@pytest.fixture
def replicas(site: tuple[ControlPlane, ArmProcess]) -> Iterator[Replicas]:
    """No operator yet; whatever the test starts ends with it, and the Lease goes."""
    plane, arm = site
    made = Replicas(plane=plane, arm=arm)
    try:
        yield made
    finally:
        made.close()
        arm.control.clear_faults()


@pytest.fixture
def world(replicas: Replicas) -> Iterator[World]:
    """This test's part of the site; judged at its end, with every replica's log."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = World(station=replicas, unique=lambda prefix: f"{prefix}-{worker}-{next(_numbers)}")
    try:
        yield made
        made.judge()
        assert replicas.stumbles() == []
    finally:
        made.retire()

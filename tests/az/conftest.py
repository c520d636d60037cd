"""The real az beside a running operator, for a worker's tests: `make test-az`.

Without az these tests are skipped, and say how to get it; where somebody named one they fail.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import azure_cli, chart
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane, binary
from sandbox.processes import Scratch
from tests.az.command import VARIABLE, Az, program
from tests.integration.station import Station
from tests.integration.tunnels import Tunnels
from tests.integration.world import SUBSCRIPTION, World

_HERE = Path(__file__).parent
_PROGRAMS = ("kube-apiserver", "etcd", "kubectl", "helm")
_PATIENT = {
    "lease_duration": "60s",
    "renew_deadline": "45s",
    "retry_period": "1s",
    "put_timeout": "30s",
}
"""A PUT may be held for as long as a whole script of az takes."""
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.az)
            item.add_marker(pytest.mark.timeout(180))


def pytest_collection_finish(session: pytest.Session) -> None:
    mine = any(item.path.is_relative_to(_HERE) for item in session.items)
    if session.config.option.collectonly or not mine or not program().exists():
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for each in _PROGRAMS:
            binary(each)


@pytest.fixture(scope="session")
def az_program() -> Path:
    """The command."""
    found = program()
    if not found.exists():
        missing = f"there is no az at {found}: `make az` installs one, or {VARIABLE} names yours"
        pytest.fail(missing) if VARIABLE in os.environ else pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def outside() -> Iterator[Tunnels]:
    """The way to anywhere but loopback; it is closed."""
    with Tunnels(closed=True) as closed:
        yield closed


@pytest.fixture
def login(az_program: Path, outside: Tunnels) -> Iterator[Callable[[ArmProcess], Az]]:
    """`login(arm)` is an az of this test, logged in there; it must not look elsewhere."""
    with Scratch(prefix="aks-access-az-") as scratch:
        yield lambda arm: Az.logged_in(arm, program=az_program, scratch=scratch, proxy=outside.url)
        assert not (scratch.path / ".azure").exists()
        assert outside.opened == []


@pytest.fixture(scope="session")
def station(az_program: Path) -> Iterator[Station]:
    """A running operator, whose subscription is there before anybody logs in."""
    with ControlPlane() as plane, ArmProcess(operation_seconds=0.3) as arm:
        chart.apply_chart(plane)
        arm.control.create_cluster(
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-first/providers"
            "/Microsoft.ContainerService/managedClusters/first"
        )
        made = Station(plane=plane, arm=arm, **_PATIENT)
        made.start()
        yield made
        made.stop()


@pytest.fixture(scope="session")
def _worker_az(station: Station, az_program: Path, outside: Tunnels) -> Iterator[Az]:
    with Scratch(prefix="aks-access-az-") as scratch:
        yield Az.logged_in(station.arm, program=az_program, scratch=scratch, proxy=outside.url)


@pytest.fixture
def az(_worker_az: Az, outside: Tunnels) -> Iterator[Az]:
    """The worker's az, logged in to the station's emulator; it must not look elsewhere."""
    yield _worker_az
    assert not (_worker_az.scratch.path / ".azure").exists()
    assert outside.opened == []


@pytest.fixture
def world(station: Station) -> Iterator[World]:
    """This test's part of the station; what the operator wrote is judged at the end."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = World(
        station=station,
        unique=lambda prefix: f"{prefix}-{worker}-{next(_numbers)}",
        others={azure_cli.CLIENT_ID},
    )
    try:
        yield made
        made.judge()
    finally:
        made.retire()

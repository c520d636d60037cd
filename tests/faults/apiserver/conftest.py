"""One station per worker whose operator reaches its API server through the fault proxy."""

from collections.abc import Callable, Iterator
from itertools import count
from os import environ

import pytest

from sandbox import chart
from sandbox.apiproxy import ApiProxy
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from tests.faults.apiserver.scene import Proxied, Scene
from tests.integration.station import STEADY, Station
from tests.integration.world import World

_numbers = count(1)
_PROXIES = pytest.StashKey[list[ApiProxy]]()


@pytest.fixture(scope="session")
def _proxied(request: pytest.FixtureRequest) -> Iterator[Proxied]:
    with (
        ControlPlane() as plane,
        ArmProcess(operation_seconds=0.3) as arm,
        ApiProxy(plane) as proxy,
    ):
        chart.apply_chart(plane)
        request.session.stash.setdefault(_PROXIES, []).append(proxy)
        kubeconfig = proxy.kubeconfig(plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE))
        station = Station(plane=plane, arm=arm, kubeconfig=str(kubeconfig), **STEADY)
        yield Proxied(station=station, proxy=proxy)
        station.stop()


@pytest.fixture
def scene(_proxied: Proxied) -> Iterator[Scene]:
    """A cluster with a grant of every kind of dependency; judged at the test's end."""
    prefix = environ.get("PYTEST_XDIST_WORKER", "main")

    def unique(word: str) -> str:
        return f"{word}-{prefix}-{next(_numbers)}"

    _proxied.station.ensure(**QUICK)
    world = World(station=_proxied.station, unique=unique)
    try:
        yield Scene(world=world, proxy=_proxied.proxy)
        world.judge()
    finally:
        _proxied.proxy.faults.clear()
        world.retire()


QUICK = {"relist_interval": "2s", "watch_idle_timeout": "4s"}
"""Lists and new connections so often that they heal what a watch misses within a test's time."""

Unique = Callable[[str], str]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    proxies = getattr(terminalreporter, "_session", None)
    stash = proxies.stash.get(_PROXIES, []) if proxies else []
    for proxy in stash:
        figures = ", ".join(f"{name} {hits}" for name, hits in sorted(proxy.faults.struck.items()))
        terminalreporter.write_line(f"API faults injected: {figures}")

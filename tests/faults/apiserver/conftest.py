"""One station per worker whose operator reaches its API server through the fault proxy."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from os import environ

import pytest

from sandbox import chart
from sandbox.apiproxy import ApiProxy
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from tests import figures
from tests.faults.apiserver.scene import Proxied, Scene
from tests.integration.station import STEADY, Station
from tests.integration.world import World

_numbers = count(1)


@pytest.fixture(scope="session")
def _proxied() -> Iterator[Proxied]:
    with (
        ControlPlane() as plane,
        ArmProcess(operation_seconds=0.3) as arm,
        ApiProxy(plane) as proxy,
    ):
        chart.apply_chart(plane)
        kubeconfig = proxy.kubeconfig(plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE))
        station = Station(plane=plane, arm=arm, kubeconfig=str(kubeconfig), **STEADY)
        yield Proxied(station=station, proxy=proxy)
        station.stop()


@pytest.fixture
def scene(_proxied: Proxied, record_property: figures.Property) -> Iterator[Scene]:
    """A cluster with a grant of every kind of dependency; judged at the test's end."""
    prefix = environ.get("PYTEST_XDIST_WORKER", "main")

    def unique(word: str) -> str:
        return f"{word}-{prefix}-{next(_numbers)}"

    _proxied.station.ensure(**QUICK)
    faults = _proxied.proxy.faults
    before = Counter(faults.struck)
    world = World(station=_proxied.station, unique=unique)
    try:
        yield Scene(world=world, proxy=_proxied.proxy)
        world.judge()
    finally:
        faults.clear()
        for name, hits in (Counter(faults.struck) - before).items():
            record_property(f"{figures.COUNTED}faults of the API server: {name}", hits)
        world.retire()


QUICK = {"relist_interval": "2s", "watch_idle_timeout": "4s"}
"""Lists and new connections so often that they heal what a watch misses within a test's time."""

Unique = Callable[[str], str]

"""Two management clusters that know the same Azure, each with an operator of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane
from tests.integration.station import Station
from tests.integration.world import World


@dataclass(slots=True)
class Hubs:
    """Both, as worlds of one test."""

    old: World
    new: World

    def judge(self) -> None:
        """See `World.judge`."""
        self.old.judge()
        self.new.judge()


@contextmanager
def two_stations() -> Iterator[tuple[Station, Station]]:
    """No operator runs yet: a test starts those that it needs."""
    with ControlPlane() as blue, ControlPlane() as green, ArmProcess(operation_seconds=0.2) as arm:
        for plane in (blue, green):
            chart.apply_chart(plane)
        old, new = Station(plane=blue, arm=arm), Station(plane=green, arm=arm)
        try:
            yield old, new
        finally:
            old.stop()
            new.stop()


def hubs_on(stations: tuple[Station, Station], *, unique: Callable[[str], str]) -> Hubs:
    """A test's part of both."""
    return Hubs(*(World(station=station, unique=unique) for station in stations))

"""Several replicas of the operator beside each other, each with its own way to the API server.

Which of them wrote what is known from outside: Kubernetes requests from each one's gate, writes to
Azure by the name that each adds to its user agent.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.client import ApiError
from sandbox.controlplane.kubeconfig import write_kubeconfig
from sandbox.operator import OperatorProcess
from tests.faults.gate import Gate
from tests.integration.station import PACE, Station
from tests.integration.things import Cluster, Mark
from tests.integration.world import World

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/aks-access-operator"
LEASES = LEASE.rpartition("/")[0]
LEASE_SECONDS = 6.0
"""The sandbox's Lease; a test that wants another says so."""
TAKEOVER = 60.0
"""Seconds until the next leader, at most, on a busy machine."""


@dataclass(slots=True)
class Replica:
    """One process and its gate."""

    process: OperatorProcess
    gate: Gate
    tag: str

    @property
    def name(self) -> str:
        """Its identity in the Lease."""
        return self.process.name

    def leading(self) -> bool:
        """Whether it runs and holds the Lease, by its own metric."""
        return self.process.poll() is None and self.process.leading()

    def said(self, words: str) -> list[datetime]:
        """When it logged a message with these words."""
        return [
            datetime.fromisoformat(line["time"]).astimezone(UTC)
            for line in self.process.log_lines()
            if words in str(line.get("message", "")) and "time" in line
        ]

    def puts(self, cluster: Cluster, since: Mark | None = None) -> list[JournalEntry]:
        """Its own PUTs of a cluster."""
        return [put for put in cluster.puts(since) if self.sent(put)]

    def sent(self, entry: JournalEntry) -> bool:
        """Whether it made this request to Azure."""
        return self.tag in entry.headers.get("user-agent", "").split()


class Replicas(Station):
    """A control plane and an emulator, and as many operators as a test starts."""

    def __init__(self, *, plane: ControlPlane, arm: ArmProcess) -> None:
        super().__init__(plane=plane, arm=arm)
        self.running: list[Replica] = []
        self._made = 0

    @property
    def operator(self) -> OperatorProcess:
        """The leader; where nobody leads, the one that was started last."""
        alive = [r for r in self.running if r.leading()]
        return (alive or self.running)[-1].process

    def add(self, *, environment: dict[str, str] | None = None, **settings: str) -> Replica:
        """Start one more replica; does not wait for it."""
        self._made += 1
        tag = f"replica/{self._made}"
        here = self.plane.directory
        gate = Gate(
            upstream=self.plane.url,
            authority=self.plane.certificate_authority,
            certificate=here / "server.crt",
            key=here / "server.key",
        )
        gate.__enter__()
        every: dict[str, Any] = {**PACE, "kubeconfig": self._kubeconfig(gate), **settings}
        process = OperatorProcess(
            plane=self.plane,
            arm=self.arm,
            name="replica",
            environment={"AZURE_HTTP_USER_AGENT": tag, **(environment or {})},
            **every,
        )
        replica = Replica(process=process, gate=gate, tag=tag)
        self.running.append(replica)
        return replica

    def leader_and_followers(self, count: int = 2, **settings: str) -> list[Replica]:
        """So many ready replicas; the first one leads."""
        first = self.add(**settings)
        first.process.wait_ready()
        first.process.wait_leading()
        others = [self.add(**settings) for _ in range(count - 1)]
        for other in others:
            other.process.wait_ready(seconds=TAKEOVER)
        return [first, *others]

    def close(self) -> None:
        """End every replica and free the Lease for the next test."""
        for replica in self.running:
            replica.process.signal(signal.SIGCONT)
            replica.process.close()
            replica.gate.__exit__(None, None, None)
        self.running.clear()
        with suppress(ApiError):
            self.plane.request("DELETE", LEASE)

    def stumbles(self) -> list[str]:
        """Tracebacks in any replica's log."""
        lines = [str(line) for r in self.running for line in r.process.log_lines()]
        return [line for line in lines if "Traceback" in line]

    def _kubeconfig(self, gate: Gate) -> str:
        stored = json.loads(self.plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE).read_text())
        path = write_kubeconfig(
            self.plane.directory / f"replica-{self._made}.kubeconfig",
            server=gate.url,
            authority=self.plane.certificate_authority.read_bytes(),
            credential=stored["users"][0]["user"]["token"],
            namespace=NAMESPACE,
        )
        return str(path)


def holder(world: World) -> str:
    """Who holds the Lease, by the API server; "" = nobody."""
    lease = world.get(LEASE)
    return str((lease or {"spec": {}})["spec"].get("holderIdentity") or "")


def next_leader(world: World, among: Sequence[Replica]) -> Replica:
    """Wait until one of these leads."""
    found: list[Replica] = []

    def leads() -> bool:
        found[:] = [each for each in among if each.leading()]
        return bool(found)

    world.eventually(leads, what="the next leader", seconds=TAKEOVER)
    return found[0]


def wait_seconds(world: World, since: float, seconds: float) -> None:
    """Return once so long has passed since a monotonic time: what a scenario is about."""
    world.eventually(
        lambda: time.monotonic() - since >= seconds, what=f"{seconds} s to pass", seconds=seconds
    )


def azure_writes(world: World, since: Mark) -> list[JournalEntry]:
    """Every write to ARM by anybody after a mark."""
    return [
        entry
        for entry in world.arm.journal(since=since.journal)
        if entry.area is Area.ARM and entry.method != "GET"
    ]


@contextmanager
def one_writer(replicas: Replicas, cluster: Cluster) -> Iterator[None]:
    """Judge the block by invariant I6: who writes to Azure leads, and nobody else."""
    mark = cluster.world.mark()
    yield
    writers: list[str] = []
    for put in cluster.puts(mark):
        assert put.error != "OperationNotAllowed", f"a write into a running operation: {put}"
        by = next((r.tag for r in replicas.running if r.sent(put)), "nobody")
        if not writers or writers[-1] != by:
            writers.append(by)
    assert len(writers) == len(set(writers)), f"replicas wrote in turns: {writers}"


def measured(world: World, condition: Callable[[], bool], *, what: str, seconds: float) -> float:
    """Seconds until a condition holds."""
    began = time.monotonic()
    world.eventually(condition, what=what, seconds=seconds)
    return time.monotonic() - began

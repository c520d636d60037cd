"""How fast access comes and goes, and what the operator costs at rest: `python -m bench.latency`.

On the sandbox (a real API server, the ARM emulator, the operator as a child process) with the
product's default settings; only the looks at a write's outcome are faster, because the emulator's
operations take a second. Times are the emulator's journal against the moment of the apply or
against expiresAt, on one machine's clock; memory and CPU time are the kernel's (/proc).
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aks_access.api.names import API_VERSION
from bench.figures import figures
from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.process import ArmProcess
from sandbox.chart import apply_chart
from sandbox.controlplane import ControlPlane
from sandbox.operator import OperatorProcess
from sandbox.processes import wait_until

DEFAULTS: Final = {
    "lease_duration": "30s",
    "renew_deadline": "20s",
    "retry_period": "5s",
    "put_timeout": "20s",
    "drift_interval": "10m",
    "relist_interval": "10m",
    "settle_window": "1s",
    "settle_limit": "5s",
    "revocation_bound": "15m",
    "shutdown_grace": "8s",
}
LIFETIME = 8
"""Seconds from the apply of a sample's grant to its expiresAt, at least."""
TARGETS = 3
NAMESPACE = "bench"
_ROOT = f"/apis/{API_VERSION}"
_GROUP = "/subscriptions/5ca1ab1e-0000-4000-8000-0000000000bb/resourceGroups/bench"


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds until the emulator saw the PUT: after the apply, and after expiresAt."""

    granted: float
    revoked: float


@dataclass(frozen=True, slots=True)
class Rest:
    """The operator at rest: seconds watched, CPU seconds used, bytes resident."""

    seconds: float
    cpu: float
    resident: int


class Bench:
    """The sandbox with a few clusters and their targets."""

    def __init__(self, *, plane: ControlPlane, arm: ArmProcess) -> None:
        self.plane, self.arm = plane, arm
        self.clusters = [f"bench-{number}" for number in range(TARGETS)]

    def prepare(self) -> None:
        """Make clusters, targets and the namespace."""
        self._post("/api/v1/namespaces", "v1", "Namespace", NAMESPACE, None)
        for name in self.clusters:
            self.arm.control.create_cluster(self._id(name), ranges=["51.140.8.0/24"])
            spec = {
                "resourceId": self._id(name),
                "mode": "Merge",
                "policy": {"allowedNamespaces": {"from": "All"}},
            }
            path = f"{_ROOT}/apiaccesstargets"
            self._post(path, API_VERSION, "ApiAccessTarget", name, spec)
        self._until(self._in_sync, "every target to be InSync")

    def _in_sync(self) -> bool:
        paths = [f"{_ROOT}/apiaccesstargets/{name}" for name in self.clusters]
        return all(self._state(path) == "InSync" for path in paths)

    def sample(self, number: int) -> Sample:
        """Let one address in and out again."""
        name, target = f"sample-{number}", self.clusters[number % TARGETS]
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LIFETIME + 1)
        spec = {
            "targetRef": {"name": target},
            "ipRanges": [f"81.2.69.{number % 250 + 1}"],
            "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        since = self.arm.control.last_sequence()
        applied = time.time()
        grants = f"{_ROOT}/namespaces/{NAMESPACE}/apiaccessgrants"
        self._post(grants, API_VERSION, "ApiAccessGrant", name, spec)
        came = self._put(since)
        went = self._put(came.sequence)
        path = f"{grants}/{name}"
        self._until(lambda: self._state(path) == "Expired", f"{name} to be Expired")
        return Sample(granted=came.time - applied, revoked=went.time - ends.timestamp())

    def _put(self, since: int) -> JournalEntry:
        def accepted(entry: JournalEntry) -> bool:
            return entry.area is Area.ARM and entry.method == "PUT" and entry.status == 200

        return self.arm.control.wait_for(accepted, since=since, seconds=60)

    def _post(self, path: str, version: str, kind: str, name: str, spec: Any) -> None:
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
        self.plane.request("POST", path, body if spec is None else {**body, "spec": spec})

    def _state(self, path: str) -> str:
        status = self.plane.request("GET", path).get("status", {})
        return str(status.get("summary", {}).get("state", ""))

    @staticmethod
    def _id(name: str) -> str:
        return f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/{name}"

    @staticmethod
    def _until(condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what=what, timeout=60)


def at_rest(operator: OperatorProcess, *, seconds: float) -> Rest:
    """Watch an operator that has nothing to do."""
    began, used = time.monotonic(), operator.cpu_seconds()
    time.sleep(seconds)
    return Rest(
        seconds=time.monotonic() - began,
        cpu=operator.cpu_seconds() - used,
        resident=operator.resident_bytes(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--rest-seconds", type=float, default=60.0)
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane())
        apply_chart(plane)
        arm = stack.enter_context(ArmProcess(operation_seconds=1))
        arm.control.widen_limits()
        settings: dict[str, Any] = dict(DEFAULTS)
        operator = stack.enter_context(OperatorProcess(plane=plane, arm=arm, **settings))
        operator.wait_leading()
        bench = Bench(plane=plane, arm=arm)
        bench.prepare()
        samples = [bench.sample(number) for number in range(given.samples)]
        rest = at_rest(operator, seconds=given.rest_seconds)
    report(samples=samples, rest=rest)
    return 0


def report(*, samples: Sequence[Sample], rest: Rest) -> None:
    """Print the figures and how they came about."""
    lines = [
        f"apply -> PUT seen by ARM: {figures([each.granted for each in samples], unit='s')}",
        f"expiresAt -> PUT seen by ARM: {figures([each.revoked for each in samples], unit='s')}",
        f"operator at rest, {TARGETS} targets: {rest.resident / 2**20:.0f} MiB resident, "
        f"{1000 * rest.cpu / rest.seconds:.1f} ms CPU per second ({rest.seconds:.0f} s watched)",
        f"median and range of {len(samples)} samples one after the other over {TARGETS} idle "
        "targets; default settings (an addition settles for 1 s, a removal for none); operations "
        "of 1 s; times from the emulator's journal; CPU and memory from /proc.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())

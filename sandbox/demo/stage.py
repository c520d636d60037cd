"""Runs the demo's commands as typed, and checks what they led to in Azure and in Kubernetes.

Waiting is for a condition, never for a time; a condition that does not come in time, or a fact
that is not as told, is a `CheckFailedError` with what was expected and what was seen.
"""

import shlex
import subprocess
import time
from collections.abc import Callable, Sequence

from sandbox.arm.journal import JournalEntry
from sandbox.arm.portal import line
from sandbox.chart import ROOT
from sandbox.demo.screen import Screen
from sandbox.landscape import Landscape
from sandbox.management import Write
from sandbox.operator import CLIENT_ID, OperatorProcess

SECONDS = 60.0
"""How long a condition may take to come, on a machine that is busy with other things."""

_INTERVAL = 0.1


class CheckFailedError(Exception):
    """Something is not as it should be."""

    def __init__(self, what: str, *, expected: object, seen: object) -> None:
        super().__init__(what)
        self.what = what
        self.expected = _shown(expected)
        self.seen = _shown(seen)


class Stage:
    """The demo's hands and eyes. Clusters are named by their targets."""

    def __init__(self, *, world: Landscape, operator: OperatorProcess, screen: Screen) -> None:
        self.world = world
        self.operator = operator
        self.screen = screen
        self.checks = 0

    def kubectl(self, typed: str, *, code: int = 0, lines: int | None = None) -> str:
        """Show and run `kubectl …`; returns what it wrote. `code` is the exit code it must have.

        `lines` limits what is shown, not what is returned.
        """
        self.screen.command(f"kubectl {typed}")
        done = subprocess.run(
            [str(self.world.kubectl), *shlex.split(typed)],
            cwd=ROOT,
            env=self.world.plane.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.screen.output(done.stdout, lines=lines if done.returncode == code else None)
        if done.returncode != code:
            raise CheckFailedError(
                f"kubectl {typed}",
                expected=f"exit code {code}",
                seen=f"exit code {done.returncode}: {done.stdout.strip()}",
            )
        return done.stdout

    def show(self, *clusters: str, namespace: str = "team-a", lines: int | None = None) -> None:
        """Show grants, targets and the lists of clusters; `lines` limits the grants."""
        self.kubectl(f"get aag -n {namespace}", lines=lines)
        self.kubectl("get aat")
        self.show_lists(*clusters)

    def show_lists(self, *clusters: str) -> None:
        """Show clusters' lists in Azure, as `python -m sandbox arm list` does."""
        self.screen.command(f"python -m sandbox arm list {' '.join(clusters)}".rstrip())
        for name in clusters or self.world.clusters:
            self.screen.output(line(self.world.arm.control.cluster(self.world.clusters[name])))

    def stranger_adds(self, cluster: str, entry: str) -> None:
        """Add an entry as the portal would."""
        self.screen.command(f"python -m sandbox arm add {cluster} {entry}")
        view = self.world.arm.control.edit_ranges(self.world.clusters[cluster], add=[entry])
        self.screen.output(line(view))

    def stranger_clears(self, cluster: str) -> None:
        """Clear the list as the portal would."""
        self.screen.command(f"python -m sandbox arm clear {cluster}")
        self.screen.output(line(self.world.arm.control.clear_ranges(self.world.clusters[cluster])))

    def enforced(self, cluster: str) -> frozenset[str] | None:
        """What the cluster's API server enforces now; None = anyone can reach it."""
        applied = self.world.arm.control.cluster(self.world.clusters[cluster]).applied
        return None if applied is None else frozenset(applied)

    def mark(self) -> int:
        """The number of the newest journal entry, to count writes from here."""
        return self.world.arm.control.last_sequence()

    def writes(self, cluster: str, *, since: int = 0) -> list[JournalEntry]:
        """Writes of the operator to a cluster's list that ARM accepted."""
        return [
            entry
            for entry in self.requests(cluster, since=since)
            if entry.method == "PUT" and entry.status in (200, 201)
        ]

    def requests(self, cluster: str, *, since: int = 0) -> list[JournalEntry]:
        """Every request of the operator for a cluster."""
        key = self.world.clusters[cluster].lower()
        entries = self.world.arm.control.journal(since=since, bodies=False)
        return [each for each in entries if each.cluster == key and each.client_id == CLIENT_ID]

    def kubernetes_writes(self) -> Sequence[Write]:
        """Writes of the operator to the management cluster, renewals of its Lease left out."""
        return self.world.witness.writes()

    def holds(self, what: str, *, seen: object, expected: object) -> None:
        """Check a fact."""
        if seen != expected:
            raise CheckFailedError(what, expected=expected, seen=seen)
        self.checks += 1
        self.screen.passed(what)

    def becomes(
        self, what: str, *, look: Callable[[], object], expected: object, seconds: float = SECONDS
    ) -> None:
        """Check that something becomes so within `seconds`."""
        self._await(what, look=look, expected=expected, seconds=seconds)
        self.holds(what, seen=expected, expected=expected)

    def read_again(self, *, times: int) -> None:
        """Return once the operator has read every cluster that often from now on."""
        since = self.mark()
        self._await(
            f"every cluster is read {times} times",
            look=lambda: [
                name
                for name in self.world.clusters
                if sum(e.method == "GET" for e in self.requests(name, since=since)) < times
            ],
            expected=[],
            seconds=SECONDS,
        )

    def _await(
        self, what: str, *, look: Callable[[], object], expected: object, seconds: float
    ) -> None:
        deadline = time.monotonic() + seconds
        while (seen := look()) != expected:
            if time.monotonic() > deadline:
                raise CheckFailedError(what, expected=expected, seen=seen)
            self.operator.ensure_running()
            time.sleep(_INTERVAL)

    def field(self, resource: str, path: str, *, namespace: str = "") -> str:
        """One field of an object as kubectl prints it, unseen; `path` is a JSONPath."""
        where = ["-n", namespace] if namespace else []
        done = self.world.plane.kubectl("get", resource, *where, "-o", f"jsonpath={{{path}}}")
        return done.stdout


def _shown(value: object) -> str:
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(str, value))) or "nothing"
    return "anyone can reach it" if value is None else str(value)

"""Handles on what a test made: a cluster in the emulator, an object on the API server.

They act as people do (an edit, kubectl, the portal) and wait on conditions with a deadline.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aks_access.api.names import REQUESTED_AT_ANNOTATION
from aks_access.engine.ports import Kind
from aks_access.kube.resources import RESOURCES
from sandbox.arm.control_clusters import ClusterView
from sandbox.arm.journal import Area, JournalEntry
from sandbox.chart import NAMESPACE

if TYPE_CHECKING:
    from tests.integration.world import World

MERGE_PATCH = "application/merge-patch+json"
DEADLINE = 30.0
"""Seconds until a wait fails."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in both logs: what happened after it is counted.

    Attributes:
        audit: where to begin to read. The API server writes of a request a moment after it has
            answered, so requests of before `at` may stand behind it.
    """

    journal: int
    audit: int
    at: datetime


@dataclass(slots=True)
class Cluster:
    """A managed cluster of one test in the emulator."""

    world: "World"
    id: str

    @property
    def key(self) -> str:
        """The ARM id in lower case."""
        return self.id.lower()

    @property
    def ledger_name(self) -> str:
        """Name of its ledger ConfigMap."""
        return f"aks-access-ledger-{hashlib.sha256(self.key.encode()).hexdigest()[:16]}"

    def view(self) -> ClusterView:
        """All that the emulator holds."""
        return self.world.arm.cluster(self.id)

    @property
    def ranges(self) -> list[str] | None:
        """The authorized ranges, as stored; None = open to everybody."""
        return self.view().ranges

    def edit(self, **change: Any) -> ClusterView:
        """Somebody else's edit: `ranges=[…]`, or `add=[…]`, `remove=[…]`; at once."""
        return self.world.arm.edit_ranges(self.id, **change)

    def journal(self, since: Mark | None = None) -> list[JournalEntry]:
        """Every request about this cluster, and every edit by somebody else."""
        first = (since or self.world.begun).journal
        entries = self.world.arm.journal(since=first)
        return [e for e in entries if self.key in (e.cluster, e.path.lower())]

    def puts(self, since: Mark | None = None) -> list[JournalEntry]:
        """The operator's PUTs, refused ones too."""
        return [e for e in self._requests(since) if e.method == "PUT"]

    def gets(self, since: Mark | None = None) -> list[JournalEntry]:
        """The operator's GETs of the cluster itself."""
        return [
            e for e in self._requests(since) if e.method == "GET" and e.path.lower() == self.key
        ]

    def _requests(self, since: Mark | None) -> list[JournalEntry]:
        return [
            e
            for e in self.journal(since)
            if e.area == Area.ARM and e.client_id not in self.world.others
        ]

    def wait_ranges(self, *expected: str, seconds: float = DEADLINE) -> None:
        """Return once exactly these entries are in the list and the API server enforces them."""

        def equal() -> bool:
            view = self.view()
            return sorted(view.ranges or ()) == sorted(expected) == sorted(view.applied or ())

        self.world.eventually(
            equal, what=f"{self.id} to have {sorted(expected)}", about=self, seconds=seconds
        )

    def wait_looks(self, count: int = 2, *, since: Mark | None = None) -> None:
        """Return after `count` more looks: what had to happen by itself has happened.

        A write comes after the reads of its look, so a further read tells that a look is over.
        """
        mark = since or self.world.mark()
        self.world.eventually(
            lambda: len(self.gets(mark)) > count, what=f"{count} more looks at {self.id}"
        )

    def ledger(self) -> dict[str, Any] | None:
        """The ledger ConfigMap; None while there is none."""
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{self.ledger_name}"
        return self.world.get(path)


@dataclass(slots=True)
class Object:
    """One object of ours on the API server."""

    world: "World"
    kind: Kind
    name: str
    namespace: str = ""

    @property
    def path(self) -> str:
        """Its path on the API server."""
        return RESOURCES[self.kind].object(namespace=self.namespace, name=self.name)

    def read(self) -> dict[str, Any]:
        """The object as stored; ApiError 404 where it is gone."""
        return self.world.plane.request("GET", self.path)

    def exists(self) -> bool:
        """Whether it is there, deleted or not."""
        return self.world.get(self.path) is not None

    @property
    def status(self) -> dict[str, Any]:
        """Its status; empty before the first."""
        found: dict[str, Any] = self.read().get("status", {})
        return found

    @property
    def state(self) -> str:
        """The STATE column."""
        return str(self.status.get("summary", {}).get("state", ""))

    @property
    def finalizers(self) -> list[str]:
        """Its finalizers."""
        found: list[str] = self.read()["metadata"].get("finalizers", [])
        return found

    def condition(self, kind: str) -> dict[str, Any]:
        """The condition of this type; empty where there is none."""
        found = (c for c in self.status.get("conditions", []) if c["type"] == kind)
        return next(found, {})

    def message(self, kind: str = "Ready") -> str:
        """The message of a condition."""
        return str(self.condition(kind).get("message", ""))

    def patch(self, *, metadata: Any = None, **spec: Any) -> dict[str, Any]:
        """Edit spec fields by their JSON names (None takes one out), or metadata."""
        body: dict[str, Any] = {"spec": spec} if spec else {}
        if metadata is not None:
            body["metadata"] = metadata
        return self.world.plane.request("PATCH", self.path, body, content_type=MERGE_PATCH)

    def delete(self) -> None:
        """Ask for its deletion; does not wait."""
        self.world.plane.request("DELETE", self.path)

    def force_delete(self) -> None:
        """Remove it past its finalizers: the operator puts none on what is being deleted."""
        self.delete()
        if self.exists():
            self.patch(metadata={"finalizers": None})

    def nudge(self) -> None:
        """Ask for a reconciliation now, and wait until the operator says that it did it."""
        token = self.world.unique("at")
        self.patch(metadata={"annotations": {REQUESTED_AT_ANNOTATION: token}})
        self.until(
            lambda o: o.get("status", {}).get("lastHandledReconcileAt") == token,
            what=f"to echo {token}",
        )

    def until(
        self,
        condition: Callable[[dict[str, Any]], bool],
        *,
        what: str,
        seconds: float = DEADLINE,
    ) -> dict[str, Any]:
        """Return the object once the condition holds of it."""
        seen: dict[str, Any] = {}

        def holds() -> bool:
            seen.clear()
            seen.update(self.read())
            return condition(seen)

        self.world.eventually(
            holds, what=f"{self.kind} {self.name} {what}", about=self, seconds=seconds
        )
        return seen

    def wait_state(self, *states: str, seconds: float = DEADLINE) -> dict[str, Any]:
        """Return once STATE is one of these, for the generation that was read."""
        return self.until(
            lambda o: (
                o.get("status", {}).get("summary", {}).get("state") in states
                and o["status"].get("observedGeneration") == o["metadata"]["generation"]
            ),
            what=f"to be {' or '.join(states)}",
            seconds=seconds,
        )

    def wait_condition(
        self, kind: str, *, status: str, reason: str | None = None, seconds: float = DEADLINE
    ) -> dict[str, Any]:
        """Return the condition once it is so, for the generation that was read."""

        def holds(raw: dict[str, Any]) -> bool:
            generation = raw["metadata"]["generation"]
            return any(
                c["type"] == kind
                and c["status"] == status
                and c.get("observedGeneration") == generation
                and reason in (None, c["reason"])
                for c in raw.get("status", {}).get("conditions", [])
            )

        self.until(holds, what=f"to have {kind}={status}/{reason or '*'}", seconds=seconds)
        return self.condition(kind)

    def wait_gone(self, *, seconds: float = DEADLINE) -> None:
        """Return once the API server has it no more."""
        self.world.eventually(
            lambda: not self.exists(),
            what=f"{self.kind} {self.name} to be gone",
            about=self,
            seconds=seconds,
        )

    def events(self) -> list[dict[str, Any]]:
        """The operator's Events about it, oldest first."""
        namespace = self.namespace or "default"
        found = self.world.plane.request(
            "GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        )["items"]
        mine = [
            e
            for e in found
            if e["regarding"]["kind"] == self.kind and e["regarding"]["name"] == self.name
        ]
        return sorted(mine, key=lambda e: str(e.get("eventTime", "")))

    def reasons(self) -> list[str]:
        """Reasons of its Events, oldest first."""
        return [str(e["reason"]) for e in self.events()]

    def wait_event(self, *reasons: str) -> dict[str, Any]:
        """Return the latest Event once there is one of each of these reasons, in this order."""

        def there() -> bool:
            left = iter(self.reasons())
            return all(reason in left for reason in reasons)

        self.world.eventually(there, what=f"Events {reasons} about {self.name}", about=self)
        return next(e for e in reversed(self.events()) if e["reason"] == reasons[-1])

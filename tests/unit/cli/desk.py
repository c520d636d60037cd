"""Where a command is given in tests: the time, a hub in memory, and what the internet answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.files.documents import documents
from aks_access.cli.hub.cluster import Resource
from aks_access.cli.internet.own_address import SERVICES
from aks_access.cli.internet.web import Answer, Question
from aks_access.cli.surroundings import Surroundings
from aks_access.errors import NoAnswer
from tests.unit.cli.transcript import NOW, execute

TRANSCRIPTS: Final = ("grant", "extend", "revoke")
"""Those that play before the hub of tests/golden/cli/files/hub."""

ADDRESS: Final = "81.2.69.142"


class Clock:
    """Seconds that pass only where somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Hub(FakeCluster):
    """A management cluster whose news take their time."""

    clock: Clock = field(default_factory=Clock)
    pace: float = 35.5
    """Seconds from one later state to the next."""

    def watch(
        self, resource: Resource, *, name: str, namespace: str = "", seconds: float
    ) -> Iterator[dict[str, Any]]:
        """See `FakeCluster`."""
        states = super(Hub, self).watch(resource, name=name, namespace=namespace, seconds=seconds)
        for number, each in enumerate(states):
            self.clock.seconds += self.pace if number else 0.0
            if "generation" not in each["metadata"]:
                there = self.get(resource, name=name, namespace=namespace) or each
                each["metadata"]["generation"] = there["metadata"].get("generation", 1)
                each["status"]["observedGeneration"] = each["metadata"]["generation"]
            yield each


def text(body: str, *, kind: str = "text/plain", status: int = 200, proxy: str = "") -> Answer:
    """An answer of a web server."""
    return Answer(status=status, kind=kind, body=body.encode(), proxy=proxy)


def agreeing() -> dict[str, Answer | NoAnswer]:
    """The services, all seeing the same address."""
    return {url: text(f"{ADDRESS}\n") for url in SERVICES}


@dataclass(slots=True)
class Desk:
    """What is around a command.

    Attributes:
        pages: answers by URL; anything else gives none.
        after: from which second on the API servers of targets answer.
    """

    hub: Hub = field(default_factory=lambda: Hub(context_namespace="team-a"))
    pages: dict[str, Answer | NoAnswer] = field(default_factory=agreeing)
    after: float = 0.0
    asked: list[str] = field(default_factory=list)

    def machine(self) -> Surroundings:
        """As a command sees it."""
        return Surroundings(
            now=lambda: NOW,
            own_name=lambda: "dev-laptop",
            cluster=lambda _reach: self.hub,
            web=self._web,
            clock=self.hub.clock,
            pause=self.hub.clock.pause,
        )

    def _web(self, question: Question) -> Answer:
        self.asked.append(question.url)
        found = self.pages.get(question.url)
        if found is None and question.url.endswith(".azmk8s.io/readyz"):
            late = self.hub.clock() >= self.after
            found = text("{}", kind="application/json", status=401) if late else None
        if isinstance(found, Answer):
            return found
        raise found or NoAnswer("no answer in time")


def execute_at(command: str, *, desk: Desk) -> tuple[int, str, str]:
    """`transcript.execute` at a desk."""
    return execute(command, place=desk.machine())


def hub_of(folder: Path) -> Desk:
    """A desk whose hub holds the objects of `present.yaml`, and later states of `to-come.yaml`."""
    desk = Desk()
    if folder.is_dir():
        there = documents((folder / "present.yaml").read_text(), source="present")
        desk.hub.add(*(each.raw for each in there))
        later = documents((folder / "to-come.yaml").read_text(), source="to-come")
        desk.hub.to_come = [each.raw for each in later]
    return desk


def condition(kind: str, status: bool, reason: str, message: str) -> dict[str, Any]:
    """A condition as the API has it."""
    return {
        "type": kind,
        "status": str(status),
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-22T10:00:00Z",
    }


def manifest(**fields: Any) -> dict[str, Any]:
    """`team-a/dev-laptop` on prod-weu until 14:00Z."""
    spec: dict[str, Any] = {
        "targetRef": {"name": "prod-weu"},
        "ipRanges": [ADDRESS],
        "expiresAt": "2026-11-22T14:00:00Z",
        "reason": "INC-77",
        **fields,
    }
    return {
        "apiVersion": "aksaccess.dev/v1alpha1",
        "kind": "ApiAccessGrant",
        "metadata": {"name": "dev-laptop", "namespace": "team-a"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


TARGET: Final[dict[str, Any]] = yaml.safe_load(
    """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessTarget
metadata: {name: prod-weu}
spec:
  resourceId: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-prod\
/providers/Microsoft.ContainerService/managedClusters/prod-weu
  mode: Merge
  policy:
    allowedNamespaces: {from: All}
    maxDuration: 24h
    contact: platform@contoso.com
status:
  cluster: {fqdn: prod-weu-1a2b3c4d.hcp.westeurope.azmk8s.io}
"""
)

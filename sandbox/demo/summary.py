"""The demo's figures, counted by others than the operator: the emulator and the API server."""

from collections import Counter
from http import HTTPStatus

from sandbox.controlplane.audit import AuditEvent
from sandbox.demo.screen import Screen
from sandbox.demo.stage import Stage


def show_steps(screen: Screen, *, seconds: dict[str, float]) -> None:
    """How long each step took."""
    rows = [(f"{took:5.1f}", name) for name, took in seconds.items()]
    screen.table("Steps", ("SECONDS", "STEP"), rows)


def show_writes(stage: Stage) -> None:
    """What was written to Azure, by the emulator's journal, and to Kubernetes, by the audit log."""
    rows = []
    for name in stage.world.clusters:
        requests = stage.requests(name)
        puts = [entry for entry in requests if entry.method == "PUT"]
        failed = [entry for entry in puts if entry.status not in (200, 201)]
        gets = sum(entry.method == "GET" for entry in requests)
        rows.append((name, str(len(puts) - len(failed)), str(len(failed)), str(gets)))
    stage.screen.table(
        "Requests to Azure, by the emulator's journal", ("CLUSTER", "PUT", "REFUSED", "GET"), rows
    )
    events = stage.kubernetes_writes()
    count = Counter(_kind(each) for each in events)
    refused = Counter(_kind(each) for each in events if each.code >= HTTPStatus.BAD_REQUEST)
    stage.screen.table(
        "Writes to Kubernetes, by the API server's audit log, without the Lease's renewals",
        ("RESOURCE", "VERB", "WRITES", "REFUSED"),
        [(*key, str(count[key]), str(refused[key])) for key in sorted(count)],
    )


def _kind(event: AuditEvent) -> tuple[str, str]:
    part = f"/{event.subresource}" if event.subresource else ""
    return event.resource + part, event.verb

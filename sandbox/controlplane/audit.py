"""The API server's audit log: what every client really asked, and what it was told.

Written by kube-apiserver (audit.k8s.io/v1, stage ResponseComplete), so a watch appears when it
ends, and a request a moment after its answer was sent. Writes of what the operator lives on carry
request and answer as well (level RequestResponse); the rest is metadata.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from os import SEEK_END
from pathlib import Path
from typing import Any, Self

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "omitManagedFields": True,
    "rules": [
        {
            "level": "RequestResponse",
            "verbs": ["create", "update", "patch", "delete"],
            "resources": [
                {"group": "aksaccess.dev"},
                {"group": "", "resources": ["configmaps", "namespaces"]},
                {"group": "coordination.k8s.io", "resources": ["leases"]},
            ],
        },
        {"level": "Metadata"},
    ],
}

_LONGEST = 8 << 20
"""Bytes: more than request and answer of the largest object, escaped, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One answered request; empty strings where Kubernetes leaves a field out.

    `timestamp` is when the request arrived, UTC. `code` is the HTTP status. `decision` is the
    authorizer's (allow or forbid), and `reason` names the binding and the role behind it.
    """

    verb: str
    user: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    timestamp: datetime
    uri: str
    decision: str = ""
    reason: str = ""

    @classmethod
    def parse(cls, event: dict[str, Any]) -> Self:
        """Read one event of audit.k8s.io/v1."""
        target = event.get("objectRef", {})
        notes = event.get("annotations", {})
        return cls(
            verb=event["verb"],
            user=event["user"].get("username", ""),
            group=target.get("apiGroup", ""),
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            code=event.get("responseStatus", {}).get("code", 0),
            timestamp=datetime.fromisoformat(event["requestReceivedTimestamp"]),
            uri=event["requestURI"],
            decision=notes.get("authorization.k8s.io/decision", ""),
            reason=notes.get("authorization.k8s.io/reason", ""),
        )


def raw_events(path: Path, *, offset: int = 0) -> Iterator[dict[str, Any]]:
    """Yield what the complete lines behind an offset in bytes say, in the order of the answers."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        lines.seek(offset)
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)


def read_audit_log(path: Path, *, offset: int = 0) -> Iterator[AuditEvent]:
    """Yield the complete lines behind an offset in bytes, in the order of the answers."""
    yield from map(AuditEvent.parse, raw_events(path, offset=offset))


def written(path: Path) -> int:
    """Offset in bytes behind the last complete line: a longer one may be half written."""
    if not path.exists():
        return 0
    with path.open("rb") as log:
        start = max(0, log.seek(0, SEEK_END) - _LONGEST)
        log.seek(start)
        return start + log.read().rfind(b"\n") + 1

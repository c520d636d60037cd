"""What a stored status tells Argo CD and kstatus, and whether both hear what is meant.

The table is written by hand, from what a person on call should see, and knows nothing of the
engine's sets of reasons. `misheard` is asked of every object version of every simulated history.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.gitops.argo import health
from tests.gitops.kstatus import Kstatus, kstatus
from tests.history import History, Object

DONE = "Healthy"
WAITING = "Progressing"
BROKEN = "Degraded"

GRANT: Mapping[str, str] = {
    "Active": DONE,
    "Scheduled": DONE,
    "Observed": DONE,
    "Suspended": DONE,
    "Expired": DONE,
    "Revoked": DONE,
    "Progressing": WAITING,
    "Paced": WAITING,
    "RevocationPending": WAITING,
    "RevocationOverdue": BROKEN,
    "InvalidSpec": BROKEN,
    "TargetNotFound": BROKEN,
    "NamespaceNotAllowed": BROKEN,
    "PolicyDenied": BROKEN,
    "CapacityExceeded": BROKEN,
    "RangeSetNotResolved": BROKEN,
    "RangeRefused": BROKEN,
    "ClusterUnrestricted": BROKEN,
    "UnsupportedCluster": BROKEN,
    "NodeEgressUnknown": BROKEN,
    "NotRevocable": BROKEN,
    "TargetBlocked": BROKEN,
}
TARGET: Mapping[str, str] = {
    "InSync": DONE,
    "Observing": DONE,
    "Suspended": DONE,
    "BroadEntry": DONE,
    "Progressing": WAITING,
    "RevocationPending": WAITING,
    "ClusterBusy": WAITING,
    "Throttled": WAITING,
    "AzureUnavailable": WAITING,
    "RevocationOverdue": BROKEN,
    "InvalidSpec": BROKEN,
    "DuplicateTarget": BROKEN,
    "RangeSetNotResolved": BROKEN,
    "ClusterNotFound": BROKEN,
    "ClusterStopped": BROKEN,
    "ClusterFailed": BROKEN,
    "ClusterLocked": BROKEN,
    "ClusterUnrestricted": BROKEN,
    "UnsupportedCluster": BROKEN,
    "ReadForbidden": BROKEN,
    "WriteForbidden": BROKEN,
    "WriteRefused": BROKEN,
    "NodeEgressUnknown": BROKEN,
    "NotRevocable": BROKEN,
    "CapacityExceeded": BROKEN,
    "LedgerFull": BROKEN,
    "LedgerLost": BROKEN,
    "MassRemovalHeld": BROKEN,
    "ConflictingOwner": BROKEN,
    "ClockInDoubt": BROKEN,
}
RANGE_SET: Mapping[str, str] = {
    "Resolved": DONE,
    "InvalidSpec": BROKEN,
    "NotImplemented": BROKEN,
}
MEANT = {"ApiAccessGrant": GRANT, "ApiAccessTarget": TARGET, "IPRangeSet": RANGE_SET}
"""Kind to STATE to what Argo CD should show."""

IN_KSTATUS = {DONE: Kstatus.CURRENT, WAITING: Kstatus.IN_PROGRESS, BROKEN: Kstatus.FAILED}


def problem(raw: Mapping[str, Any]) -> str:
    """What an object's status says wrongly to either of them; "" = nothing."""
    conditions = raw.get("status", {}).get("conditions", [])
    by_type = {each["type"]: each for each in conditions}
    if len(by_type) < len(conditions):
        return "a condition stands there twice"
    abnormal = by_type.keys() & {"Reconciling", "Stalled"}
    if any(by_type[kind]["status"] != "True" for kind in abnormal):
        return "Reconciling and Stalled stand there only while True"
    ready = by_type.get("Ready")
    seen = ready is not None
    if seen and len(abnormal) != (ready["status"] != "True"):
        return f"Ready={ready['status']} beside {sorted(abnormal)}"
    shown, computed = health(raw).status, kstatus(raw)
    meant, expected = WAITING, Kstatus.CURRENT  # kstatus cannot tell "never seen" from "done"
    if raw["metadata"].get("deletionTimestamp"):
        expected = Kstatus.TERMINATING
    elif seen and raw["status"]["observedGeneration"] != raw["metadata"]["generation"]:
        expected = Kstatus.IN_PROGRESS
    elif seen:
        meant = MEANT[raw["kind"]][ready["reason"]]
        if ready["reason"] == "TargetBlocked" and "Reconciling" in abnormal:
            meant = WAITING
        expected = IN_KSTATUS[meant]
    if (shown, computed) != (meant, expected):
        return f"{meant} and {expected} were meant, {shown} and {computed} are heard"
    return ""


def misheard(history: History) -> list[str]:
    """What objects of a history said wrongly at any moment."""
    return [f"{where}: {found}" for where, key in _said(history) if (found := _judged(key))]


_Key = tuple[str, bool, bool, tuple[tuple[str, str, str], ...]]


def _said(history: History) -> Iterator[tuple[str, _Key]]:
    """Where something was said, and all of it that matters."""
    for line in history.lines:
        if isinstance(line, Object) and line.raw is not None and line.kind in MEANT:
            meta, status = line.raw["metadata"], line.raw.get("status", {})
            said = tuple(
                (each["type"], each["status"], each["reason"])
                for each in status.get("conditions", [])
            )
            stale = status.get("observedGeneration") != meta["generation"]
            deleted = bool(meta.get("deletionTimestamp"))
            yield f"{line.kind} {line.name} at {line.at:.1f}", (line.kind, stale, deleted, said)


@functools.cache
def _judged(key: _Key) -> str:
    kind, stale, deleted, said = key
    return problem(example(kind, said, stale=stale, deleted=deleted))


def example(
    kind: str, said: Iterable[tuple[str, str, str]], *, stale: bool = False, deleted: bool = False
) -> dict[str, Any]:
    """An object of a kind with these conditions: type, status and reason."""
    conditions = [
        {"type": type, "status": status, "reason": reason, "message": "as it says"}
        for type, status, reason in said
    ]
    status = {"observedGeneration": 2 - stale, "conditions": conditions} if conditions else {}
    gone = {"deletionTimestamp": "2026-11-22T10:00:00Z"} if deleted else {}
    return {
        "apiVersion": "aksaccess.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "x", "generation": 2, **gone},
        "spec": {},
        **({"status": status} if status else {}),
    }

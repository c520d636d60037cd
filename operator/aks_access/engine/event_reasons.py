"""The Events that tell of an act; every other Event is named after the state that it tells of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aks_access.engine.ports import EventType


class EventReason(StrEnum):
    """Reasons of Events that are no state's."""

    ACCESS_SCHEDULED = "AccessScheduled"
    ACCESS_GRANTED = "AccessGranted"
    ACCESS_EXPIRED = "AccessExpired"
    ACCESS_REVOKED = "AccessRevoked"
    LIST_WRITTEN = "ListWritten"
    LIST_RESTORED = "ListRestored"
    DRIFT_CORRECTED = "DriftCorrected"
    WITHDRAWN_ENTRY_RETURNED = "WithdrawnEntryReturned"
    ORPHANED_ACCESS = "OrphanedAccess"
    DETACHED = "Detached"


@dataclass(frozen=True, slots=True)
class EventMeaning:
    """What the Event speaks of, its type, and what happened (Markdown, one line)."""

    about: str
    type: EventType
    meaning: str


EVENTS: Final[Mapping[EventReason, EventMeaning]] = {
    EventReason.ACCESS_SCHEDULED: EventMeaning(
        "grant", EventType.NORMAL, "it became `Scheduled`: its `notBefore` is still to come"
    ),
    EventReason.ACCESS_GRANTED: EventMeaning(
        "grant", EventType.NORMAL, "it became `Active`: let in, and read back from Azure"
    ),
    EventReason.ACCESS_EXPIRED: EventMeaning(
        "grant", EventType.NORMAL, "it became `Expired`: its end came, and its ranges are out"
    ),
    EventReason.ACCESS_REVOKED: EventMeaning(
        "grant",
        EventType.NORMAL,
        "it became `Revoked`, or it was deleted and read back as gone",
    ),
    EventReason.LIST_WRITTEN: EventMeaning(
        "target",
        EventType.NORMAL,
        "AKS accepted a new list, or one without an answer was read back; names what it adds and "
        "takes out",
    ),
    EventReason.LIST_RESTORED: EventMeaning(
        "target", EventType.WARNING, "somebody cleared the list, and the last one goes back"
    ),
    EventReason.DRIFT_CORRECTED: EventMeaning(
        "target", EventType.WARNING, "an entry of ours that somebody removed goes back"
    ),
    EventReason.WITHDRAWN_ENTRY_RETURNED: EventMeaning(
        "target",
        EventType.WARNING,
        "an entry that was taken out came back, and goes again; names the way to keep it",
    ),
    EventReason.ORPHANED_ACCESS: EventMeaning(
        "ConfigMap of a ledger",
        EventType.WARNING,
        "the target went without its finalizer, and what stands in Azure cannot be taken out, or "
        "waits for a decision, or the cluster is open and its list cannot go back; names entries, "
        "cluster and cause. Remove the cause, or create the target again; where it prints a code, "
        "acknowledge",
    ),
    EventReason.DETACHED: EventMeaning(
        "target",
        EventType.WARNING,
        "it was deleted with `deletionPolicy: Detach`; names what it leaves",
    ),
}

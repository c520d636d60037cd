"""What the outside learns of a write: one audit line per change, Events, figures.

Nothing here decides; everything is rendered from the plan that was sent.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from aks_access.engine.look import Look
from aks_access.engine.ports import (
    AccessDecision,
    Audit,
    Event,
    Events,
    EventType,
    Kind,
    Metrics,
    ObjectRef,
)
from aks_access.engine.writer import Sent, WriteResult
from aks_access.plan.model import Cause, Grant, GrantUid, Target
from aks_access.plan.outcome import Change

log = logging.getLogger(__name__)

NAMED = 10
"""Ranges that one Event names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Announcer:
    """Tells audit, Events and metrics."""

    audit: Audit
    events: Events
    metrics: Metrics

    def sent(self, *, look: Look, result: WriteResult) -> None:
        """A write phase ended."""
        if result.sent is Sent.NOTHING:
            return
        outcome = result.error.fault.value if result.error is not None else "accepted"
        self.metrics.write(target=look.name, result=outcome)
        if result.error is not None:
            log.warning(
                "write refused",
                extra={
                    "target": look.name,
                    "cluster": look.ref.resource_id,
                    "fault": outcome,
                    "code": result.error.code,
                    "azure_message": result.error.message,
                },
            )
            return
        plan = result.plan
        for change in plan.additions:
            action = "Restored" if change.cause in (Cause.CLEARED, Cause.DRIFT) else "Granted"
            self._audit(look=look, result=result, change=change, action=action)
        for change in plan.removals:
            self._audit(look=look, result=result, change=change, action="Revoked")
        self._events(look=look, result=result)

    def _audit(self, *, look: Look, result: WriteResult, change: Change, action: str) -> None:
        grants = _grants(look=look, owners=change.owners)
        verdicts = result.plan.verdicts
        ends = [verdicts[g.uid].ends for g in grants if g.uid in verdicts]
        until = max((end for end in ends if end is not None), default=None)
        first = grants[0] if grants else None
        self.audit.record(
            AccessDecision(
                action=action,
                cause=change.cause,
                cluster=look.ref.resource_id,
                target=look.name,
                ranges=(change.entry,),
                grants=_paths(look=look, owners=change.owners),
                until=None if None in ends else until,
                before=result.before,
                after=result.plan.desired,
                requested_by=first.requested_by if first else "",
                reason=first.reason if first else "",
                ticket=first.ticket if first else "",
            )
        )

    def _events(self, *, look: Look, result: WriteResult) -> None:
        if look.target is None:
            return
        plan = result.plan
        if plan.restores:
            self._post(
                target=look.target,
                type=EventType.WARNING,
                reason="ListRestored",
                note=(
                    "Somebody cleared the authorized IP ranges, which opens the API server to "
                    "everyone. The last verified list goes back. To open it on purpose, set "
                    "mode: Observe first."
                ),
            )
        returned = [c.entry for c in plan.removals if c.cause is Cause.WITHDRAWN]
        if returned:
            self._post(
                target=look.target,
                type=EventType.WARNING,
                reason="WithdrawnEntryReturned",
                note=(
                    f"{_named(returned)} came back after being taken out, and is removed again. "
                    "To keep it, put it in the baseline or commit a grant."
                ),
            )
        drifted = [c.entry for c in plan.additions if c.cause is Cause.DRIFT]
        if drifted:
            self._post(
                target=look.target,
                type=EventType.WARNING,
                reason="DriftCorrected",
                note=f"{_named(drifted)} had been removed by somebody else, and goes back.",
            )
        added = [change.entry for change in plan.additions]
        removed = [change.entry for change in plan.removals]
        parts = [
            f"adds {_named(added)}" if added else "",
            f"takes out {_named(removed)}" if removed else "",
        ]
        said = "; ".join(part for part in parts if part)
        if said:
            self._post(
                target=look.target,
                type=EventType.NORMAL,
                reason="ListWritten",
                note=f"The list in Azure is being written: {said}.",
            )

    def detached(self, *, target: Target, entries: Iterable[str]) -> None:
        """A target was deleted with Detach; names what it leaves."""
        left = sorted(entries)
        note = f"Detached. Left in Azure: {_named(left)}." if left else "Detached."
        self._post(target=target, type=EventType.WARNING, reason="Detached", note=note)
        log.warning("detached", extra={"target": target.name, "left": left})

    def cluster_gone(self, *, look: Look) -> None:
        """The cluster does not exist any more, so nothing of ours stands there."""
        log.warning("cluster is gone", extra={"target": look.name, "cluster": look.ref.resource_id})

    def _post(self, *, target: Target, type: EventType, reason: str, note: str) -> None:
        ref = ObjectRef(
            kind=Kind.TARGET,
            name=target.name,
            uid=target.uid,
            resource_version=target.resource_version,
        )
        self.events.post(
            Event(regarding=ref, type=type, reason=reason, action="Reconcile", note=note)
        )


def _grants(*, look: Look, owners: Iterable[str]) -> list[Grant]:
    verdicts = look.plan.verdicts
    return [
        verdict.grant for owner in owners if (verdict := verdicts.get(GrantUid(owner))) is not None
    ]


def _paths(*, look: Look, owners: Iterable[str]) -> tuple[str, ...]:
    known = {grant.uid: grant.path for grant in _grants(look=look, owners=owners)}
    names = look.ledger.names
    return tuple(known.get(GrantUid(owner), names.get(owner, owner)) for owner in owners)


def _named(entries: list[str]) -> str:
    more = len(entries) - NAMED
    return ", ".join(entries[:NAMED]) + (f" and {more} more" if more > 0 else "")

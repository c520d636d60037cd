"""What the outside learns of a write: audit lines, Events, figures.

Nothing here decides; everything is rendered from the plan that was sent.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aks_access.engine.look import Look
from aks_access.engine.ports import (
    AccessDecision,
    Audit,
    Event,
    Events,
    EventType,
    Metrics,
)
from aks_access.engine.refs import target_ref
from aks_access.engine.writer import Sent, WriteResult
from aks_access.plan.model import Cause, Grant, GrantUid, Target
from aks_access.plan.outcome import Plan

log = logging.getLogger(__name__)

NAMED = 10
"""Ranges that one Event names; the rest is counted."""

Lists = tuple[tuple[str, ...] | None, tuple[str, ...] | None]


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
        lists: Lists = (result.before, result.plan.desired)
        for decision in self._decisions(look=look, plan=result.plan):
            self.audit.record(replace(decision, before=lists[0], after=lists[1]))
            lists = (None, None)
        self._events(look=look, result=result)

    def _decisions(self, *, look: Look, plan: Plan) -> Iterator[AccessDecision]:
        """One for all changes of one action, cause and owners, additions first.

        A write of 2,000 entries is not 2,000 lines; for the same reason the whole list stands on
        the first line of a write only.
        """
        groups: dict[tuple[str, Cause, tuple[str, ...]], list[str]] = {}
        for change in plan.additions:
            action = "Restored" if change.cause in (Cause.CLEARED, Cause.DRIFT) else "Granted"
            groups.setdefault((action, change.cause, change.owners), []).append(change.entry)
        for change in plan.removals:
            groups.setdefault(("Revoked", change.cause, change.owners), []).append(change.entry)
        for (action, cause, owners), entries in groups.items():
            grants = _grants(look=look, owners=owners)
            ends = [plan.verdicts[g.uid].ends for g in grants if g.uid in plan.verdicts]
            yield AccessDecision(
                action=action,
                cause=cause,
                cluster=look.ref.resource_id,
                target=look.name,
                ranges=tuple(entries),
                grants=_paths(look=look, owners=owners),
                until=_latest(ends),
                before=None,
                after=None,
                requested_by=_each(grant.requested_by for grant in grants),
                reason=_each(grant.reason for grant in grants),
                ticket=_each(grant.ticket for grant in grants),
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
        self.events.post(
            Event(
                regarding=target_ref(target),
                type=type,
                reason=reason,
                action="Reconcile",
                note=note,
            )
        )


def _each(words: Iterable[str]) -> str:
    """What each of several grants says, once."""
    return "; ".join(dict.fromkeys(word for word in words if word))


def _latest(ends: Sequence[datetime | None]) -> datetime | None:
    """The latest of the ends; None where one of them never comes, or there is none."""
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


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

"""What the outside learns of a write: audit lines, Events, figures.

Nothing here decides; everything is rendered from the plan that was sent, or, where its answer was
lost or came to a process that is gone, from the ledger once the write is read back.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from aks_access.engine.decisions import AccessDecision, Outcome, Unplanned
from aks_access.engine.event_reasons import EventReason
from aks_access.engine.look import Look
from aks_access.engine.ports import Audit, Event, Events, EventType, Metrics
from aks_access.engine.refs import target_ref
from aks_access.engine.writer import Sent, WriteResult
from aks_access.plan.ledger import Ledger, WriteInFlight
from aks_access.plan.listing import Listing, canonical
from aks_access.plan.model import Cause, ClusterKey, Grant, GrantUid, Target
from aks_access.plan.outcome import Plan
from aks_access.plan.settlement import Settled

log = logging.getLogger(__name__)

NAMED = 10
"""Ranges that one Event names; the rest is counted."""

Lists = tuple[tuple[str, ...] | None, tuple[str, ...] | None]
Groups = dict[tuple[str, Cause | Unplanned, tuple[str, ...]], list[str]]
"""Entries by action, cause and owners."""


@dataclass(frozen=True, slots=True)
class Announcer:
    """Tells audit, Events and metrics.

    `told` holds for each cluster the latest write that was told: its start, and as what.
    """

    audit: Audit
    events: Events
    metrics: Metrics
    told: dict[ClusterKey, tuple[datetime, Outcome]] = field(default_factory=dict)

    def sent(self, *, look: Look, result: WriteResult) -> None:
        """A write phase ended."""
        if result.sent is Sent.NOTHING:
            return
        error = result.error
        self.metrics.write(target=look.name, result=error.fault.value if error else "accepted")
        if error is not None:
            log.warning(
                "write unanswered" if result.sent is Sent.UNCERTAIN else "write refused",
                extra={
                    "target": look.name,
                    "cluster": look.ref.resource_id,
                    "fault": error.fault.value,
                    "code": error.code,
                    "azure_message": error.message,
                },
            )
        if result.sent is Sent.REFUSED:
            return
        outcome = Outcome.UNCERTAIN if result.sent is Sent.UNCERTAIN else Outcome.ACCEPTED
        if (flight := result.ledger.in_flight) is not None:
            self.told[look.key] = (flight.started, outcome)
        lists: Lists = (result.before, result.plan.desired)
        self._record(self._decisions(look=look, plan=result.plan), lists=lists, outcome=outcome)
        if outcome is Outcome.ACCEPTED:
            self._events(look=look, result=result)

    def read_back(self, *, look: Look, ledger: Ledger, state: Settled) -> None:
        """A look found out what became of the ledger's write in flight; the look is planned.

        Nobody may have told of it yet: its answer was lost, or the process that sent it.
        """
        flight = ledger.in_flight
        if flight is None or state in (Settled.NOTHING, Settled.WAITING):
            return
        outcome = Outcome.UNCERTAIN if state is Settled.FAILED else Outcome.CONFIRMED
        started, before = self.told.get(look.key, (None, None))
        if started == flight.started and before in (outcome, Outcome.ACCEPTED, Outcome.CONFIRMED):
            return
        self.told[look.key] = (flight.started, outcome)
        added, removed = flight.added, flight.removed
        if outcome is Outcome.CONFIRMED:
            added, removed = _seen(flight=flight, listing=Listing.of(look.view.ranges or ()))
        groups: Groups = {}
        for action, entries in (("Granted", added), ("Revoked", removed)):
            for entry in entries:
                owners = _owners(ledger=ledger, entry=entry)
                groups.setdefault((action, Unplanned.UNKNOWN, owners), []).append(entry)
        decisions = self._grouped(look=look, groups=groups, verdicts_of=look.plan, ledger=ledger)
        self._record(decisions, lists=(None, look.view.ranges), outcome=outcome)
        if outcome is Outcome.CONFIRMED and look.target is not None:
            self._written(target=look.target, added=added, removed=removed)

    def _record(
        self, decisions: Iterable[AccessDecision], *, lists: Lists, outcome: Outcome
    ) -> None:
        """The whole list stands on the first line of a write only."""
        for decision in decisions:
            told = replace(decision, before=lists[0], after=lists[1], outcome=outcome)
            self.audit.record(told)
            lists = (None, None)

    def _decisions(self, *, look: Look, plan: Plan) -> Iterator[AccessDecision]:
        """One for all changes of one action, cause and owners, additions first.

        A write of 2,000 entries is not 2,000 lines.
        """
        groups: Groups = {}
        for change in plan.additions:
            action = "Restored" if change.cause in (Cause.CLEARED, Cause.DRIFT) else "Granted"
            groups.setdefault((action, change.cause, change.owners), []).append(change.entry)
        for change in plan.removals:
            groups.setdefault(("Revoked", change.cause, change.owners), []).append(change.entry)
        return self._grouped(look=look, groups=groups, verdicts_of=plan, ledger=look.ledger)

    def _grouped(
        self, *, look: Look, groups: Groups, verdicts_of: Plan, ledger: Ledger
    ) -> Iterator[AccessDecision]:
        for (action, cause, owners), entries in groups.items():
            grants = _grants(look=look, owners=owners)
            verdicts = verdicts_of.verdicts
            ends = [verdicts[g.uid].ends for g in grants if g.uid in verdicts]
            yield AccessDecision(
                action=action,
                cause=cause,
                cluster=look.ref.resource_id,
                target=look.name,
                ranges=tuple(entries),
                grants=_paths(grants=grants, owners=owners, names=ledger.names),
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
            out = (
                f" Without {_named(plan.unreturned)}, which AKS would not take or which would be "
                "everybody's address."
            )
            self._post(
                target=look.target,
                type=EventType.WARNING,
                reason=EventReason.LIST_RESTORED,
                note=(
                    "Somebody cleared the authorized IP ranges, which opens the API server to "
                    f"everyone. The last verified list goes back.{out if plan.unreturned else ''} "
                    "To open it on purpose, set mode: Observe first."
                ),
            )
        returned = [c.entry for c in plan.removals if c.cause is Cause.WITHDRAWN]
        if returned:
            self._post(
                target=look.target,
                type=EventType.WARNING,
                reason=EventReason.WITHDRAWN_ENTRY_RETURNED,
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
                reason=EventReason.DRIFT_CORRECTED,
                note=f"{_named(drifted)} had been removed by somebody else, and goes back.",
            )
        self._written(
            target=look.target,
            added=[change.entry for change in plan.additions],
            removed=[change.entry for change in plan.removals],
        )

    def _written(self, *, target: Target, added: Sequence[str], removed: Sequence[str]) -> None:
        parts = [
            f"adds {_named(added)}" if added else "",
            f"takes out {_named(removed)}" if removed else "",
        ]
        said = "; ".join(part for part in parts if part)
        if said:
            self._post(
                target=target,
                type=EventType.NORMAL,
                reason=EventReason.LIST_WRITTEN,
                note=f"The list in Azure is being written: {said}.",
            )

    def detached(self, *, target: Target, ledger: Ledger) -> None:
        """A target was deleted with Detach; names what it leaves."""
        left = sorted(entry.range for entry in ledger.ours)
        self._released(ledger=ledger, name=target.name, cause=Cause.TARGET_DELETED)
        note = f"Detached. Left in Azure: {_named(left)}." if left else "Detached."
        self._post(target=target, type=EventType.WARNING, reason=EventReason.DETACHED, note=note)
        log.warning("detached", extra={"target": target.name, "left": left})

    def cluster_gone(self, *, look: Look, ledger: Ledger) -> None:
        """The cluster does not exist any more, so nothing of what the ledger held stands there."""
        self._released(ledger=ledger, name=look.name, cause=Unplanned.CLUSTER_GONE)
        log.warning("cluster is gone", extra={"target": look.name, "cluster": look.ref.resource_id})

    def _released(self, *, ledger: Ledger, name: str, cause: Cause | Unplanned) -> None:
        """What the ledger held is not ours any more, with no write to Azure."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for entry in ledger.ours:
            owners = _owners(ledger=ledger, entry=entry.range)
            groups.setdefault(owners, []).append(entry.range)
        for owners, entries in groups.items():
            self.audit.record(
                AccessDecision(
                    action="Released",
                    cause=cause,
                    cluster=ledger.resource_id,
                    target=name,
                    ranges=tuple(entries),
                    grants=_paths(grants=(), owners=owners, names=ledger.names),
                    until=None,
                    before=None,
                    after=None,
                )
            )

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


def _paths(
    *, grants: Iterable[Grant], owners: Iterable[str], names: Mapping[str, str]
) -> tuple[str, ...]:
    known = {grant.uid: grant.path for grant in grants}
    return tuple(known.get(GrantUid(owner), names.get(owner, owner)) for owner in owners)


def _owners(*, ledger: Ledger, entry: str) -> tuple[str, ...]:
    """For whom the ledger holds the entry, or held it when its grants were let go."""
    held = ledger.entries.get(canonical(entry))
    return () if held is None else tuple(dict.fromkeys((*held.owners, *held.released)))


def _seen(*, flight: WriteInFlight, listing: Listing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of the write's additions and removals is to be seen in the cluster's list."""
    added = tuple(entry for entry in flight.added if canonical(entry) in listing)
    return added, tuple(entry for entry in flight.removed if canonical(entry) not in listing)


def _named(entries: Sequence[str]) -> str:
    more = len(entries) - NAMED
    return ", ".join(entries[:NAMED]) + (f" and {more} more" if more > 0 else "")

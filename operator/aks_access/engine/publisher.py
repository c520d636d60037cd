"""Makes a pass visible: the report to the grants, the target's status, its Event, its figures."""

import logging
from dataclasses import dataclass, field

from aks_access.api.reasons import TargetReason
from aks_access.engine.board import Board
from aks_access.engine.look import Look
from aks_access.engine.notes import (
    CONTENT,
    Note,
    azure_note,
    blocker,
    finding_note,
    kept_by,
    withheld_note,
    worst_first,
)
from aks_access.engine.orphans import Orphans, left_open, orphan_message, orphaned
from aks_access.engine.ports import (
    Clock,
    Event,
    Events,
    EventType,
    Kind,
    Metrics,
    ObjectRef,
    Objects,
)
from aks_access.engine.refs import target_ref
from aks_access.engine.store import Store
from aks_access.engine.target_status import TargetFacts, observing_message, target_status
from aks_access.engine.verdicts import target_report
from aks_access.errors import KubeError
from aks_access.plan.broad import broad
from aks_access.plan.ledger import Ledger, departure
from aks_access.plan.model import Cause, ClusterKey, Target
from aks_access.plan.outcome import Finding, Origin
from aks_access.plan.settlement import Settled

log = logging.getLogger(__name__)

UNDER_WAY = frozenset({TargetReason.PROGRESSING, TargetReason.REVOCATION_PENDING})
"""States that every write passes through: no news, `ListWritten` tells of it."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes target status and posts to the board.

    Attributes:
        untaken: clusters with a target whose status, or whose release, the API server did not
            take; a pass that ends with its cluster here is made again soon.
    """

    board: Board
    store: Store
    objects: Objects
    events: Events
    metrics: Metrics
    clock: Clock
    orphans: Orphans
    untaken: set[ClusterKey] = field(default_factory=set)
    _told: dict[str, tuple[str, TargetReason]] = field(default_factory=dict)

    async def publish(self, *, look: Look, recorded: bool = True) -> None:
        """Report the pass; nothing while a kind was never listed: it would only look missing.

        Where it could not be `recorded` the ledger holds what it held, whatever the plan says: no
        grant is let go by it.
        """
        if not self.store.synced:
            return
        notes = self._notes(look)
        self.board.post(
            target_report(
                key=look.key,
                target=look.target,
                plan=look.plan,
                blocker=blocker(notes),
                prepare=look.prepare,
                planned_at=look.planned_at,
                known=recorded,
            )
        )
        self._figures(look=look, note=notes[0])
        if look.target is None:
            if orphaned(look) or left_open(look) or look.adoption.lost:
                message = orphan_message(look=look, why=notes[0].message)
                await self.orphans.tell(key=look.key, message=message)
            return
        trusted = look.ledger.version != "" and not look.adoption.lost
        facts = TargetFacts(
            target=look.target,
            notes=notes,
            plan=look.plan,
            view=look.view,
            sequence=look.ledger.sequence if trusted else look.target.ledger_sequence,
            grants={uid: verdict.grant for uid, verdict in look.plan.verdicts.items()},
        )
        await self._write(target=look.target, facts=facts)

    def retire(self, name: str) -> None:
        """Drop the figures of a target, or of an orphaned ledger, that is no more."""
        self._told.pop(name, None)
        self.metrics.target_gone(target=name)

    async def publish_note(self, *, target: Target, note: Note) -> None:
        """Report a target of which nothing is known but this."""
        facts = TargetFacts(
            target=target,
            notes=(note,),
            plan=None,
            view=None,
            sequence=target.ledger_sequence,
            grants={},
        )
        self.metrics.target_gone(target=target.name)
        self.metrics.target_state(target=target.name, reason=note.reason.value, figures={})
        await self._write(target=target, facts=facts)

    def _spec_note(self, *, target: Target, ledger: Ledger) -> Note:
        """The target's spec is unusable, and something may have to be taken out yet."""
        details = {}
        if target.deleting is not None:
            policy = departure(target=target, ledger=ledger)
            details = {"leaving": policy.value if policy is not None else "unknown"}
        finding = Finding(TargetReason.INVALID_SPEC, details, blocks=True)
        return finding_note(finding=finding, target=target, cluster=target.resource_id)

    def _finding(self, look: Look, finding: Finding) -> Note:
        cluster = look.ref.resource_id
        return finding_note(finding=finding, target=look.target, cluster=cluster)

    def _notes(self, look: Look) -> tuple[Note, ...]:
        target, plan = look.target, look.plan
        notes: list[Note] = []
        if target is not None and target.problems:
            notes.append(self._spec_note(target=target, ledger=look.ledger))
        in_flight = look.ledger.in_flight is not None
        errors = self._errors(look)
        refused = [f for f in plan.findings if f.reason is TargetReason.WRITE_REFUSED]
        withheld = self._withheld(look)
        keeping = [*errors, *(self._finding(look, finding) for finding in refused), *withheld]
        for finding in plan.findings:
            if finding.reason is TargetReason.CLUSTER_BUSY and in_flight:
                continue
            if finding.reason is TargetReason.OBSERVING:
                message = observing_message(plan=plan)
                notes.append(Note(reason=finding.reason, message=message))
                continue
            notes.append(self._finding(look, kept_by(finding=finding, keeping=keeping)))
        notes.extend(errors)
        notes.extend(withheld)
        notes.extend(self._waits(look=look, in_flight=in_flight))
        if all(note.reason is TargetReason.BROAD_ENTRY for note in notes):
            held = bool(plan.held_removals)  # for what the next look may know better
            reason = TargetReason.REVOCATION_PENDING if held else TargetReason.IN_SYNC
            notes.append(self._finding(look, Finding(reason)))
        return worst_first(notes)

    def _withheld(self, look: Look) -> list[Note]:
        """What has to go and stays, because the view is partial or an owner could not be asked.

        Where nothing is to be written anyway, that is the reason.
        """
        idle = {TargetReason.OBSERVING, TargetReason.SUSPENDED}
        problems, plan = self.store.problems, look.plan
        held = [change for change in plan.held_removals if change.cause is not Cause.EXPIRED]
        if not problems:
            held = [c for c in held if not look.unconfirmed.isdisjoint(c.owners)]
        if not held or any(finding.reason in idle for finding in plan.findings):
            return []
        paths = (look.ledger.names.get(uid, uid) for uid in look.unconfirmed)
        return [
            withheld_note(
                entries=sorted(change.entry for change in held),
                problems=problems,
                unasked=sorted(paths),
            )
        ]

    def _errors(self, look: Look) -> list[Note]:
        """What Azure answered last, where it is why the list is not as planned."""
        target, memory = look.target, look.memory
        if target is None:
            return []
        found = []
        if memory.read_error is not None:
            found.append(azure_note(error=memory.read_error, target=target, writing=False))
        if memory.write_error is not None and look.plan.write:
            found.append(azure_note(error=memory.write_error, target=target, writing=True))
        return found

    def _waits(self, *, look: Look, in_flight: bool) -> list[Note]:
        plan, notes = look.plan, []
        if self.clock.in_doubt():
            notes.append(self._finding(look, Finding(TargetReason.CLOCK_IN_DOUBT, blocks=True)))
        if look.memory.ledger_full:
            notes.append(self._finding(look, Finding(TargetReason.LEDGER_FULL, blocks=True)))
        if plan.write and not in_flight and look.budget_wait(self.clock.now()) > 0.0:
            notes.append(self._finding(look, Finding(TargetReason.THROTTLED, blocks=True)))
        removing = plan.removals or (in_flight and look.state is Settled.WAITING and look.due)
        if plan.write or in_flight or look.prepare:
            reason = TargetReason.REVOCATION_PENDING if removing else TargetReason.PROGRESSING
            notes.append(self._finding(look, Finding(reason)))
        return notes

    async def _write(self, *, target: Target, facts: TargetFacts) -> None:
        status = target_status(facts=facts, now=self.clock.now())
        if status == dict(target.status):
            self._told.pop(target.name, None)
            return
        ref = target_ref(target)
        note = facts.notes[0]
        if self._told.get(target.name) != (target.uid, note.reason):  # else it was only not taken
            self._told[target.name] = (target.uid, note.reason)
            self._event(ref=ref, target=target, note=note)
        try:
            raw = await self.objects.patch_status(ref=ref, status=status)
        except KubeError as error:
            log.warning("status of target %s not written: %s", target.name, error)
            self.untaken.add(target.key)
            return
        self._told.pop(target.name, None)
        self.store.changed(Kind.TARGET, raw)

    def _event(self, *, ref: ObjectRef, target: Target, note: Note) -> None:
        summary = target.status.get("summary")
        before = summary.get("state") if isinstance(summary, dict) else None
        routine = note.reason is TargetReason.IN_SYNC and before in UNDER_WAY
        if before == note.reason.value or note.reason in UNDER_WAY or routine:
            return
        calm = note.transient or note.reason in CONTENT - {TargetReason.BROAD_ENTRY}
        self.events.post(
            Event(
                regarding=ref,
                type=EventType.NORMAL if calm else EventType.WARNING,
                reason=note.reason.value,
                action="Reconcile",
                note=note.message,
            )
        )

    def _figures(self, *, look: Look, note: Note) -> None:
        plan = look.plan
        refused = sum(
            known.asks == verdict.asks
            for uid, verdict in plan.verdicts.items()
            if (known := look.ledger.refused.get(uid)) is not None
        )
        foreign = sum(entry.origin is Origin.FOREIGN for entry in plan.report)
        self.metrics.target_state(
            target=look.name,
            reason=note.reason.value,
            figures={
                "entries": float(len(look.view.ranges or ())),
                "limit": float(plan.entry_limit),
                "grants": float(sum(verdict.let_in for verdict in plan.verdicts.values())),
                "paced": float(sum(v.paced is not None for v in plan.verdicts.values())),
                "foreign": float(foreign),
                "broad": float(sum(map(broad, look.view.ranges or ()))),
                "orphaned": float(len(orphaned(look))),
                "overdue": float(len(plan.overdue)),
                "refused": float(refused),
                "reversals": float(plan.standing.recent),
            },
        )

"""The GrantReconciler: the only writer of grants.

Finalizer, activation, status, Events and retention, all from the targets' reports. It never
speaks to Azure.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aks_access.api.names import GRANT_FINALIZER
from aks_access.api.reasons import GrantReason
from aks_access.api.timestamps import parse_timestamp
from aks_access.engine.aims import status_targets
from aks_access.engine.board import Board
from aks_access.engine.config import EngineConfig
from aks_access.engine.decisions import AccessDecision
from aks_access.engine.event_reasons import EventReason
from aks_access.engine.grant_reports import GrantReports
from aks_access.engine.grant_status import PASSING, READY, GrantFacts, grant_status, worst
from aks_access.engine.look import Next
from aks_access.engine.looptime import loop_time
from aks_access.engine.ports import (
    Activations,
    Audit,
    Clock,
    Event,
    Events,
    EventType,
    Kind,
    Objects,
)
from aks_access.engine.refs import grant_ref
from aks_access.engine.reports import GrantReport
from aks_access.engine.store import Store
from aks_access.engine.worlds import Worlds
from aks_access.errors import KubeConflict, KubeError
from aks_access.plan.model import Cause, Grant, GrantUid, activation_key
from aks_access.plan.outcome import AccessState

log = logging.getLogger(__name__)

EVENT_REASONS = {
    GrantReason.ACTIVE: EventReason.ACCESS_GRANTED,
    GrantReason.EXPIRED: EventReason.ACCESS_EXPIRED,
    GrantReason.REVOKED: EventReason.ACCESS_REVOKED,
    GrantReason.SCHEDULED: EventReason.ACCESS_SCHEDULED,
}
SILENT = frozenset({GrantReason.PROGRESSING, GrantReason.REVOCATION_PENDING})
"""Reasons that are no news: something is under way."""

News = tuple[int, GrantReason, datetime | None]
"""What Events and audit tell of a status: generation, reason and end."""


@dataclass(slots=True)
class GrantReconciler:
    """Reconciles grants by uid.

    Attributes:
        hint: asks for a look at the targets of a grant (after its activation was recorded).
        nudge: the same, once no more hints come: one that cannot be prepared holds nobody up.
    """

    store: Store
    worlds: Worlds
    board: Board
    reports: GrantReports
    objects: Objects
    activations: Activations
    events: Events
    audit: Audit
    clock: Clock
    config: EngineConfig
    hint: Callable[[Grant], None]
    nudge: Callable[[Grant], None]
    _deleting_since: dict[GrantUid, float] = field(default_factory=dict)
    _told: dict[GrantUid, News] = field(default_factory=dict)

    async def reconcile(self, uid: GrantUid) -> Next:
        """One pass over a grant; raises `KubeError` where the API server failed it."""
        grant = self.store.grant(uid)
        if grant is None:
            self._deleting_since.pop(uid, None)
            self._told.pop(uid, None)
            self.board.rest(uid)
            return Next()
        if not self.store.synced:
            return Next(after=self.config.poll)
        if grant.deleting is not None:
            return await self._let_go(grant)
        again = Next()
        if self.board.to_prepare(uid):
            grant = await self._prepare(grant)
            if not self._prepared(grant):
                again = Next(failed=True, limit=self.config.due_retry)
        reports = self.reports.gather(grant)
        if reports is None:
            return again
        self.board.rest(uid)
        await self._publish(grant=grant, reports=reports)
        return again if again.failed else await self._retain(grant=grant, reports=reports)

    def _prepared(self, grant: Grant) -> bool:
        counted = grant.duration is None or self.worlds.activation(grant) is not None
        return grant.finalized and counted

    async def _prepare(self, grant: Grant) -> Grant:
        """Finalizer and activation, before a target lets the grant in."""
        if not grant.finalized:
            try:
                raw = await self.objects.add_finalizer(
                    ref=grant_ref(grant), finalizer=GRANT_FINALIZER
                )
            except KubeError as error:
                log.warning("finalizer of %s not added: %s", grant.path, error)
                return grant
            self.store.changed(Kind.GRANT, raw)
            grant = self.store.grant(grant.uid) or grant
        key = activation_key(grant)
        if grant.duration is not None and key not in self.worlds.activations:
            if not self.worlds.activations_known:
                return grant
            begun = grant.started or self.clock.now().replace(microsecond=0)
            try:
                stored = await self.activations.record(
                    namespace=grant.namespace, entries={key: begun}
                )
            except KubeError as error:
                log.warning("the beginning of %s not recorded: %s", grant.path, error)
                return grant
            self.worlds.activations.setdefault(key, stored[key])
        if self.board.prepared(grant.uid):
            self.hint(grant)
        else:
            self.nudge(grant)
        return grant

    async def _let_go(self, grant: Grant) -> Next:
        """Remove the finalizer when no ledger holds anything for the deleted grant any more."""
        if not grant.finalized:
            return Next()
        since = self._deleting_since.setdefault(grant.uid, loop_time())
        self.board.wait(grant.uid)
        if not self.board.holdings_known or not self.store.complete:
            return Next(after=self.config.due_retry)
        if self.board.held(grant.uid):
            reports = self.reports.gather(grant)
            if reports is not None:
                await self._publish(grant=grant, reports=reports)
            return Next()
        told = status_targets(grant)
        known = set(filter(self.store.target, told))
        concerned = known | {target.name for target in self.store.aimed_at(grant)}
        gone = {""} if told - known else set()
        if self.board.unknown(concerned | gone):
            return Next(after=self.config.due_retry)
        if any(self.board.planned_at(name) < since for name in concerned):
            self.hint(grant)
            return Next()
        await self.objects.remove_finalizer(ref=grant_ref(grant), finalizer=GRANT_FINALIZER)
        self.board.rest(grant.uid)
        self._deleting_since.pop(grant.uid, None)
        if _was_in_azure(grant):
            self._post(
                grant=grant,
                type=EventType.NORMAL,
                reason=EventReason.ACCESS_REVOKED,
                note="Deleted; read back from Azure without its ranges.",
            )
        return Next()

    async def _publish(self, *, grant: Grant, reports: list[GrantReport]) -> None:
        activated = self.worlds.activation(grant)
        facts = GrantFacts(
            grant=grant,
            reports=reports,
            activated=activated if grant.duration is not None else None,
            held=bool(self.board.held(grant.uid)),
        )
        status = grant_status(facts=facts, now=self.clock.now())
        if status == dict(grant.status):
            return
        main = worst(reports)
        news = (grant.generation, main.reason, main.ends)
        if self._told.get(grant.uid) != news:  # else only the status was not taken
            self._told[grant.uid] = news
            self._event(grant=grant, main=main)
            self._extended(grant=grant, main=main)
        raw = await self.objects.patch_status(ref=grant_ref(grant), status=status)
        self._told.pop(grant.uid, None)
        self.store.changed(Kind.GRANT, raw)

    def _extended(self, *, grant: Grant, main: GrantReport) -> None:
        """Record that access which stands already now ends later: no write to Azure shows it."""
        until = grant.status.get("expiresAt")
        before = parse_timestamp(until) if isinstance(until, str) else None
        if before is None or main.reason is not GrantReason.ACTIVE:
            return
        if main.ends is not None and main.ends <= before:
            return
        self.audit.record(
            AccessDecision(
                action="Extended",
                cause=Cause.EDITED,
                cluster="",
                target=", ".join(sorted(t.name for t in self.store.aimed_at(grant))),
                ranges=main.ranges,
                grants=(grant.path,),
                until=main.ends,
                before=None,
                after=None,
                requested_by=grant.requested_by,
                reason=grant.reason,
                ticket=grant.ticket,
            )
        )

    def _event(self, *, grant: Grant, main: GrantReport) -> None:
        summary = grant.status.get("summary")
        before = summary.get("state") if isinstance(summary, dict) else None
        if before == main.reason.value or main.reason in SILENT:
            return
        self._post(
            grant=grant,
            type=EventType.NORMAL if main.reason in READY | PASSING else EventType.WARNING,
            reason=EVENT_REASONS.get(main.reason, main.reason.value),
            note=main.message,
        )

    def _post(self, *, grant: Grant, type: EventType, reason: str, note: str) -> None:
        self.events.post(
            Event(
                regarding=grant_ref(grant),
                type=type,
                reason=reason,
                action="Reconcile",
                note=note,
            )
        )

    async def _retain(self, *, grant: Grant, reports: list[GrantReport]) -> Next:
        """Delete an expired grant after retention, unless GitOps would bring it back."""
        ended = all(report.state is AccessState.EXPIRED for report in reports)
        if not ended or grant.tracked or any(report.held for report in reports):
            return Next()
        if not self.board.holdings_known:
            self.board.wait(grant.uid)
            return Next()
        if self.board.held(grant.uid):
            return Next()
        if self.clock.in_doubt() or not self.store.complete:
            return Next(after=self.config.due_retry)
        when = retained_until(grant=grant, reports=reports, default=self.config.retention)
        wait = (when - self.clock.now()).total_seconds()
        if wait > 0:
            return Next(after=wait)
        fresh = self.store.grant(grant.uid) or grant
        log.info("expired grant is deleted", extra={"grant": grant.path, "uid": grant.uid})
        try:
            raw = await self.objects.delete(ref=grant_ref(fresh))
        except KubeConflict:
            return Next(failed=True, limit=self.config.due_retry)
        if raw is not None:
            self.store.changed(Kind.GRANT, raw)
        return Next()


def retained_until(*, grant: Grant, reports: Iterable[GrantReport], default: timedelta) -> datetime:
    """When an expired grant's object may go, UTC: retention after the later of end and creation."""
    ends = [report.ends for report in reports if report.ends is not None]
    retention = grant.retention if grant.retention is not None else default
    return max([*ends, grant.created]) + retention


def _was_in_azure(grant: Grant) -> bool:
    summary = grant.status.get("summary")
    text = str(summary.get("inAzure", "")) if isinstance(summary, dict) else ""
    return bool(text) and not text.startswith("0/")

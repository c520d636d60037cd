"""A cluster that cannot be read, is gone, or has no record: what is due is told all the same."""

import logging
from dataclasses import dataclass, replace

from aks_access.engine.announcer import Announcer
from aks_access.engine.assessor import Assessor
from aks_access.engine.claims import Claims
from aks_access.engine.config import EngineConfig
from aks_access.engine.look import Look, Next
from aks_access.engine.looptime import loop_time
from aks_access.engine.memory import kept
from aks_access.engine.notes import azure_note
from aks_access.engine.orphans import held_for_grants, standing_in
from aks_access.engine.ports import Clock, Ledgers
from aks_access.engine.publisher import Publisher
from aks_access.engine.records import Records
from aks_access.engine.reports import TargetReport
from aks_access.errors import AzureError, AzureFault, KubeError, LedgerError
from aks_access.plan import sentences
from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import Ledger
from aks_access.plan.settlement import Settled, cluster_gone
from aks_access.plan.world import Removals

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outages:
    """Reports from what is remembered, and says when to try again."""

    assessor: Assessor
    claims: Claims
    records: Records
    ledgers: Ledgers
    publisher: Publisher
    announcer: Announcer
    clock: Clock
    config: EngineConfig

    async def unread(self, *, look: Look, error: AzureError) -> Next:
        """The cluster cannot be read: what is due becomes overdue all the same."""
        memory = look.memory
        memory.read_error = kept(error)
        if error.fault is AzureFault.NOT_FOUND:
            return await self._missing(look=look, error=error)
        memory.missing_since = None
        await self._report_unread(look=look, error=error)
        outcome = self._after_read_error(look=look, error=error)
        return replace(outcome, hangs=True)

    async def unrecorded(self, *, look: Look, error: KubeError | LedgerError) -> Next:
        """The ledger, or a finalizer before it, could not be written: told, and tried again.

        What falls due by the clock meanwhile is no later for it.
        """
        log.warning("%s: what this look changed is not recorded: %s", look.name, error)
        await self.publisher.publish(look=look, recorded=False)
        after = look.until_transition(self.clock.now())
        return Next(failed=True, limit=self.config.due_retry, after=after)

    async def throttled(self, *, look: Look) -> Next:
        """Nothing is asked until Azure's Retry-After is over; what falls due meanwhile is told."""
        memory = look.memory
        assert memory.read_error is not None
        await self._report_unread(look=look, error=memory.read_error)
        return self._at_the_gate(look=look)

    async def _report_unread(self, *, look: Look, error: AzureError) -> None:
        if look.stored is None or look.stored.verified is None or not look.trusted:
            if look.target is not None:
                note = azure_note(error=error, target=look.target, writing=False)
                known = look.holds_nothing
                await self.claims.blocked(key=look.key, target=look.target, note=note, known=known)
            elif look.stored is not None:
                await self._report_orphan(look=look, stored=look.stored, error=error)
            return
        view = look.remembered_view()
        adoption = Adoption(look.stored, look.stored.lost)
        plan = self.assessor.plan(look=look, view=view, adoption=adoption, removals=Removals.NONE)
        look.seen(
            view=view, adoption=adoption, plan=plan, state=Settled.WAITING, prepare=frozenset()
        )
        recorded = True
        try:
            await self.records.record(look=look)
        except (KubeError, LedgerError) as unsaved:
            log.warning("%s: what falls due is not recorded: %s", look.name, unsaved)
            recorded = False
        await self.publisher.publish(look=look, recorded=recorded)

    async def _report_orphan(self, *, look: Look, stored: Ledger, error: AzureError) -> None:
        """A ledger without a target and without a list that was ever read back.

        What it holds is known all the same: grants of other clusters must not wait for it.
        """
        self.claims.board.post(TargetReport(key=look.key, target="", held=held_for_grants(stored)))
        entries = standing_in(stored)
        if entries:
            await self.claims.orphans.tell(
                key=look.key,
                message=sentences.orphan_sentence(
                    entries=entries,
                    target=look.name,
                    cluster=look.ref.resource_id,
                    why=sentences.azure_text(error.message),
                ),
            )

    async def _missing(self, *, look: Look, error: AzureError) -> Next:
        """404: believed when it is seen twice, a while apart; then nothing of ours stands there."""
        memory, now = look.memory, loop_time()
        if memory.missing_since is None:
            memory.missing_since = now
        if now - memory.missing_since < self.config.missing_confirm:
            await self._report_unread(look=look, error=error)
            return Next(after=self.config.missing_confirm - (now - memory.missing_since))
        if look.stored is not None and look.trusted:
            left = cluster_gone(ledger=look.stored, now=self.clock.now())
            if left != look.stored:
                before, look.stored = look.stored, await self.ledgers.save(ledger=left)
                memory.ledger = look.stored
                self.announcer.cluster_gone(look=look, ledger=before)
        going = look.target is None or look.target.deleting is not None
        if going and not memory.ledger_newer:
            await self.claims.let_go(key=look.key, target=look.target, name=look.name)
            return Next()
        if look.target is None:
            return Next(after=self.config.drift)
        note = azure_note(error=error, target=look.target, writing=False)
        known = not memory.ledger_newer
        await self.claims.blocked(key=look.key, target=look.target, note=note, known=known)
        return Next(after=self.config.drift)

    def _after_read_error(self, *, look: Look, error: AzureError) -> Next:
        if error.fault is AzureFault.THROTTLED and error.retry_after is not None:
            look.memory.read_gate = loop_time() + error.retry_after
            return self._at_the_gate(look=look)
        limit = self.config.due_retry if look.due or look.holding else self.config.slow_retry
        transition = look.until_transition(self.clock.now())
        if error.fault in (AzureFault.FORBIDDEN, AzureFault.REFUSED, AzureFault.LOCKED):
            return Next(after=limit if transition is None else min(limit, transition))
        return Next(failed=True, limit=limit, after=transition)

    def _at_the_gate(self, *, look: Look) -> Next:
        left = max(0.05, look.memory.read_gate - loop_time())
        transition = look.until_transition(self.clock.now())
        return Next(after=left if transition is None else min(left, max(0.05, transition)))

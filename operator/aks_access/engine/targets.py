"""The TargetReconciler: one cluster, from what is wanted to what Azure says, one step at a time.

A phase machine that never waits for Azure: read, settle the write in flight, plan, hold for
finalizers, record, read and plan again, one PUT; then the key is released and looked at later. A
restart runs the same code over the ledger. It writes ledgers and target status, nothing else.
"""

import logging
from dataclasses import dataclass, replace

from aks_access.api.modes import DeletionPolicy
from aks_access.engine.announcer import Announcer
from aks_access.engine.assessor import Assessor
from aks_access.engine.claims import Claims
from aks_access.engine.config import EngineConfig
from aks_access.engine.look import Look, Next, additions_allowed, needing
from aks_access.engine.looptime import loop_time
from aks_access.engine.memory import ClusterMemory
from aks_access.engine.outages import Outages
from aks_access.engine.ports import Clusters, Kind
from aks_access.engine.publisher import Publisher
from aks_access.engine.records import Records
from aks_access.engine.refs import cluster_ref
from aks_access.engine.retries import (
    after_refusal,
    asked,
    held_back,
    with_unrecorded,
)
from aks_access.engine.store import Store
from aks_access.engine.worlds import Worlds, owners_of
from aks_access.engine.writer import Sent, Writer, WriteResult
from aks_access.errors import (
    AzureError,
    AzureFault,
    KubeError,
    LedgerError,
    LedgerTooLarge,
)
from aks_access.plan import holders
from aks_access.plan.adoption import another_cluster
from aks_access.plan.clearing import revokes
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger, departure
from aks_access.plan.model import ClusterKey, GrantUid, Target
from aks_access.plan.outcome import Plan
from aks_access.plan.settlement import Settled

log = logging.getLogger(__name__)


@dataclass(slots=True)
class TargetReconciler:
    """Reconciles clusters by key; see the module."""

    store: Store
    worlds: Worlds
    assessor: Assessor
    claims: Claims
    records: Records
    outages: Outages
    writer: Writer
    clusters: Clusters
    publisher: Publisher
    announcer: Announcer
    config: EngineConfig
    memories: dict[ClusterKey, ClusterMemory]

    async def reconcile(self, key: ClusterKey) -> Next:
        """One pass over a cluster; says when to look again.

        Raises `KubeError` and `LedgerError` where the management cluster's API server failed it
        before there was a plan; nothing was sent to Azure then.
        """
        if not self.store.listed(Kind.TARGET, Kind.GRANT):
            return Next(after=self.config.poll)
        memory = self.memories.setdefault(key, ClusterMemory())
        stored, unreadable = await self.records.load(key=key, memory=memory)
        if stored is None and not self.store.synced:
            return Next(after=self.config.poll)
        claimants = self.worlds.claimants(key)
        target = holders.incumbent(claimants, stored)
        self.publisher.untaken.discard(key)
        try:
            await self.claims.displaced(key=key, claimants=claimants, target=target)
        except KubeError as error:
            log.warning("a duplicate target of %s was not let go: %s", key, error)
            self.publisher.untaken.add(key)
        outcome = await self._pass(
            key=key, target=target, stored=stored, unreadable=unreadable, memory=memory
        )
        untaken = key in self.publisher.untaken
        return outcome.again(limit=self.config.due_retry) if untaken else outcome

    async def _pass(
        self,
        *,
        key: ClusterKey,
        target: Target | None,
        stored: Ledger | None,
        unreadable: str,
        memory: ClusterMemory,
    ) -> Next:
        if target is not None:
            asked(memory=memory, requested_at=target.requested_at)
        if target is None and stored is None:
            return await self.claims.without_target(key=key, unreadable=unreadable)
        if target is not None and target.deleting is not None:
            if not target.finalized and stored is None and not unreadable:
                return self.claims.forget(key)
            goes = departure(target=target, ledger=stored)
            if goes is DeletionPolicy.DETACH and not memory.ledger_newer:
                return await self.claims.detach(key=key, target=target, stored=stored)
        if target is not None and target.problems and stored is None:
            return await self.claims.unusable(key=key, target=target, unreadable=unreadable)
        look = Look(
            key=key,
            target=target,
            ref=cluster_ref(target=target, stored=stored),
            stored=stored,
            unreadable=unreadable,
            memory=memory,
        )
        if target is None:
            look.acknowledge = await self.records.acknowledgement(key=key)
        elif target.problems:
            look.acknowledge = target.acknowledge
        if memory.read_gate > loop_time():
            return await self.outages.throttled(look=look)
        try:
            view = await self.clusters.get(ref=look.ref)
        except AzureError as error:
            return await self.outages.unread(look=look, error=error)
        memory.view, memory.read_error, memory.missing_since = view, None, None
        return await self._seen(look=look, view=view)

    async def _seen(self, *, look: Look, view: ClusterView) -> Next:
        """From the view to a plan, and to a write, a record or nothing.

        The order matters: a doubt is recorded before anything is planned on it, what was in flight
        is settled before its owners are judged, and finalizers wait for the plan that needs them.
        """
        adoption = await self.records.doubted(
            look=look, adoption=self.assessor.adopt(look=look, view=view)
        )
        known = with_unrecorded(memory=look.memory, ledger=adoption.ledger)
        ledger, state = await self.assessor.settle(look=look, view=view, ledger=known)
        adoption = replace(adoption, ledger=ledger)
        ledger = self.assessor.searched(look=look, view=view, adoption=adoption)
        adoption = replace(adoption, ledger=ledger)
        unconfirmed = await self.assessor.confirm_vanished(look=look, ledger=ledger)
        look.unconfirmed = unconfirmed
        plan = self.assessor.plan(look=look, view=view, adoption=adoption, unconfirmed=unconfirmed)
        if look.memory.removals_first and not plan.removals and ledger.in_flight is None:
            look.memory.removals_first = False
            plan = self.assessor.plan(
                look=look, view=view, adoption=adoption, unconfirmed=unconfirmed
            )
        prepare = frozenset[GrantUid]()
        if look.target is not None and plan.desired is not None:
            prepare = (
                needing(plan, self.worlds) - self.assessor.aside(look=look, ledger=ledger)
                if additions_allowed(self.worlds, look, view, ledger)
                else prepare
            )
        if adoption.lost:  # nobody is let in, but whoever is in already must be counted
            prepare &= owners_of(adoption.ledger)
        if prepare:
            plan = self.assessor.plan(
                look=look, view=view, adoption=adoption, unconfirmed=unconfirmed, unready=prepare
            )
        hold = self._hold(memory=look.memory, prepare=prepare, plan=plan)
        look.seen(view=view, adoption=adoption, plan=plan, state=state, prepare=prepare)
        self.announcer.read_back(look=look, ledger=known, state=state)
        waiting = state is Settled.WAITING
        try:
            if (
                plan.write
                and not hold
                and not waiting
                and not held_back(look=look, now=loop_time(), clock=self.worlds.clock)
            ):
                return await self._write(look=look)
            await self.records.record(look=look)
        except (KubeError, LedgerError) as error:
            return await self.outages.unrecorded(look=look, error=error)
        if await self.claims.released(look=look):
            return Next()
        await self.publisher.publish(look=look)
        return self._next(look=look, hold=hold)

    def _hold(self, *, memory: ClusterMemory, prepare: frozenset[GrantUid], plan: Plan) -> bool:
        """Whether the write waits for finalizers: never a revocation, and never for long.

        What the platform's own spec takes out waits too: a grant may ask for the very same entry.
        """
        if not prepare:
            memory.holding_since = None
            return False
        now = loop_time()
        if memory.holding_since is None:
            memory.holding_since = now
        return not revokes(plan.removals) and now - memory.holding_since < self.config.hold_limit

    async def _write(self, *, look: Look) -> Next:
        removing = revokes(look.plan.removals)
        try:
            ledger = await self.records.before_write(look=look)
        except KubeError as error:
            if not removing:
                raise
            log.warning("%s: what has to go goes all the same: %s", look.name, error)
            ledger = look.adoption.ledger

        def replan(view: ClusterView, ledger: Ledger, additions: bool) -> Plan:
            if another_cluster(ledger, view):
                raise AzureError(
                    "The cluster was replaced by another one of the same id while it was planned.",
                    fault=AzureFault.CHANGED,
                )

            def planned(unready: frozenset[GrantUid]) -> Plan:
                return self.assessor.plan(
                    look=look,
                    view=view,
                    adoption=replace(look.adoption, ledger=ledger),
                    unconfirmed=look.unconfirmed,
                    additions=additions,
                    unready=unready,
                )

            plan = planned(look.prepare)
            late = needing(plan, self.worlds) - look.prepare
            return planned(look.prepare | late) if late else plan

        try:
            result = await self.writer.write(
                ref=look.ref, plan=look.plan, ledger=ledger, replan=replan
            )
        except AzureError as error:
            return await self.outages.unread(look=look, error=error)
        except LedgerTooLarge:
            look.memory.ledger_full = True
            await self.publisher.publish(look=look)
            transition = look.until_transition(self.worlds.clock.now())
            slow = self.config.slow_retry
            return Next(after=slow if transition is None else min(slow, transition))
        look.memory.ledger_full = bool(removing and look.memory.ledger_full)
        return await self._sent(look=look, result=result, removing=removing)

    async def _sent(self, *, look: Look, result: WriteResult, removing: bool) -> Next:
        memory, ledger = look.memory, result.ledger
        look.wrote(ledger=ledger, plan=result.plan)
        if result.error is not None:
            ledger = after_refusal(
                look=look, result=result, config=self.config, now=loop_time(), removing=removing
            )
        self.announcer.sent(look=look, result=result)
        memory.unrecorded = ledger.in_flight if result.problem else None
        if result.sent is Sent.ACCEPTED:
            memory.operation_url = result.operation_url
            memory.write_error = None
        else:
            ledger = await self.records.save_after(look=look, ledger=ledger, problem=result.problem)
        look.wrote(ledger=ledger, plan=result.plan)
        await self.publisher.publish(look=look, recorded=not result.problem)
        return self._after_sending(look=look, result=result)

    def _after_sending(self, *, look: Look, result: WriteResult) -> Next:
        match result.sent:
            case Sent.ACCEPTED:
                return Next(after=self.config.first_poll)
            case Sent.NOTHING:
                return Next(after=0.0)
            case _ if look.ledger.search != look.adoption.ledger.search:
                return Next(after=0.05)  # what was refused changes what comes next
            case sent:
                retry = max(0.05, look.memory.retry_at - loop_time())
                after = min(retry, self._next(look=look, hold=False).after or retry)
                return Next(after=after, hangs=sent is Sent.UNCERTAIN)

    def _next(self, *, look: Look, hold: bool) -> Next:
        config, plan, now = self.config, look.plan, self.worlds.clock.now()
        memory, since = look.memory, look.memory.holding_since
        delays = [config.drift]
        if hold and since is not None:
            delays.append(max(0.05, since + config.hold_limit - loop_time()))
        if look.ledger.in_flight is not None or not look.view.settled:
            delays.append(config.poll)
        elif plan.write and not hold:
            shut = max(memory.retry_at, memory.gate) - loop_time()
            delays.append(max(0.05, shut, look.budget_wait(now)))
        elif (plan.removals and plan.desired is not None) or look.blind:
            delays.append(config.due_retry)
        if plan.acknowledgement and look.ledger.sequence != look.adoption.ledger.sequence:
            delays.append(0.05)  # the code that was published is of the ledger before this save
        transition = look.until_transition(now)
        if transition is not None:
            delays.append(transition)
        return Next(after=min(delays))

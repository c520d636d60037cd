"""The TargetReconciler: one cluster, from what is wanted to what Azure says, one step at a time.

A phase machine that never waits for Azure: read, settle the write in flight, plan, hold for
finalizers, record, read and plan again, one PUT; then the key is released and looked at later. A
restart runs the same code over the ledger. It writes ledgers and target status, nothing else.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace

from aks_access.api.names import TARGET_FINALIZER
from aks_access.api.target import DeletionPolicy, Mode
from aks_access.engine.announcer import Announcer
from aks_access.engine.board import Board
from aks_access.engine.config import EngineConfig
from aks_access.engine.look import Look, Next, additions_allowed, needing
from aks_access.engine.memory import ClusterMemory
from aks_access.engine.notes import Note, azure_note
from aks_access.engine.ports import (
    ClusterRef,
    Clusters,
    Kind,
    Leadership,
    Ledgers,
    ObjectRef,
    Objects,
    OperationState,
)
from aks_access.engine.publisher import Publisher
from aks_access.engine.reports import TargetReport
from aks_access.engine.retries import (
    after_failed_operation,
    after_refusal,
    after_success,
    asked,
    held_back,
    with_unrecorded,
)
from aks_access.engine.store import Store
from aks_access.engine.verdicts import Blocker, blocked_report
from aks_access.engine.worlds import Worlds
from aks_access.engine.writer import Sent, Writer, WriteResult
from aks_access.errors import (
    AzureError,
    AzureFault,
    KubeError,
    LedgerError,
    LedgerTooLarge,
    LedgerUnreadable,
)
from aks_access.plan.access import matches
from aks_access.plan.adoption import Adoption, adopt, another_cluster, inherited
from aks_access.plan.clearing import revokes
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Grant, GrantUid, Target
from aks_access.plan.outcome import Plan
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.settlement import Settled, cluster_gone, settle
from aks_access.plan.world import Removals, World

log = logging.getLogger(__name__)


@dataclass(slots=True)
class TargetReconciler:
    """Reconciles clusters by key; see the module."""

    store: Store
    worlds: Worlds
    board: Board
    clusters: Clusters
    objects: Objects
    ledgers: Ledgers
    leadership: Leadership
    publisher: Publisher
    announcer: Announcer
    config: EngineConfig
    _memory: dict[ClusterKey, ClusterMemory] = field(default_factory=dict)

    async def reconcile(self, key: ClusterKey) -> Next:
        """One pass over a cluster; says when to look again.

        Raises `KubeError` and `LedgerError` where the management cluster's API server failed it;
        nothing was sent to Azure then.
        """
        if not self.store.listed(Kind.TARGET, Kind.GRANT):
            return Next(after=self.config.poll)
        memory = self._memory.setdefault(key, ClusterMemory())
        stored, unreadable = await self._load(key)
        if stored is None and not self.store.synced:
            return Next(after=self.config.poll)
        claimants = self.worlds.claimants(key)
        target = incumbent(claimants, stored)
        try:
            await self._displaced(key=key, claimants=claimants, target=target)
        except KubeError as error:
            log.warning("a duplicate target of %s was not let go: %s", key, error)
        if target is not None:
            asked(memory=memory, requested_at=target.requested_at)
        if target is None and stored is None:
            return self._without_target(key=key, unreadable=unreadable)
        if target is not None and target.deleting is not None:
            if not target.finalized and stored is None and not unreadable:
                return self._forget(key)
            if target.deletion_policy is DeletionPolicy.DETACH:
                return await self._detach(key=key, target=target, stored=stored)
        if target is not None and target.problems and stored is None:
            return await self._unusable(key=key, target=target, unreadable=unreadable)
        look = Look(
            key=key,
            target=target,
            ref=_ref(target=target, stored=stored),
            stored=stored,
            unreadable=unreadable,
            memory=memory,
        )
        if target is None:
            look.acknowledge = await self.ledgers.acknowledgement(key=key) or ""
        try:
            view = await self.clusters.get(ref=look.ref)
        except AzureError as error:
            return await self._unread(look=look, error=error)
        memory.view, memory.read_error, memory.missing_since = view, None, None
        memory.read_failures = 0
        return await self._seen(look=look, view=view)

    async def _seen(self, *, look: Look, view: ClusterView) -> Next:
        adoption = self._adopt(look=look, view=view)
        known = with_unrecorded(memory=look.memory, ledger=adoption.ledger)
        ledger, state = await self._settle(look=look, view=view, ledger=known)
        adoption = replace(adoption, ledger=ledger)
        unconfirmed = await self._confirm_vanished(look=look, ledger=ledger)
        plan = self._plan(look=look, view=view, adoption=adoption, unconfirmed=unconfirmed)
        if look.memory.removals_first and not plan.removals and ledger.in_flight is None:
            look.memory.removals_first = False
            plan = self._plan(look=look, view=view, adoption=adoption, unconfirmed=unconfirmed)
        while look.memory.set_aside and not plan.write and ledger.in_flight is None:
            look.memory.set_aside = look.memory.set_aside[:-1]
            plan = self._plan(look=look, view=view, adoption=adoption, unconfirmed=unconfirmed)
        prepare = frozenset[GrantUid]()
        if look.target is not None and not adoption.lost and plan.desired is not None:
            prepare = (
                needing(plan, self.worlds) - look.memory.left_out
                if additions_allowed(self.worlds, look, view, ledger)
                else prepare
            )
        if prepare:
            plan = self._plan(
                look=look, view=view, adoption=adoption, unconfirmed=unconfirmed, unready=prepare
            )
        hold = self._hold(memory=look.memory, prepare=prepare, plan=plan)
        look.seen(view=view, adoption=adoption, plan=plan, state=state, prepare=prepare)
        waiting = state is Settled.WAITING
        if (
            plan.write
            and not hold
            and not waiting
            and not held_back(look=look, now=_loop_time(), clock=self.worlds.clock)
        ):
            return await self._write(look=look, unconfirmed=unconfirmed)
        await self._record(look=look)
        if await self._released(look=look):
            return Next()
        await self.publisher.publish(look=look)
        return self._next(look=look, hold=hold)

    async def _load(self, key: ClusterKey) -> tuple[Ledger | None, str]:
        try:
            return await self.ledgers.load(key=key), ""
        except LedgerUnreadable as error:
            return None, str(error)

    def _adopt(self, *, look: Look, view: ClusterView) -> Adoption:
        if look.target is None or look.target.problems:
            assert look.stored is not None
            return inherited(stored=look.stored, view=view)
        world = self.worlds.of(target=look.target, ledger=look.stored)
        return adopt(
            stored=look.stored,
            unreadable=look.unreadable,
            target=look.target,
            view=view,
            grants=world.grants if look.trusted else self._perhaps_ours(look.target, world),
            sets=world.sets,
            now=world.now,
        )

    def _perhaps_ours(self, target: Target, world: World) -> dict[GrantUid, Grant]:
        """Where the ledger is lost, grants that have been moved away count as well."""
        return {**self.worlds.let_in(target), **world.grants}

    async def _settle(
        self, *, look: Look, view: ClusterView, ledger: Ledger
    ) -> tuple[Ledger, Settled]:
        operation, now, flight = OperationState.SUCCEEDED, self.worlds.clock.now(), ledger.in_flight
        url = look.memory.operation_url
        if ledger.in_flight is not None and url is not None and view.settled:
            try:
                operation = await self.clusters.operation(ref=look.ref, url=url)
            except AzureError as error:
                log.info("operation not readable, the cluster's own state decides: %s", error)
        # The cluster says that nothing runs: an operation is not believed for ever against that.
        stuck = flight is not None and now - flight.started > self.config.revocation_bound
        settlement = settle(
            ledger=ledger,
            view=view,
            operation_failed=operation in (OperationState.FAILED, OperationState.CANCELED),
            operation_running=operation is OperationState.RUNNING and not stuck,
            now=now,
        )
        if settlement.state is Settled.CONFIRMED:
            after_success(look.memory)
        if settlement.state in (Settled.CONFIRMED, Settled.DIFFERENT):
            look.memory.unrecorded = None
        if settlement.state is Settled.FAILED and flight is not None and not flight.failed:
            log.warning("the write of %s failed in Azure and is sent again", look.name)
            after_failed_operation(
                memory=look.memory, flight=flight, config=self.config, now=_loop_time()
            )
        if settlement.state not in (Settled.WAITING, Settled.NOTHING):
            look.memory.operation_url = None
        return settlement.ledger, settlement.state

    async def _confirm_vanished(self, *, look: Look, ledger: Ledger) -> frozenset[GrantUid]:
        """Ask by name for owners that are gone without a deletion that was seen.

        Returns those for which that could not be done: what they hold stays for now.
        """
        vanished, unconfirmed = self.worlds.vanished(ledger), set[GrantUid]()
        for uid, path in vanished.items():
            if uid in look.memory.vanished_checked or not path:
                continue
            namespace, _, name = path.partition("/")
            try:
                raw = await self.objects.get(kind=Kind.GRANT, namespace=namespace, name=name)
            except KubeError as error:
                log.warning("could not confirm that grant %s is gone: %s", path, error)
                unconfirmed.add(uid)
                continue
            if raw is not None:
                self.store.changed(Kind.GRANT, raw)
            look.memory.vanished_checked |= {uid}
        look.memory.vanished_checked &= frozenset(vanished)
        return frozenset(unconfirmed)

    def _plan(
        self,
        *,
        look: Look,
        view: ClusterView,
        adoption: Adoption,
        unconfirmed: frozenset[GrantUid] = frozenset(),
        additions: bool = True,
        unready: frozenset[GrantUid] = frozenset(),
        removals: Removals | None = None,
    ) -> Plan:
        target = look.target
        if target is not None:
            target = look.target = self.worlds.current(target)
        allowed = additions and additions_allowed(self.worlds, look, view, adoption.ledger)
        world = self.worlds.of(
            target=target,
            ledger=adoption.ledger,
            additions=allowed,
            unready=unready | look.memory.left_out,
        )
        if unconfirmed:
            world = replace(world, unconfirmed=unconfirmed)
        if removals is not None:
            world = replace(world, removals=removals)
        if look.acknowledge:
            world = replace(world, acknowledge=look.acknowledge)
        look.planned_at = _loop_time()
        return make_plan(world=world, view=view, adoption=adoption)

    def _hold(self, *, memory: ClusterMemory, prepare: frozenset[GrantUid], plan: Plan) -> bool:
        """Whether the write waits for finalizers: never a revocation, and never for long.

        What the platform's own spec takes out waits too: a grant may ask for the very same entry.
        """
        memory.awaiting = prepare
        if not prepare:
            memory.holding_since = None
            return False
        now = _loop_time()
        if memory.holding_since is None:
            memory.holding_since = now
        return not revokes(plan.removals) and now - memory.holding_since < self.config.hold_limit

    async def _write(self, *, look: Look, unconfirmed: frozenset[GrantUid]) -> Next:
        removing = revokes(look.plan.removals)
        try:
            ledger = await self._before_write(look=look)
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
                return self._plan(
                    look=look,
                    view=view,
                    adoption=replace(look.adoption, ledger=ledger),
                    unconfirmed=unconfirmed,
                    additions=additions,
                    unready=unready,
                )

            plan = planned(look.prepare)
            late = needing(plan, self.worlds) - look.prepare
            return planned(look.prepare | late) if late else plan

        writer = Writer(
            clusters=self.clusters,
            ledgers=self.ledgers,
            leadership=self.leadership,
            put_timeout=self.config.put_timeout,
        )
        try:
            result = await writer.write(ref=look.ref, plan=look.plan, ledger=ledger, replan=replan)
        except AzureError as error:
            return await self._unread(look=look, error=error)
        except LedgerTooLarge:
            look.memory.ledger_full = True
            await self.publisher.publish(look=look)
            return Next(after=self.config.slow_retry)
        look.memory.ledger_full = bool(removing and look.memory.ledger_full)
        return await self._sent(look=look, result=result, removing=removing)

    async def _before_write(self, *, look: Look) -> Ledger:
        """The target's finalizer, and room for a ledger; returns the ledger to write on."""
        target, ledger = look.target, look.adoption.ledger
        if look.unreadable:
            await self.ledgers.delete(key=look.key)
            ledger = replace(ledger, version="")
        if target is not None and not target.finalized and target.deleting is None:
            await self._finalize(target)
        return ledger

    async def _sent(self, *, look: Look, result: WriteResult, removing: bool) -> Next:
        memory, ledger = look.memory, result.ledger
        look.wrote(ledger=ledger, plan=result.plan)
        if result.error is not None:
            ledger = after_refusal(
                look=look, result=result, config=self.config, now=_loop_time(), removing=removing
            )
        self.announcer.sent(look=look, result=result)
        memory.unrecorded = ledger.in_flight if result.problem else None
        if result.sent is Sent.ACCEPTED:
            memory.operation_url = result.operation_url
            memory.write_error = None
        else:
            ledger = await self._save_after(look=look, ledger=ledger, problem=result.problem)
        look.wrote(ledger=ledger, plan=result.plan)
        await self.publisher.publish(look=look)
        match result.sent:
            case Sent.ACCEPTED:
                return Next(after=self.config.first_poll)
            case Sent.NOTHING:
                return Next(after=0.0)
            case _:
                retry = max(0.05, memory.retry_at - _loop_time())
                return Next(after=min(retry, self._next(look=look, hold=False).after or retry))

    async def _save_after(self, *, look: Look, ledger: Ledger, problem: str) -> Ledger:
        if problem:
            return ledger
        try:
            return await self.ledgers.save(ledger=ledger)
        except (KubeError, LedgerError) as error:
            log.warning("ledger of %s not saved after a write: %s", look.name, error)
            return ledger

    async def _record(self, *, look: Look) -> None:
        """Save the ledger where the look changed it; never for a cluster that is only observed."""
        target, plan = look.target, look.plan
        observed = look.adoption.ledger.mode == Mode.OBSERVE.value
        if look.adoption.lost or (look.stored is None and observed):
            return
        if target is not None and target.deleting is None and not target.finalized and not observed:
            await self._finalize(target)
        ledger = look.rested()
        if look.stored is not None and _same(ledger, look.stored) and not look.unreadable:
            return
        if look.unreadable:
            await self.ledgers.delete(key=look.key)
            ledger = replace(ledger, version="")
        look.wrote(ledger=await self.ledgers.save(ledger=ledger), plan=plan)

    async def _finalize(self, target: Target) -> None:
        raw = await self.objects.add_finalizer(ref=target_ref(target), finalizer=TARGET_FINALIZER)
        self.store.changed(Kind.TARGET, raw)

    async def _released(self, *, look: Look) -> bool:
        """Let go of a target, or of an orphaned ledger, when nothing of ours stands any more."""
        target = look.target
        if not self.store.synced or (target is not None and target.deleting is None):
            return False
        plan, ledger = look.plan, look.ledger
        standing = plan.held or plan.removals or plan.held_removals
        if standing or plan.write or ledger.in_flight is not None or look.adoption.lost:
            return False
        await self._let_go(key=look.key, target=target)
        return True

    async def _let_go(self, *, key: ClusterKey, target: Target | None) -> None:
        """The target's finalizer first: a target that remembers a ledger must not lose it."""
        if target is not None:
            await self.objects.remove_finalizer(ref=target_ref(target), finalizer=TARGET_FINALIZER)
            self.board.drop_target(target.name)
        await self.ledgers.delete(key=key)
        self._forget(key)

    async def _detach(self, *, key: ClusterKey, target: Target, stored: Ledger | None) -> Next:
        """Leave the list as it is: from here on every entry is somebody else's."""
        if stored is not None and not stored.detached:
            left = tuple(stored.entries)
            detached = replace(stored, detached=True, entries={}, in_flight=None)
            await self.ledgers.save(ledger=detached)
            self.announcer.detached(target=target, entries=left)
        await self._let_go(key=key, target=target)
        return Next()

    def _without_target(self, *, key: ClusterKey, unreadable: str) -> Next:
        if unreadable:
            log.error(
                "a ledger without a target cannot be read, what it holds is not revoked: %s",
                unreadable,
            )
            self.board.post(TargetReport(key=key, target="", known=False))
            return Next(after=self.config.drift)
        return self._forget(key)

    def _forget(self, key: ClusterKey) -> Next:
        self._memory.pop(key, None)
        self.board.drop_cluster(key)
        return Next()

    async def _displaced(
        self, *, key: ClusterKey, claimants: list[Target], target: Target | None
    ) -> None:
        for other in claimants:
            if target is None or other.uid == target.uid:
                continue
            if other.deleting is not None and other.finalized:
                await self.objects.remove_finalizer(
                    ref=target_ref(other), finalizer=TARGET_FINALIZER
                )
                continue
            note = (
                self.publisher.spec_note(target=other)
                if other.problems
                else self.publisher.duplicate_note(target=other, holder=target)
            )
            await self._blocked(key=key, target=other, note=note, duplicate=True)

    async def _unusable(self, *, key: ClusterKey, target: Target, unreadable: str) -> Next:
        """An invalid target that holds no ledger: say so, and wait for an edit."""
        note = self.publisher.spec_note(target=target)
        known = not unreadable and target.ledger_sequence is None
        await self._blocked(key=key, target=target, note=note, known=known)
        if target.deleting is not None and target.finalized:
            await self.objects.remove_finalizer(ref=target_ref(target), finalizer=TARGET_FINALIZER)
        return Next()

    async def _blocked(
        self,
        *,
        key: ClusterKey,
        target: Target,
        note: Note,
        duplicate: bool = False,
        known: bool = True,
    ) -> None:
        if not self.store.synced:
            return
        grants = [g for g in self.store.grants().values() if matches(grant=g, target=target)]
        report = blocked_report(
            key=key,
            target=target,
            grants=grants,
            blocker=Blocker(reason=note.reason, message=note.message, retries=note.transient),
            planned_at=_loop_time(),
            known=known,
        )
        if duplicate:
            self.board.post_duplicate(report)
        else:
            self.board.post(report)
        await self.publisher.publish_note(target=target, note=note)

    async def _unread(self, *, look: Look, error: AzureError) -> Next:
        """The cluster cannot be read: what is due becomes overdue all the same."""
        memory = look.memory
        memory.read_error, memory.read_failures = error, memory.read_failures + 1
        if error.fault is AzureFault.NOT_FOUND:
            return await self._missing(look=look, error=error)
        memory.missing_since = None
        await self._report_unread(look=look, error=error)
        return self._after_read_error(look=look, error=error)

    async def _report_unread(self, *, look: Look, error: AzureError) -> None:
        if look.stored is None or look.stored.verified is None or not look.trusted:
            if look.target is not None:
                note = azure_note(error=error, target=look.target, writing=False)
                known = look.holds_nothing
                await self._blocked(key=look.key, target=look.target, note=note, known=known)
            return
        view = look.remembered_view()
        adoption = Adoption(look.stored, look.stored.lost)
        plan = self._plan(look=look, view=view, adoption=adoption, removals=Removals.NONE)
        look.seen(
            view=view, adoption=adoption, plan=plan, state=Settled.WAITING, prepare=frozenset()
        )
        await self._record(look=look)
        await self.publisher.publish(look=look)

    async def _missing(self, *, look: Look, error: AzureError) -> Next:
        """404: believed when it is seen twice, a while apart; then nothing of ours stands there."""
        memory, now = look.memory, _loop_time()
        if memory.missing_since is None:
            memory.missing_since = now
        if now - memory.missing_since < self.config.missing_confirm:
            await self._report_unread(look=look, error=error)
            return Next(after=self.config.missing_confirm - (now - memory.missing_since))
        if look.stored is not None:
            left = cluster_gone(ledger=look.stored, now=self.worlds.clock.now())
            if left != look.stored:
                look.stored = await self.ledgers.save(ledger=left)
                self.announcer.cluster_gone(look=look)
        if look.target is None or look.target.deleting is not None:
            await self._let_go(key=look.key, target=look.target)
            return Next()
        note = azure_note(error=error, target=look.target, writing=False)
        await self._blocked(key=look.key, target=look.target, note=note)
        return Next(after=self.config.drift)

    def _after_read_error(self, *, look: Look, error: AzureError) -> Next:
        if error.fault is AzureFault.THROTTLED and error.retry_after is not None:
            return Next(gate=error.retry_after)
        limit = self.config.due_retry if look.due else self.config.slow_retry
        transition = look.until_transition(self.worlds.clock.now())
        if error.fault in (AzureFault.FORBIDDEN, AzureFault.REFUSED, AzureFault.LOCKED):
            return Next(after=limit if transition is None else min(limit, transition))
        return Next(failed=True, limit=limit, after=transition)

    def _next(self, *, look: Look, hold: bool) -> Next:
        config, plan, now = self.config, look.plan, self.worlds.clock.now()
        delays = [config.drift]
        if hold:
            delays.append(config.hold_limit)
        if look.ledger.in_flight is not None or not look.view.settled:
            delays.append(config.poll)
        elif plan.write and not hold:
            delays.append(max(0.05, look.memory.retry_at - _loop_time(), look.budget_wait(now)))
        elif plan.removals and plan.desired is not None:
            delays.append(config.due_retry)
        transition = look.until_transition(now)
        if transition is not None:
            delays.append(transition)
        return Next(after=min(delays))


def incumbent(claimants: list[Target], stored: Ledger | None) -> Target | None:
    """Which of several targets holds the cluster: its ledger's, else the oldest, then by uid."""
    if stored is not None:
        for target in claimants:
            if target.uid == stored.target_uid:
                return target
    usable = [target for target in claimants if not target.problems] or claimants
    return usable[0] if usable else None


def _ref(*, target: Target | None, stored: Ledger | None) -> ClusterRef:
    if stored is not None and (target is None or target.problems):
        return ClusterRef(resource_id=stored.resource_id, identity=stored.identity)
    assert target is not None
    return ClusterRef(resource_id=target.resource_id, identity=target.identity)


def target_ref(target: Target) -> ObjectRef:
    """The target as an object to write to."""
    return ObjectRef(
        kind=Kind.TARGET,
        name=target.name,
        uid=target.uid,
        resource_version=target.resource_version,
    )


def _same(one: Ledger, other: Ledger) -> bool:
    return replace(one, version="", sequence=0) == replace(other, version="", sequence=0)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()

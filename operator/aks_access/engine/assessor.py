"""What a look at a cluster means: the ledger to trust, the write in flight, the plan."""

import logging
from dataclasses import dataclass, replace

from aks_access.engine.config import EngineConfig
from aks_access.engine.look import Look, additions_allowed, needing
from aks_access.engine.looptime import loop_time
from aks_access.engine.ports import Clusters, Kind, Objects, OperationState
from aks_access.engine.retries import after_failed_operation, after_success
from aks_access.engine.store import Store
from aks_access.engine.worlds import Worlds
from aks_access.errors import AzureError, KubeError
from aks_access.plan.adoption import Adoption, adopt, inherited
from aks_access.plan.cluster import SUCCEEDED, ClusterView
from aks_access.plan.ledger import Ledger, SearchPhase
from aks_access.plan.model import Grant, GrantUid, Target
from aks_access.plan.outcome import Plan
from aks_access.plan.pacing import with_culprits
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.search import advanced, aside, landed, proven, uncontrolled
from aks_access.plan.settlement import Settled, settle
from aks_access.plan.world import Removals, World

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assessor:
    """Adopts, settles and plans; writes nothing."""

    store: Store
    worlds: Worlds
    clusters: Clusters
    objects: Objects
    config: EngineConfig

    def adopt(self, *, look: Look, view: ClusterView) -> Adoption:
        """The ledger to plan with; one that an unusable target does not trust is lost as well."""
        if look.target is None or (look.target.problems and look.trusted):
            assert look.stored is not None
            return inherited(stored=look.stored, view=view, acknowledge=look.acknowledge)
        world = self.worlds.of(target=look.target, ledger=look.stored)
        return adopt(
            stored=look.stored,
            unreadable=look.unreadable,
            target=look.target,
            view=view,
            grants=self._perhaps_ours(look.target, world),
            sets=world.sets,
            activations=world.activations,
            now=world.now,
            unattended=None if look.memory.examined else self.worlds.unattended,
            newer=look.memory.ledger_newer,
            guessed=look.memory.guessed,
        )

    def _perhaps_ours(self, target: Target, world: World) -> dict[GrantUid, Grant]:
        """Where the ledger is lost, grants that have been moved away count as well."""
        return {**self.worlds.let_in(target), **world.grants}

    async def settle(
        self, *, look: Look, view: ClusterView, ledger: Ledger
    ) -> tuple[Ledger, Settled]:
        """Look for the write in flight; the operation's own state counts where its URL is known."""
        operation, now, flight = OperationState.SUCCEEDED, self.worlds.clock.now(), ledger.in_flight
        succeeded = False
        url = look.memory.operation_url
        if ledger.in_flight is not None and url is not None and view.settled:
            try:
                operation = await self.clusters.operation(ref=look.ref, url=url)
                succeeded = operation is OperationState.SUCCEEDED
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
            landed=succeeded,
        )
        after = settlement.ledger
        if settlement.state is Settled.CONFIRMED:
            after_success(look.memory)
            after = proven(ledger=after, flight=flight)
        if settlement.state is Settled.DIFFERENT and succeeded and flight is not None:
            after = landed(ledger=proven(ledger=after, flight=flight), flight=flight)
        if settlement.state in (Settled.CONFIRMED, Settled.DIFFERENT):
            look.memory.unrecorded = None
        if settlement.state is Settled.FAILED and flight is not None and not flight.failed:
            log.warning("the write of %s failed in Azure and is sent again", look.name)
            after_failed_operation(
                memory=look.memory,
                flight=flight,
                cleared=view.ranges is None,
                config=self.config,
                now=loop_time(),
            )
        if settlement.state not in (Settled.WAITING, Settled.NOTHING):
            look.memory.operation_url = None
        return after, settlement.state

    async def confirm_vanished(self, *, look: Look, ledger: Ledger) -> frozenset[GrantUid]:
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

    def aside(self, *, look: Look, ledger: Ledger) -> frozenset[GrantUid]:
        """The grants that wait while it is found out whose entry AKS refuses."""
        if ledger.search is None and not ledger.refused:
            return frozenset()
        world = self.worlds.of(target=look.target, ledger=ledger)
        return aside(ledger=ledger, grants=world.grants, now=world.now)

    def searched(self, *, look: Look, view: ClusterView, adoption: Adoption) -> Ledger:
        """The ledger with what this look says of whose entry AKS refuses."""
        ledger, target = adoption.ledger, look.target
        healthy = view.settled and view.provisioning_state == SUCCEEDED and self.store.complete
        usable = target is not None and not target.problems and not target.suspend
        stuck = self._unprepared(look=look, ledger=ledger)
        while ledger.search is not None and ledger.in_flight is None:
            if adoption.lost or not healthy or not usable:
                break
            known = replace(adoption, ledger=ledger)
            if ledger.search.phase is SearchPhase.CONTROL:
                after = ledger
                if self.plan(look=look, view=view, adoption=known).desired is None:
                    after = uncontrolled(ledger=ledger)
            else:
                trial = self.plan(look=look, view=view, adoption=known, trial=True)
                now = self.worlds.clock.now()
                late = stuck & needing(trial, self.worlds)
                after = advanced(ledger=ledger, plan=trial, ranges=view.ranges, now=now, stuck=late)
                after = with_culprits(before=ledger, after=after, plan=trial)
            if after == ledger:
                break
            ledger = after
        return ledger

    def _unprepared(self, *, look: Look, ledger: Ledger) -> frozenset[str]:
        """Those that are tried now, where the write has waited for finalizers for long enough: who
        has none by now may never have one, and everybody else waits for the answer.
        """
        since = look.memory.holding_since
        if since is None or ledger.search is None or loop_time() - since < self.config.hold_limit:
            return frozenset()
        return frozenset(ledger.search.trying)

    def plan(
        self,
        *,
        look: Look,
        view: ClusterView,
        adoption: Adoption,
        unconfirmed: frozenset[GrantUid] = frozenset(),
        additions: bool = True,
        unready: frozenset[GrantUid] = frozenset(),
        removals: Removals | None = None,
        trial: bool = False,
    ) -> Plan:
        """Plan on the newest snapshot of the store; a `trial` as if additions could be made now."""
        target = look.target
        if target is not None:
            target = look.target = self.worlds.current(target)
        ledger = adoption.ledger
        allowed = trial or (additions and additions_allowed(self.worlds, look, view, ledger))
        world = self.worlds.of(target=target, ledger=ledger, additions=allowed)
        waiting = aside(ledger=ledger, grants=world.grants, now=world.now)
        probe = ledger.search is not None and ledger.search.phase is SearchPhase.CONTROL
        world = replace(world, unready=unready | waiting, probe=probe)
        if unconfirmed:
            world = replace(world, unconfirmed=unconfirmed)
        if removals is not None:
            world = replace(world, removals=removals)
        if look.acknowledge:
            world = replace(world, acknowledge=look.acknowledge)
        look.planned_at = loop_time()
        return make_plan(world=world, view=view, adoption=adoption)

"""One pass over one cluster: what was read, what was planned, and when to look again."""

from dataclasses import dataclass, replace
from datetime import datetime

from aks_access.api.modes import Mode
from aks_access.engine.budget import RESERVED, seconds_until, tokens
from aks_access.engine.memory import ClusterMemory
from aks_access.engine.ports import ClusterRef
from aks_access.engine.worlds import Worlds
from aks_access.plan.adoption import Adoption
from aks_access.plan.clearing import revokes
from aks_access.plan.cluster import RUNNING, SUCCEEDED, ClusterView
from aks_access.plan.ledger import Ledger
from aks_access.plan.listing import same_entries
from aks_access.plan.model import ClusterKey, Grant, GrantUid, Target
from aks_access.plan.outcome import AccessState, Plan
from aks_access.plan.search import additions_wait
from aks_access.plan.settlement import Settled


@dataclass(frozen=True, slots=True)
class Next:
    """When the key is to be looked at again.

    Attributes:
        after: seconds; None = only when something asks for it.
        failed: back off, longer with each failure in a row, at most `limit` seconds; `after` is
            then the latest.
        hangs: an error of Azure ended the look; where it also took long, others go first.
    """

    after: float | None = None
    failed: bool = False
    limit: float | None = None
    hangs: bool = False

    def again(self, *, limit: float) -> "Next":
        """The same, but tried again after `limit` seconds at most."""
        return replace(self, failed=True, limit=min(limit, self.limit or limit))


@dataclass(slots=True)
class Look:
    """The pass; `seen` and `wrote` move it on.

    Attributes:
        stored: the ledger as it was loaded.
        unreadable: why it could not be read, "" = it could or there is none.
        ledger: as it stands now, in memory and mostly in the ConfigMap.
        state: what the look said of the write in flight.
        acknowledge: the acknowledgement on the ledger of a target that is gone.
        prepare: grants that are about to be let in and lack finalizer or activation.
        planned_at: loop time of the newest snapshot that was planned on.
        unconfirmed: owners of which the API server did not say whether they are gone.
    """

    key: ClusterKey
    target: Target | None
    ref: ClusterRef
    stored: Ledger | None
    unreadable: str
    memory: ClusterMemory
    state: Settled = Settled.NOTHING
    acknowledge: str = ""
    prepare: frozenset[GrantUid] = frozenset()
    planned_at: float = 0.0
    unconfirmed: frozenset[GrantUid] = frozenset()
    _view: ClusterView | None = None
    _adoption: Adoption | None = None
    _plan: Plan | None = None
    _ledger: Ledger | None = None

    @property
    def name(self) -> str:
        """The target's name, or its ledger's where it is gone."""
        if self.target is not None:
            return self.target.name
        return self.stored.target_name if self.stored is not None else self.key

    @property
    def view(self) -> ClusterView:
        """The cluster as read."""
        assert self._view is not None
        return self._view

    @property
    def adoption(self) -> Adoption:
        """The ledger to plan with."""
        assert self._adoption is not None
        return self._adoption

    @property
    def plan(self) -> Plan:
        """The plan."""
        assert self._plan is not None
        return self._plan

    @property
    def ledger(self) -> Ledger:
        """The ledger as it stands now."""
        assert self._ledger is not None
        return self._ledger

    @property
    def trusted(self) -> bool:
        """Whether the ledger is there and no older than the target remembers."""
        remembered = self.target.ledger_sequence if self.target is not None else None
        return self.stored is not None and self.stored.sequence >= (remembered or 0)

    @property
    def holds_nothing(self) -> bool:
        """Whether the ledger is known to hold nothing: empty, or never written."""
        if self.stored is not None:
            return self.trusted and not self.stored.entries
        remembers = self.target is not None and self.target.ledger_sequence is not None
        return not self.unreadable and not remembers

    @property
    def due(self) -> bool:
        """Whether a removal is due, as far as the ledger remembers."""
        ledger = self._ledger or self.stored
        return ledger is not None and any(entry.due for entry in ledger.entries.values())

    @property
    def holding(self) -> bool:
        """Whether something would go but for what the plan could not see; False without a plan."""
        return self._plan is not None and bool(self._plan.held_removals)

    @property
    def blind(self) -> bool:
        """Whether something may have to go that this look could not tell, and the next one can."""
        return bool(self.unconfirmed) or (self.stored is None and bool(self.adoption.lost))

    def seen(
        self,
        *,
        view: ClusterView,
        adoption: Adoption,
        plan: Plan,
        state: Settled,
        prepare: frozenset[GrantUid],
    ) -> None:
        """The cluster was read and planned."""
        self._view, self._adoption, self._plan = view, adoption, plan
        guessed = replace(adoption.ledger, entries=dict(plan.entries))
        self.memory.guessed = guessed if adoption.lost else None
        self.state, self.prepare, self._ledger = state, prepare, adoption.ledger

    def wrote(self, *, ledger: Ledger, plan: Plan) -> None:
        """The ledger was saved, or a write sent."""
        self._ledger, self._plan = ledger, plan
        self.memory.ledger = ledger

    def rested(self) -> Ledger:
        """The ledger to save when nothing is sent: the plan's entries, and the list if verified."""
        ledger, view, plan = self.ledger, self.view, self.plan
        known = {uid: verdict.grant.path for uid, verdict in plan.verdicts.items()}
        owners = {owner for entry in plan.entries.values() for owner in entry.owners}
        names = {owner: known.get(GrantUid(owner), ledger.names.get(owner, "")) for owner in owners}
        refused = {
            uid: item
            for uid, item in ledger.refused.items()
            if (verdict := plan.verdicts.get(GrantUid(uid))) is not None
            and not (verdict.asks != item.asks and verdict.present)
        }
        verified = ledger.verified
        at_rest = ledger.in_flight is None and view.settled and not plan.write
        at_rest = at_rest and self.memory.examined  # else nobody compared the two yet
        # A list that is cleared in Observe is opened on purpose, and does not go back later.
        meant = view.ranges is not None or ledger.mode == Mode.OBSERVE.value
        if at_rest and meant and not same_entries(verified, view.ranges):
            verified = view.ranges
        return replace(
            ledger,
            entries=dict(plan.entries),
            names={owner: path for owner, path in sorted(names.items()) if path},
            refused=refused,
            reversals=plan.standing.reversals,
            conflict=plan.standing.conflict,
            verified=verified,
        )

    def remembered_view(self) -> ClusterView:
        """The cluster as last seen, as far as planning needs it while it cannot be read."""
        known = self.memory.view
        ranges = self.stored.verified if self.stored is not None else None
        if known is not None:
            return replace(known, ranges=ranges if known.ranges is None else known.ranges)
        return ClusterView(
            resource_id=self.ref.resource_id,
            resource_uid=self.stored.resource_uid if self.stored is not None else None,
            etag=None,
            provisioning_state=SUCCEEDED,
            power_state=RUNNING,
            ranges=ranges,
        )

    def until_transition(self, now: datetime) -> float | None:
        """Seconds until the plan changes by itself; None where it does not, or there is none."""
        moment = self._plan.next_transition if self._plan is not None else None
        return None if moment is None else max(0.0, (moment - now).total_seconds())

    def budget_wait(self, now: datetime) -> float:
        """Seconds until AKS's bucket takes this plan's write."""
        urgent = revokes(self.plan.removals) or self.plan.restores
        needed = 1.0 if urgent else RESERVED + 1.0
        return seconds_until(writes=self.ledger.writes, now=now, needed=needed)


def additions_allowed(worlds: Worlds, look: Look, view: ClusterView, ledger: Ledger) -> bool:
    """Whether entries may be added: writes are left, the clock is sure, the cluster is healthy,
    and no search for what AKS refuses forbids it.
    """
    if additions_wait(ledger=ledger, now=worlds.clock.now()):
        return False
    if worlds.clock.in_doubt() or look.memory.removals_first:
        return False
    if view.provisioning_state != SUCCEEDED and view.settled and ledger.in_flight is None:
        return False
    return tokens(writes=ledger.writes, now=worlds.clock.now()) > RESERVED


def needing(plan: Plan, worlds: Worlds) -> frozenset[GrantUid]:
    """Grants that the plan lets in and that lack our finalizer or their activation.

    One that was let in before it had a `duration` counts from then, and needs its record too.
    """
    return frozenset(
        uid
        for uid, verdict in plan.verdicts.items()
        if verdict.state is AccessState.LIVE
        and verdict.let_in
        and (not verdict.grant.finalized or _uncounted(grant=verdict.grant, worlds=worlds))
    )


def _uncounted(*, grant: Grant, worlds: Worlds) -> bool:
    return grant.duration is not None and worlds.activation(grant) is None

"""What the operator's own planner says about one target, from what commands can see.

The same steps in the same order as the operator's look at a cluster: adopt the ledger, settle the
write in flight, plan. When a write is made is not foretold: only what the list becomes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aks_access.api.modes import Mode
from aks_access.cli.hub.installed import Installed
from aks_access.cli.plans.recall import Memory
from aks_access.cli.plans.snapshot import Facts
from aks_access.plan.access import matches
from aks_access.plan.adoption import Adoption, adopt, inherited
from aks_access.plan.cluster import SUCCEEDED, ClusterView
from aks_access.plan.ledger import PLATFORM_OWNERS
from aks_access.plan.listing import same_entries
from aks_access.plan.model import Grant, GrantUid, Target
from aks_access.plan.outcome import Plan
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.search import additions_wait, aside, proven
from aks_access.plan.settlement import Settled, settle
from aks_access.plan.world import World


@dataclass(frozen=True, slots=True)
class Forecast:
    """The plan of one target.

    Attributes:
        names: `namespace/name` of grants by uid.
        waits: a write is under way, and the plan is made once it is over.
    """

    target: Target
    view: ClusterView
    plan: Plan
    names: Mapping[str, str]
    waits: bool

    @property
    def after(self) -> tuple[str, ...] | None:
        """The list as it becomes; of an Observe target as Merge would make it; None = open."""
        plan = self.plan
        if plan.desired is not None:
            return plan.desired
        observed = self.target.mode is Mode.OBSERVE and not self.target.problems
        if self.view.ranges is None or not observed:
            return self.view.ranges
        gone = {change.entry for change in plan.removals}
        kept = [each for each in self.view.ranges if each not in gone]
        return (*kept, *(change.entry for change in plan.additions))

    @property
    def changes(self) -> bool:
        """Whether the list becomes another one."""
        return not same_entries(self.view.ranges, self.after)


def forecast(
    *,
    target: Target,
    facts: Facts,
    view: ClusterView,
    memory: Memory,
    operator: Installed,
    now: datetime,
) -> Forecast:
    """The plan as the operator would make it from this."""
    grants = _grants(target=target, facts=facts, memory=memory)
    adoption = _adoption(
        target=target, facts=facts, view=view, memory=memory, grants=grants, now=now
    )
    flight = adoption.ledger.in_flight
    settlement = settle(
        ledger=adoption.ledger,
        view=view,
        operation_failed=False,
        operation_running=False,
        now=now,
    )
    ledger = settlement.ledger
    if settlement.state is Settled.CONFIRMED:
        ledger = proven(ledger=ledger, flight=flight)
    plan = make_plan(
        world=World(
            now=now,
            target=target,
            grants=grants,
            sets=facts.sets,
            namespaces=facts.namespaces,
            activations=memory.activations,
            additions=not additions_wait(ledger=ledger, now=now)
            and (view.provisioning_state == SUCCEEDED or not view.settled or flight is not None),
            unready=aside(ledger=ledger, grants=grants, now=now),
            management_egress=operator.management_egress,
            revocation_bound=_bound(operator),
            pace=operator.settings.pace,
        ),
        view=view,
        adoption=Adoption(ledger, lost=adoption.lost, newer=adoption.newer),
    )
    names: dict[str, str] = dict(ledger.names)
    names.update({uid: grant.path for uid, grant in grants.items()})
    return Forecast(
        target=target,
        view=view,
        plan=plan,
        names=names,
        waits=settlement.state is Settled.WAITING,
    )


def acting(target: Target) -> Target:
    """The target as if the operator were to write it: for doing by hand what it may not do."""
    mode = Mode.MERGE if target.mode is Mode.OBSERVE else target.mode
    return replace(target, mode=mode, suspend=False)


def _adoption(
    *,
    target: Target,
    facts: Facts,
    view: ClusterView,
    memory: Memory,
    grants: Mapping[GrantUid, Grant],
    now: datetime,
) -> Adoption:
    """The ledger to plan with; of a target whose spec cannot be used, what it did last."""
    if target.problems and memory.ledger is not None:
        return inherited(stored=memory.ledger, view=view, acknowledge="")
    return adopt(
        stored=memory.ledger,
        unreadable=memory.unreadable,
        newer=memory.newer,
        target=target,
        view=view,
        grants=grants,
        sets=facts.sets,
        activations=memory.activations,
        now=now,
    )


def _bound(operator: Installed) -> timedelta:
    return timedelta(seconds=operator.settings.revocation_bound)


def _grants(*, target: Target, facts: Facts, memory: Memory) -> dict[GrantUid, Grant]:
    owners = {
        owner
        for entry in (memory.ledger.entries.values() if memory.ledger is not None else ())
        for owner in entry.owners
        if owner not in PLATFORM_OWNERS
    }
    return {
        uid: grant
        for uid, grant in facts.grants.items()
        if uid in owners or matches(grant=grant, target=target)
    }

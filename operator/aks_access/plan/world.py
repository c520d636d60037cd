"""Everything that one cluster's plan is made from, apart from the cluster and its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from aks_access.api.ranges import IPv4Range
from aks_access.plan.model import Grant, GrantUid, Namespace, RangeSet, Target
from aks_access.plan.pace import Pace

MASS_REMOVAL_ENTRIES = 5
"""Held removals: more than this many entries, and more than half of all that are ours."""


class Removals(IntEnum):
    """Which removals a plan may make, by how much of the world is known."""

    NONE = 0  # nothing is to be written at all
    CLOCK = 1  # the view is partial: only what is known to have expired
    ACTS = 2  # the target's own spec is unusable: the clock, and what was done to a grant
    ALL = 3


@dataclass(frozen=True, slots=True)
class World:
    """The facts.

    Attributes:
        now: UTC.
        target: None where the ledger's target went without its finalizer.
        grants: every known grant that matches the target or owns an entry in its ledger.
        sets, namespaces: by name.
        activations: activation key to first activation, UTC.
        deleted: uids of grants whose deletion was seen.
        removals: see `Removals`.
        additions: False holds every addition back (clock in doubt, few writes left, …).
        unready: grants that may not be let in yet (their finalizer is not seen); their room in
            the list is kept.
        management_egress: always part of every managed list.
        revocation_bound: a removal due for longer than this is overdue.
        unconfirmed: uids of grants of which nobody can tell whether they are gone.
        probe: write the list even if it is as it stands, to see whether AKS takes it.
        acknowledge: the acknowledgement on the ledger of a target that is gone.
        pace: how often grants may add to the list; None = as often as they like.
    """

    now: datetime
    target: Target | None
    grants: Mapping[GrantUid, Grant] = field(default_factory=dict)
    sets: Mapping[str, RangeSet] = field(default_factory=dict)
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    activations: Mapping[str, datetime] = field(default_factory=dict)
    deleted: frozenset[GrantUid] = frozenset()
    removals: Removals = Removals.ALL
    additions: bool = True
    unready: frozenset[GrantUid] = frozenset()
    management_egress: tuple[IPv4Range, ...] = ()
    revocation_bound: timedelta = timedelta(minutes=15)
    unconfirmed: frozenset[GrantUid] = frozenset()
    probe: bool = False
    acknowledge: str = ""
    pace: Pace | None = None

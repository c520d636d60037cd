"""From the store to the `World` of one cluster's plan."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from aks_access.engine.config import EngineConfig
from aks_access.engine.ports import Clock
from aks_access.engine.store import Store
from aks_access.plan.holders import claimants
from aks_access.plan.ledger import PLATFORM_OWNERS, Ledger
from aks_access.plan.model import ClusterKey, Grant, GrantUid, Target, activation_key
from aks_access.plan.world import Removals, World

DELETIONS_REMEMBERED = 50_000


class Deletions:
    """Uids of grants that a watch saw deleted; bounded, the oldest forgotten first."""

    def __init__(self) -> None:
        self._uids: OrderedDict[GrantUid, None] = OrderedDict()

    def add(self, uid: GrantUid) -> None:
        """Remember one."""
        self._uids[uid] = None
        while len(self._uids) > DELETIONS_REMEMBERED:
            self._uids.popitem(last=False)

    def among(self, uids: set[GrantUid]) -> frozenset[GrantUid]:
        """Those of `uids` that are remembered."""
        return frozenset(uid for uid in uids if uid in self._uids)


@dataclass(slots=True)
class Worlds:
    """Builds worlds.

    Attributes:
        activations: first activations, shared with the GrantReconciler, which records them.
        activations_known: False where their record could not be read: no `duration` begins then,
            and one that has begun ends as the grant's status remembers.
        unattended: since when nobody had led when this process began to, where the last leader
            never let go of the Lease, UTC; else None.
    """

    store: Store
    clock: Clock
    config: EngineConfig
    deletions: Deletions = field(default_factory=Deletions)
    activations: dict[str, datetime] = field(default_factory=dict)
    activations_known: bool = True
    unattended: datetime | None = None
    _sequences: dict[str, int] = field(default_factory=dict)

    def remember(self, target: Target) -> None:
        """Keep the highest ledger sequence that this target's status ever showed.

        A backup restored under a running operator brings an older one back.
        """
        if target.ledger_sequence is not None:
            seen = self._sequences.get(target.uid, 0)
            self._sequences[target.uid] = max(seen, target.ledger_sequence)

    def forget(self, target: Target) -> None:
        """The target was let go: its ledger goes with it."""
        self._sequences.pop(target.uid, None)

    def _remembering(self, target: Target) -> Target:
        seen = self._sequences.get(target.uid, 0)
        known = target.ledger_sequence or 0
        return replace(target, ledger_sequence=seen) if seen > known else target

    def of(
        self,
        *,
        target: Target | None,
        ledger: Ledger | None,
        additions: bool = True,
        unready: frozenset[GrantUid] = frozenset(),
    ) -> World:
        """The world as the store has it now."""
        owners = owners_of(ledger)
        grants = self._grants(target=target, owners=owners)
        return World(
            now=self.clock.now(),
            target=target,
            grants=grants,
            sets=self.store.range_sets(),
            namespaces=self.store.namespaces(),
            activations=self._activations(grants),
            deleted=self.deletions.among(owners),
            removals=Removals.ALL if self.store.complete else Removals.CLOCK,
            additions=additions,
            unready=unready,
            management_egress=self.config.management_egress,
            revocation_bound=self.config.revocation_bound,
            pace=self.config.pace,
        )

    def activation(self, grant: Grant) -> datetime | None:
        """When the grant's `duration` began to count, UTC."""
        recorded = self.activations.get(activation_key(grant))
        return recorded if recorded is not None or self.activations_known else grant.activated

    def _activations(self, grants: Mapping[GrantUid, Grant]) -> Mapping[str, datetime]:
        if self.activations_known:
            return self.activations
        return {
            activation_key(grant): begun
            for grant in grants.values()
            if (begun := self.activation(grant)) is not None
        }

    def _grants(self, *, target: Target | None, owners: set[GrantUid]) -> Mapping[GrantUid, Grant]:
        found = dict(self.store.matching(target)) if target is not None else {}
        for uid in owners:
            grant = self.store.grant(uid)
            if grant is not None:
                found[uid] = grant
        return found

    def current(self, target: Target) -> Target:
        """The target as the store has it now; as given where it is gone meanwhile."""
        return self._remembering(self.store.target_of(target.uid) or target)

    def claimants(self, key: ClusterKey) -> list[Target]:
        """Every target that names the cluster, the oldest first."""
        return claimants(map(self._remembering, self.store.targets()), key=key)

    def let_in(self, target: Target) -> dict[GrantUid, Grant]:
        """The grants whose status names the target: they may be in its list, matching or not."""
        return self.store.told_of(target.name)

    def vanished(self, ledger: Ledger) -> dict[GrantUid, str]:
        """Owners that are neither known nor seen deleted: uid to `namespace/name`, "" = unknown."""
        owners = owners_of(ledger)
        deleted = self.deletions.among(owners)
        return {
            uid: ledger.names.get(uid, "")
            for uid in owners
            if uid not in deleted and self.store.grant(uid) is None
        }


def owners_of(ledger: Ledger | None) -> set[GrantUid]:
    """The grants that own an entry of the ledger."""
    if ledger is None:
        return set()
    return {
        GrantUid(owner)
        for entry in ledger.entries.values()
        for owner in entry.owners
        if owner not in PLATFORM_OWNERS
    }

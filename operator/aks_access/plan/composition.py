"""Who wants which entry: the platform's entries, everybody else's, and the admitted grants'.

Between the read list and the plan stands this attribution; it never decides to remove anything.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from aks_access.api.modes import Mode
from aks_access.plan.cluster import ClusterView
from aks_access.plan.egress import node_egress, strings
from aks_access.plan.ledger import BASELINE_OWNER, EGRESS_OWNER, EntryState, Ledger
from aks_access.plan.listing import SENTINEL, Listing, cidr
from aks_access.plan.model import GrantUid, Target
from aks_access.plan.outcome import Origin, Verdict
from aks_access.plan.world import World

OWNER_OF: Mapping[Origin, str] = {
    Origin.EGRESS: EGRESS_OWNER,
    Origin.MANAGEMENT: EGRESS_OWNER,
    Origin.BASELINE: BASELINE_OWNER,
}


@dataclass(frozen=True, slots=True)
class Platform:
    """The entries that are wanted whatever the grants say.

    Attributes:
        entries: canonical entry to why it is wanted; egress goes before baseline.
        baseline: what the baseline wants: among `entries`, though perhaps as egress.
        egress_known: False where the nodes' egress could not be told.
        unresolved: range sets of the baseline that do not resolve; its last entries stay.
        omitted: entries that are wanted and do not fit into the list.
    """

    entries: dict[str, Origin]
    baseline: frozenset[str] = frozenset()
    egress_known: bool = True
    unresolved: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()

    def owners(self, entry: str) -> tuple[str, ...]:
        """The entry's ledger owners: it stays while one of them wants it."""
        owner = OWNER_OF[self.entries[entry]]
        shared = owner != BASELINE_OWNER and entry in self.baseline
        return (owner, BASELINE_OWNER) if shared else (owner,)


def platform(*, world: World, view: ClusterView, ledger: Ledger) -> Platform:
    """Egress of nodes and management cluster, and the baseline."""
    target = world.target
    nodes = node_egress(target=target, view=view) if target is not None else ()
    baseline, unresolved = _baseline(target=target, world=world) if target is not None else ([], ())
    unusable = target is None or bool(target.problems)
    egress = list(strings(nodes or ()))
    if unusable or nodes is None:
        egress += _kept(ledger=ledger, owner=EGRESS_OWNER)
    if unusable or unresolved:
        baseline += _kept(ledger=ledger, owner=BASELINE_OWNER)
    management = strings(world.management_egress) if target is not None else ()
    return Platform(
        entries={
            **dict.fromkeys(baseline, Origin.BASELINE),
            **dict.fromkeys(management, Origin.MANAGEMENT),
            **dict.fromkeys(egress, Origin.EGRESS),
        },
        baseline=frozenset(baseline),
        egress_known=nodes is not None,
        unresolved=unresolved,
    )


def fitting(*, platform: Platform, limit: int, occupied: Set[str], present: Listing) -> Platform:
    """The platform's entries that AKS would take: egress first, then what stands already.

    `occupied` stand in the list whatever is wanted; those of them that the platform wants need no
    room of their own.
    """
    entries = platform.entries
    ranked = sorted(
        entries.keys() - occupied,
        key=lambda e: (entries[e] is Origin.BASELINE, e not in present, e),
    )
    out = ranked[max(limit - len(occupied), 0) :]
    if not out:
        return platform
    kept = {entry: origin for entry, origin in entries.items() if entry not in out}
    return replace(platform, entries=kept, omitted=tuple(out))


def _baseline(*, target: Target, world: World) -> tuple[list[str], tuple[str, ...]]:
    """What the baseline names now, and which of its sets do not resolve."""
    found, unresolved = list(strings(target.baseline)), []
    for name in dict.fromkeys(target.baseline_sets):
        known = world.sets.get(name)
        if known is None or not known.usable:
            unresolved.append(name)
            continue
        found += strings(known.ranges)
    return found, tuple(unresolved)


def _kept(*, ledger: Ledger, owner: str) -> list[str]:
    """What this owner has had."""
    return [entry.range for entry in ledger.ours if owner in entry.owners]


def foreign(*, base: Listing, platform: Platform, ledger: Ledger) -> tuple[str, ...]:
    """The entries in Azure that are neither ours nor the platform's, in Azure's order."""
    return tuple(
        entry
        for entry in base.spelling
        if entry != SENTINEL and entry not in platform.entries and entry not in ledger.entries
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """The entries that should stand: canonical entry to its ledger owners.

    `sets` has, for an entry that came through nothing but range sets, their names.
    """

    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sets: dict[str, tuple[str, ...]] = field(default_factory=dict)


def wanted(
    *,
    platform: Platform,
    verdicts: Mapping[GrantUid, Verdict],
    ledger: Ledger,
    present: Listing,
    unready: Set[GrantUid] = frozenset(),
) -> Wanted:
    """The platform's entries and those of the admitted grants, and what a grown one keeps.

    Of a grant that is not ready only what it holds already, and what stands for another or as
    somebody else's: an equal entry stays while anybody needs it.
    """
    result = Wanted(owners={entry: platform.owners(entry) for entry in platform.entries})
    direct: set[str] = set()
    for uid in sorted(verdicts):
        verdict = verdicts[uid]
        if not verdict.admitted and not verdict.keeps:
            continue
        for item in verdict.ranges:
            entry = cidr(item)
            if not verdict.admitted and entry not in verdict.keeps:
                continue
            if uid in unready and not _stands(ledger=ledger, uid=uid, entry=entry, present=present):
                continue
            result.owners[entry] = (*result.owners.get(entry, ()), uid)
            through = verdict.via_sets.get(item)
            if through is None:
                direct.add(entry)
            else:
                known = result.sets.get(entry, ())
                result.sets[entry] = tuple(dict.fromkeys((*known, *through)))
    for entry in direct:
        result.sets.pop(entry, None)
    return result


def _stands(*, ledger: Ledger, uid: GrantUid, entry: str, present: Listing) -> bool:
    """One that an unproven write carried counts once it is in Azure, for nobody but its owner."""
    known = ledger.entries.get(entry)
    if known is None:
        return entry in present
    if known.state is EntryState.OWNED and uid in known.owners:
        # While it is searched whose entry AKS refuses, one that is gone may be the one.
        return ledger.search is None or entry in present
    return entry in present and (known.state is EntryState.OWNED or uid in known.owners)


def keeps_foreign(*, mode: Mode, egress_known: bool, lost: bool) -> bool:
    """Whether foreign entries stay: always in Merge; else while dropping them could lock out."""
    return mode is not Mode.EXCLUSIVE or lost or not egress_known

"""Every entry of the list as read: where it comes from, for whom it stands, and until when."""

from collections.abc import Mapping

from aks_access.plan.composition import Wanted
from aks_access.plan.ledger import PLATFORM_OWNERS
from aks_access.plan.listing import SENTINEL
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import EntryReport, Origin, Verdict
from aks_access.plan.scene import Scene


def entry_report(
    *,
    scene: Scene,
    wants: Wanted,
    verdicts: Mapping[GrantUid, Verdict],
) -> tuple[EntryReport, ...]:
    """Every live entry with its origin, the grants that want it, and until when."""
    foreign = set(scene.foreign)
    return tuple(
        _entry(
            scene=scene,
            entry=entry,
            wants=wants,
            verdicts=verdicts,
            foreign=entry in foreign,
        )
        for entry in scene.current.spelling
    )


def _entry(
    *,
    scene: Scene,
    entry: str,
    wants: Wanted,
    verdicts: Mapping[GrantUid, Verdict],
    foreign: bool,
) -> EntryReport:
    spelling = scene.current.spelling[entry]
    uids = tuple(
        GrantUid(owner) for owner in wants.owners.get(entry, ()) if owner not in PLATFORM_OWNERS
    )
    if entry == SENTINEL:
        return EntryReport(entry=spelling, origin=Origin.SENTINEL)
    if entry in scene.platform.entries:
        return EntryReport(entry=spelling, origin=scene.platform.entries[entry], grants=uids)
    if foreign:
        origin = Origin.UNATTRIBUTED if scene.lost else Origin.FOREIGN
        return EntryReport(entry=spelling, origin=origin, grants=uids)
    if not uids:
        known = scene.ledger.entries.get(entry)
        owners = tuple(GrantUid(o) for o in known.owners) if known is not None else ()
        return EntryReport(
            entry=spelling,
            origin=Origin.REVOKING,
            grants=tuple(owner for owner in owners if owner not in PLATFORM_OWNERS),
        )
    ends = [
        None if verdicts[uid].needs_activation else verdicts[uid].ends
        for uid in uids
        if uid in verdicts
    ]
    known_ends = [end for end in ends if end is not None]
    until = max(known_ends) if known_ends and len(known_ends) == len(ends) else None
    return EntryReport(entry=spelling, origin=Origin.GRANT, grants=uids, until=until)

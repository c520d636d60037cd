"""What a plan says beside the list: the ledger's entries, what is held for whom, live entries.

Everything here is derived from the scene and the decisions; nothing here decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from aks_access.api.ranges import IPv4Range
from aks_access.plan.composition import Wanted
from aks_access.plan.ledger import BASELINE_OWNER, EGRESS_OWNER, EntryState, LedgerEntry
from aks_access.plan.listing import SENTINEL, parsed
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import AccessState, Change, EntryReport, Origin, Verdict
from aks_access.plan.removal import ACTS, fell_due
from aks_access.plan.scene import RemovalPlan, Scene
from aks_access.plan.world import WITHDRAWN_MEMORY

PLATFORM_OWNERS = frozenset({BASELINE_OWNER, EGRESS_OWNER})
CLOSED = frozenset({AccessState.EXPIRED, AccessState.REVOKED})
_ORIGIN_WORDS = {
    Origin.EGRESS: "node egress",
    Origin.MANAGEMENT: "management cluster",
    Origin.BASELINE: "baseline",
}


def ledger_entries(
    *,
    scene: Scene,
    wants: Wanted,
    removals: RemovalPlan,
) -> dict[str, LedgerEntry]:
    """The ledger's entries as they should stand now; what this plan would add is left out.

    An entry in Azure that equals a baseline entry becomes the baseline's; one that equals an
    egress entry stays whose it was.
    """
    acts = (change for change in removals.held if change.cause in ACTS)
    due = {change.entry: change for change in (*removals.now, *acts)}
    now = scene.world.now
    result: dict[str, LedgerEntry] = {}
    for name, entry in scene.ledger.entries.items():
        updated = _kept(scene=scene, wants=wants, entry=entry)
        if updated is None:
            continue
        change = due.get(name)
        if change is not None and updated.state is not EntryState.WITHDRAWN:
            when = fell_due(change=change, entry=entry, world=scene.world)
            updated = _released(scene=scene, entry=replace(updated, due=when))
        result[name] = updated
    if scene.observed:
        return result
    for name, origin in scene.platform.entries.items():
        if origin is Origin.BASELINE and name in scene.current and name not in result:
            result[name] = LedgerEntry(
                range=name, state=EntryState.OWNED, owners=wants.owners[name], since=now
            )
    return result


def _kept(*, scene: Scene, wants: Wanted, entry: LedgerEntry) -> LedgerEntry | None:
    now = scene.world.now
    present = entry.range in scene.current
    owners = wants.owners.get(entry.range)
    if owners is not None and (present or entry.state is not EntryState.WITHDRAWN):
        state = EntryState.OWNED if entry.state is EntryState.WITHDRAWN else entry.state
        return replace(
            entry,
            state=state,
            owners=owners,
            since=entry.since if state is entry.state else now,
            due=None,
            released=(),
            sets=wants.sets.get(entry.range, ()),
        )
    if entry.state is EntryState.WITHDRAWN:
        remembered = present or entry.since + WITHDRAWN_MEMORY > now
        return entry if remembered else None
    if present or scene.unproven:
        return entry
    return LedgerEntry(range=entry.range, state=EntryState.WITHDRAWN, owners=(), since=now)


def _released(*, scene: Scene, entry: LedgerEntry) -> LedgerEntry:
    """An overdue debt is the ledger's alone: a deleted grant need not wait for it any longer."""
    if entry.due is None or entry.due + scene.world.revocation_bound > scene.world.now:
        return entry
    grants = scene.world.grants
    let_go = tuple(
        owner
        for owner in entry.owners
        if (grant := grants.get(GrantUid(owner))) is not None and grant.deleting is not None
    )
    if not let_go:
        return entry
    return replace(
        entry,
        owners=tuple(owner for owner in entry.owners if owner not in let_go),
        released=tuple(dict.fromkeys((*entry.released, *let_go))),
    )


def held(*, scene: Scene, entries: Mapping[str, LedgerEntry]) -> dict[GrantUid, tuple[str, ...]]:
    """What the ledger holds for each grant in Azure, or perhaps about to be there."""
    result: dict[GrantUid, list[str]] = {}
    for entry in entries.values():
        standing = entry.state is EntryState.INTENDED or (
            entry.state is EntryState.OWNED and (entry.range in scene.current or scene.unproven)
        )
        if not standing:
            continue
        for owner in entry.owners:
            if owner not in PLATFORM_OWNERS:
                result.setdefault(GrantUid(owner), []).append(entry.range)
    return {uid: tuple(sorted(ranges)) for uid, ranges in result.items()}


def observe_verdicts(
    *,
    scene: Scene,
    verdicts: Mapping[GrantUid, Verdict],
    entries: Mapping[str, LedgerEntry],
    removals: Sequence[Change],
) -> dict[GrantUid, Verdict]:
    """The verdicts with what is in Azure: `present`, and for closed ones what still admits them."""
    gone = {change.entry for change in removals}
    remaining = {
        value: entry
        for entry in scene.current.spelling
        if entry not in gone and (value := parsed(entry)) is not None
    }
    return {
        uid: replace(
            verdict,
            present=_present(scene=scene, verdict=verdict, entries=entries),
            covered=(
                _covered(scene=scene, verdict=verdict, remaining=remaining, entries=entries)
                if verdict.state in CLOSED
                else ()
            ),
        )
        for uid, verdict in verdicts.items()
    }


def _present(*, scene: Scene, verdict: Verdict, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether every range was read back: what is being written counts only once it is proven."""
    flight = scene.ledger.in_flight
    added = frozenset(flight.added) if flight is not None else frozenset()
    return bool(verdict.ranges) and all(
        (name := str(item)) in scene.current
        and name not in added
        and ((entry := entries.get(name)) is None or entry.state is EntryState.OWNED)
        for item in verdict.ranges
    )


def _covered(
    *,
    scene: Scene,
    verdict: Verdict,
    remaining: Mapping[IPv4Range, str],
    entries: Mapping[str, LedgerEntry],
) -> tuple[tuple[str, str], ...]:
    found = []
    for item in verdict.ranges:
        cover = _cover(item=item, remaining=remaining)
        known = entries.get(cover) if cover is not None else None
        own = known is not None and verdict.grant.uid in (*known.owners, *known.released)
        if cover is not None and not own:
            spelling = scene.current.spelling[cover]
            found.append((str(item), f"{spelling} ({_words(scene, cover, known)})"))
    return tuple(found)


def _cover(*, item: IPv4Range, remaining: Mapping[IPv4Range, str]) -> str | None:
    """The narrowest entry that contains the range."""
    for prefix in range(item.prefix, -1, -1):
        shift = 32 - prefix
        wider = IPv4Range(network=item.network >> shift << shift, prefix=prefix)
        if wider in remaining:
            return remaining[wider]
    return None


def _words(scene: Scene, entry: str, known: LedgerEntry | None) -> str:
    origin = scene.platform.entries.get(entry)
    if origin is not None:
        return _ORIGIN_WORDS[origin]
    if known is None:
        return "foreign"
    names = sorted(
        grant.path for owner in known.owners if (grant := scene.world.grants.get(GrantUid(owner)))
    )
    return ", ".join(names) or "ours"


def overdue(
    *, scene: Scene, entries: Mapping[str, LedgerEntry], removals: RemovalPlan
) -> tuple[tuple[str, datetime], ...]:
    """Entries whose removal should have been read back by now; at once where nothing is written."""
    waiting = {change.entry for change in removals.waiting}
    target = scene.world.target
    never = scene.observed or (target is not None and target.suspend)
    bound = scene.world.now if never else scene.world.now - scene.world.revocation_bound
    return tuple(
        (name, entry.due)
        for name, entry in sorted(entries.items())
        if entry.due is not None and entry.due <= bound and name not in waiting
    )


def entry_report(
    *,
    scene: Scene,
    wants: Wanted,
    verdicts: Mapping[GrantUid, Verdict],
    removals: RemovalPlan,
) -> tuple[EntryReport, ...]:
    """Every live entry with its origin, the grants that want it, and until when."""
    going = {change.entry for change in (*removals.now, *removals.waiting, *removals.held)}
    foreign = set(scene.foreign)
    return tuple(
        _entry(
            scene=scene,
            entry=entry,
            wants=wants,
            verdicts=verdicts,
            going=entry in going,
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
    going: bool,
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
    if going or not uids:
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


def next_transition(
    *,
    scene: Scene,
    verdicts: Mapping[GrantUid, Verdict],
    entries: Mapping[str, LedgerEntry],
) -> datetime | None:
    """When the plan changes by itself: a start, an end, or a removal becoming overdue; UTC."""
    now = scene.world.now
    moments = [entry.due + scene.world.revocation_bound for entry in entries.values() if entry.due]
    for verdict in verdicts.values():
        if verdict.state is AccessState.DELETED or verdict.state is AccessState.EXPIRED:
            continue
        if verdict.grant.not_before is not None:
            moments.append(verdict.grant.not_before)
        if verdict.ends is not None and not verdict.needs_activation:
            moments.append(verdict.ends)
    return min((moment for moment in moments if moment > now), default=None)

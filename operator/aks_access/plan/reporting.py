"""What a plan says beside the list: the ledger's entries, what is held for whom, live entries.

Everything here is derived from the scene and the decisions; nothing here decides.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from aks_access.api.ranges import IPv4Range
from aks_access.plan import search
from aks_access.plan.composition import Wanted
from aks_access.plan.ledger import PLATFORM_OWNERS, EntryState, LedgerEntry
from aks_access.plan.listing import cidr, parsed
from aks_access.plan.model import GrantUid
from aks_access.plan.outcome import AccessState, Change, Origin, Verdict
from aks_access.plan.removal import ENDED, fell_due
from aks_access.plan.scene import RemovalPlan, Scene
from aks_access.plan.withdrawal import remembered, withdrawn

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

    An entry in Azure that equals a baseline entry becomes the baseline's; one that equals nothing
    but an egress entry stays whose it was.
    """
    acts = (change for change in removals.held if change.cause in ENDED)
    due = {change.entry: change for change in (*removals.now, *acts)}
    going = {change.entry for change in removals.now}
    now = scene.world.now
    result: dict[str, LedgerEntry] = {}
    for name, entry in scene.ledger.entries.items():
        updated = _kept(scene=scene, wants=wants, entry=entry, going=going)
        change = due.get(name)
        if change is not None and updated.state is not EntryState.WITHDRAWN:
            when = fell_due(change=change, entry=entry, world=scene.world)
            updated = _released(scene=scene, entry=replace(updated, due=when))
        result[name] = updated
    result = remembered(entries=result, present=scene.may_stand, now=now)
    if scene.observed:
        return result
    for name in sorted(scene.platform.baseline):
        if name in wants.owners and name in scene.current and name not in result:
            result[name] = LedgerEntry(
                range=name, state=EntryState.OWNED, owners=wants.owners[name], since=now
            )
    return result


def _kept(*, scene: Scene, wants: Wanted, entry: LedgerEntry, going: Set[str]) -> LedgerEntry:
    """The entry as it stands; of a cleared list what goes back counts as never gone."""
    now = scene.world.now
    returns = scene.restores and entry.range in scene.base and entry.range not in going
    present = entry.range in scene.current or returns
    owners = wants.owners.get(entry.range)
    if owners is not None and (present or entry.state is not EntryState.WITHDRAWN):
        return _wanted(entry=entry, owners=owners, sets=wants.sets.get(entry.range, ()), now=now)
    if present or scene.unproven or entry.state is EntryState.WITHDRAWN:
        return entry
    return withdrawn(entry=entry, names=scene.ledger.names, now=now)


def _wanted(
    *, entry: LedgerEntry, owners: tuple[str, ...], sets: tuple[str, ...], now: datetime
) -> LedgerEntry:
    """The entry for its owners of today; one that had been withdrawn is ours again."""
    returned = entry.state is EntryState.WITHDRAWN
    updated = LedgerEntry(
        range=entry.range,
        state=EntryState.OWNED if returned else entry.state,
        owners=owners,
        since=now if returned else entry.since,
        unsettled=entry.unsettled,
        sets=sets,
    )
    return entry if updated == entry else updated


def _released(*, scene: Scene, entry: LedgerEntry) -> LedgerEntry:
    """An overdue debt is the ledger's alone: a deleted grant need not wait for it any longer.

    A ledger that is lost cannot hold it: the grant is all that tells of its access.
    """
    if (
        scene.lost
        or entry.due is None
        or entry.due + scene.world.revocation_bound > scene.world.now
    ):
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
            entry.state is EntryState.OWNED
            and (
                entry.range in scene.current
                or scene.unproven
                or (scene.restores and entry.range in scene.base)
            )
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
    widths = sorted({value.prefix for value in remaining}, reverse=True)
    proven = _proven(scene=scene, entries=entries)
    result = {}
    for uid, verdict in verdicts.items():
        present = bool(verdict.ranges) and all(cidr(item) in proven for item in verdict.ranges)
        covered: tuple[tuple[str, str], ...] = ()
        if verdict.state in CLOSED:
            covered = _covered(
                scene=scene,
                verdict=verdict,
                remaining=remaining,
                widths=widths,
                entries=entries,
            )
        changed = present or covered
        result[uid] = replace(verdict, present=present, covered=covered) if changed else verdict
    return result


def _proven(*, scene: Scene, entries: Mapping[str, LedgerEntry]) -> set[str]:
    """The live entries but those being written: these count only once they were read back."""
    flight = scene.ledger.in_flight
    added = frozenset(flight.added) if flight is not None else frozenset()
    return {
        name
        for name in scene.current.spelling
        if name not in added
        and ((entry := entries.get(name)) is None or entry.state is EntryState.OWNED)
    }


def _covered(
    *,
    scene: Scene,
    verdict: Verdict,
    remaining: Mapping[IPv4Range, str],
    widths: Sequence[int],
    entries: Mapping[str, LedgerEntry],
) -> tuple[tuple[str, str], ...]:
    found = []
    for item in verdict.ranges:
        cover = _cover(item=item, remaining=remaining, widths=widths)
        known = entries.get(cover) if cover is not None else None
        own = known is not None and verdict.grant.uid in (*known.owners, *known.released)
        if cover is not None and not own:
            spelling = scene.current.spelling[cover]
            found.append((cidr(item), f"{spelling} ({_words(scene, cover, known)})"))
    return tuple(found)


def _cover(
    *, item: IPv4Range, remaining: Mapping[IPv4Range, str], widths: Sequence[int]
) -> str | None:
    """The narrowest entry that contains the range; `widths` are the prefixes that occur."""
    for prefix in widths:
        if prefix > item.prefix:
            continue
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


def next_transition(
    *,
    scene: Scene,
    verdicts: Mapping[GrantUid, Verdict],
    entries: Mapping[str, LedgerEntry],
) -> datetime | None:
    """When the plan changes by itself: a start, an end, a token, or a removal overdue; UTC."""
    now = scene.world.now
    moments = [entry.due + scene.world.revocation_bound for entry in entries.values() if entry.due]
    following = search.next_try(ledger=scene.ledger, now=now)
    moments += [m for m in (scene.standing.again, scene.standing.ends, following) if m is not None]
    for verdict in verdicts.values():
        if verdict.state is AccessState.DELETED or verdict.state is AccessState.EXPIRED:
            continue
        if verdict.grant.not_before is not None:
            moments.append(verdict.grant.not_before)
        if verdict.ends is not None and not verdict.needs_activation:
            moments.append(verdict.ends)
        if verdict.paced is not None:
            moments.append(verdict.paced.until)
    return min((moment for moment in moments if moment > now), default=None)

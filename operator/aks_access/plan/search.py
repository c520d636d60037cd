"""Why AKS refuses a list (400): whose entry it is, found with few tries, and never guessed (I4).

First the list without any addition is sent: it takes out what is due, and proves that the
additions are to blame; refused as well, an entry that stands there already is. Only where nothing
else keeps that list from being empty, or where somebody cleared it, it has the platform's own, and
refused they are to blame. Then the platform's own additions are tried alone, then the grants', by
halves: the half that is let in is good, so that one culprit of 200 is known after ten writes. Who
asks for all that the culprit's list added would send the same, and is refused with it. Then whoever
waits is tried together, the culprit's namespace after the others. The search stands in the ledger.
Twelve refusals in four hours are quick, after them one in twenty minutes is tried.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aks_access.plan.ledger import (
    PLATFORM_OWNERS,
    Ledger,
    RefusedGrant,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.listing import canonical
from aks_access.plan.model import Grant, GrantUid
from aks_access.plan.outcome import Plan, Verdict
from aks_access.plan.suspects import added_by, alike, next_after, still_asks

QUICK = 12
"""Refusals in `QUICK_WINDOW` that follow each other at once. With the writes that are accepted
they fit into AKS's bucket of 20 and leave the five that are kept for revocations."""

QUICK_WINDOW = timedelta(hours=4)
PACE = timedelta(minutes=20)
"""Time between two tries after that: three an hour."""

STUCK = frozenset({SearchPhase.STANDING, SearchPhase.OWN})
"""Only a person can help: tried again slowly."""


def next_try(*, ledger: Ledger, now: datetime) -> datetime | None:
    """When an addition that AKS may refuse may be tried, UTC; None = at once.

    A refusal in the future was timed by a clock that was wrong, and does not count.
    """
    past = [at for at in ledger.probes if at <= now]
    if not past:
        return None
    stuck = ledger.search is not None and ledger.search.phase in STUCK
    spent = sum(at > now - QUICK_WINDOW for at in past) >= QUICK
    at = past[-1] + PACE
    return at if (stuck or spent) and at > now else None


def additions_wait(*, ledger: Ledger, now: datetime) -> bool:
    """Whether the next write must add nothing at all."""
    search = ledger.search
    if search is None:
        return False
    if search.phase in (SearchPhase.CONTROL, SearchPhase.STANDING):
        return True
    return next_try(ledger=ledger, now=now) is not None


def aside(
    *, ledger: Ledger, grants: Mapping[GrantUid, Grant], now: datetime
) -> frozenset[GrantUid]:
    """The grants that are not let in for now: of a half that is tried nobody may spoil the answer.

    One that was refused and asks for something else since may be refused again: it keeps to the
    same pace.
    """
    search = ledger.search
    if search is None:
        before = frozenset(map(GrantUid, ledger.refused))
        return before if next_try(ledger=ledger, now=now) else frozenset()
    if search.phase is not SearchPhase.HALVING:
        return frozenset(grants)
    return frozenset(grants) - frozenset(map(GrantUid, search.trying))


def refused(
    *, ledger: Ledger, plan: Plan, before: Sequence[str] | None, message: str, now: datetime
) -> Ledger:
    """The ledger after AKS refused the plan's list (400); `before` is the list that stood."""
    search = ledger.search
    if not plan.additions:
        standing = search is not None and search.phase is SearchPhase.STANDING
        probes = ledger.probes if standing else _probes(ledger=ledger, now=now)
        found = Search(
            phase=SearchPhase.STANDING,
            message=message,
            stood=tuple(map(canonical, before or ())),
        )
        return replace(ledger, search=found, probes=probes)
    ledger = replace(ledger, probes=_probes(ledger=ledger, now=now))
    adding = added_by(plan)
    own = _platform(plan)
    controlled = search is not None and search.phase is SearchPhase.CONTROL
    if search is None or search.phase is SearchPhase.STANDING or (controlled and adding):
        uncontrolled = before is None and not plan.restores
        phase = SearchPhase.PLATFORM if uncontrolled else SearchPhase.CONTROL
        found = Search(phase=phase, message=message, suspects=adding, stood=own)
        return replace(ledger, search=found)
    if search.phase in (SearchPhase.CONTROL, SearchPhase.PLATFORM, SearchPhase.OWN):
        stuck = replace(search, phase=SearchPhase.OWN, message=message, stood=own)
        return replace(ledger, search=stuck)
    narrowed = replace(search, message=message, suspects=adding)
    if own:
        again = replace(narrowed, phase=SearchPhase.PLATFORM, trying=(), stood=own)
        return replace(ledger, search=again)
    return _halved(ledger=ledger, search=narrowed, plan=plan, ranges=before)


def proven(*, ledger: Ledger, flight: WriteInFlight | None) -> Ledger:
    """The ledger after AKS took `flight`: a list without additions was not refused."""
    search = ledger.search
    if flight is None or flight.added or search is None:
        return ledger
    if search.phase is SearchPhase.STANDING:
        return replace(ledger, search=None)
    if search.phase is not SearchPhase.CONTROL:
        return ledger
    return replace(ledger, search=replace(search, phase=SearchPhase.PLATFORM))


def uncontrolled(*, ledger: Ledger) -> Ledger:
    """The ledger where no list without additions can be sent: it would be empty."""
    assert ledger.search is not None
    return replace(ledger, search=replace(ledger.search, phase=SearchPhase.PLATFORM))


def landed(*, ledger: Ledger, flight: WriteInFlight) -> Ledger:
    """The ledger after AKS took `flight`, and the list is another one already.

    Whose ranges it added are good, and the rest is tried together: where another writer takes a
    range out at once, it is never seen to be in.
    """
    search = ledger.search
    if search is None or search.phase is not SearchPhase.HALVING:
        return ledger
    added = (entry for name in flight.added if (entry := ledger.entries.get(name)) is not None)
    good = {owner for entry in added for owner in entry.owners if owner in search.trying}
    if not good:
        return ledger
    left = {uid: what for uid, what in search.suspects.items() if uid not in good}
    return replace(ledger, search=_together(search=search, suspects=left))


def advanced(
    *,
    ledger: Ledger,
    plan: Plan,
    ranges: Sequence[str] | None,
    now: datetime,
    stuck: Collection[str] = (),
) -> Ledger:
    """The ledger with what the list as read says of the search.

    `plan` is what would be tried next, whenever that may be; `stuck` are grants that cannot be let
    in for a reason of their own, and tried no more.
    """
    search = ledger.search
    if search is None:
        return ledger
    match search.phase:
        case SearchPhase.CONTROL:
            return ledger
        case SearchPhase.STANDING:
            same = set(search.stood) == set(map(canonical, ranges or ()))
            if same and next_try(ledger=ledger, now=now) is not None:
                return ledger
            return replace(ledger, search=None)
        case SearchPhase.PLATFORM | SearchPhase.OWN:
            own = _platform(plan)
            if not own:
                return _acquitted(ledger=ledger, search=search, plan=plan, ranges=ranges)
            changed = search.phase is SearchPhase.OWN and set(own) != set(search.stood)
            return (
                replace(ledger, search=replace(search, phase=SearchPhase.PLATFORM, stood=own))
                if changed
                else ledger
            )
        case SearchPhase.HALVING:
            return _tried(ledger=ledger, search=search, plan=plan, ranges=ranges, stuck=stuck)


def _acquitted(
    *, ledger: Ledger, search: Search, plan: Plan, ranges: Sequence[str] | None
) -> Ledger:
    """The grants' turn; where the platform's own were in the refused list, no grant is known bad
    yet, and all are tried together.
    """
    halving = replace(search, phase=SearchPhase.HALVING, stood=())
    if not search.stood:
        return _tried(ledger=ledger, search=halving, plan=plan, ranges=ranges)
    return replace(ledger, search=_together(search=halving, suspects=search.suspects))


def _tried(
    *,
    ledger: Ledger,
    search: Search,
    plan: Plan,
    ranges: Sequence[str] | None,
    stuck: Collection[str] = (),
) -> Ledger:
    """Halving goes on when the half that was let in is in, or a suspect is another one now."""
    same = {
        uid: what
        for uid, what in search.suspects.items()
        if uid not in stuck and still_asks(plan=plan, uid=uid, what=what)
    }
    if len(same) < len(search.suspects):
        return replace(ledger, search=_together(search=search, suspects=same))
    if not all(plan.verdicts[GrantUid(uid)].present for uid in same.keys() & search.trying):
        return ledger
    return _halved(ledger=ledger, search=search, plan=plan, ranges=ranges)


def _halved(*, ledger: Ledger, search: Search, plan: Plan, ranges: Sequence[str] | None) -> Ledger:
    """One suspect is the culprit; of more the older half is let in next.

    Whose every range is in the list `ranges` cannot be to blame.
    """
    suspects = {
        uid: what
        for uid, what in search.suspects.items()
        if not plan.verdicts[GrantUid(uid)].present
    }
    if len(suspects) == 1:
        culprit = plan.verdicts[GrantUid(*suspects)]
        return _convicted(ledger=ledger, search=search, plan=plan, culprit=culprit, ranges=ranges)
    half = tuple(suspects)[: len(suspects) // 2]
    halved = replace(search, suspects=suspects, trying=half)
    return replace(ledger, search=halved if suspects else None)


def _convicted(
    *,
    ledger: Ledger,
    search: Search,
    plan: Plan,
    culprit: Verdict,
    ranges: Sequence[str] | None,
) -> Ledger:
    """The culprit is remembered, and who asks for the same; whoever else waits is tried next.

    What AKS refused is what the culprit adds to the list `ranges`, whoever adds it.
    """
    guilty = alike(plan=plan, culprit=culprit, ranges=ranges)
    following = next_after(plan=plan, culprit=culprit, earlier=ledger.refused, guilty=guilty)
    known = dict(ledger.refused)
    for uid, verdict in plan.verdicts.items():
        if uid in guilty:
            known[uid] = RefusedGrant(asks=verdict.asks, message=search.message)
    return replace(
        ledger,
        refused=known,
        search=_together(search=search, suspects=following),
    )


def _together(*, search: Search, suspects: Mapping[str, str]) -> Search | None:
    """All of them are let in next; without any the search is over."""
    return replace(search, suspects=suspects, trying=tuple(suspects)) if suspects else None


def _platform(plan: Plan) -> tuple[str, ...]:
    """What the list adds for the platform."""
    return tuple(c.entry for c in plan.additions if not PLATFORM_OWNERS.isdisjoint(c.owners))


def _probes(*, ledger: Ledger, now: datetime) -> tuple[datetime, ...]:
    return (*ledger.probes, now)[-QUICK:]


def named(*, message: str, entries: Iterable[str]) -> tuple[str, ...]:
    """Those of the entries that Azure's sentence names, as ranges or as single addresses."""
    words = {word.strip(".,;:'\"()[]{}") for word in message.split()}
    return tuple(e for e in entries if e in words or e.removesuffix("/32") in words)

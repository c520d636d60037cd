"""What is due at each moment, and for how long the operator could have done it.

Time counts against the operator only while it runs, sees everything, may write to the cluster and
nothing has just failed. What is due longer than the tier's bound is a violation.
"""

from collections.abc import Iterator

from tests.facts import SENTINEL, Raw, deleting, part, unusable
from tests.history import Line, Object
from tests.invariants.landscape import GRANT, RANGE_SET, TARGET, Landscape
from tests.invariants.site import Debt, Site
from tests.invariants.writes import Finding
from tests.reference import Case, egress_known, idle, nodes_need_nothing, spec_problem

_TERMINAL = frozenset({"Succeeded", "Failed", "Canceled"})


def credit(land: Landscape, until: float) -> None:
    """Count the time up to `until` against everything that is due."""
    if not land.alive or land.faults or land.blind:
        return
    for site in land.sites.values():
        if not site.debts and site.unclear is None:
            continue
        begin = max(land.at, site.waits, land.excused, land.clear_at, _busy(site, land.at))
        if until <= begin or not _writable(land, site):
            continue
        for debt in (*site.debts.values(), *filter(None, (site.unclear,))):
            if not _excused(land, site, debt):
                debt.credit += until - max(begin, debt.since)


def overdue(land: Landscape) -> Iterator[tuple[Site, Finding]]:
    """What could have been done within the bound, and was not; told once each."""
    most = land.bounds.removal
    for site in land.sites.values():
        for entry, debt in site.debts.items():
            if debt.credit > most and not debt.told:
                debt.told = True
                behind = " behind a list that AKS refuses" if debt.refused else ""
                text = f"{entry} is in the list for {debt.credit:.0f} s without a cause{behind}"
                yield site, ("I4" if debt.refused else "I3", text)
        unclear = site.unclear
        if unclear is not None and unclear.credit > most + land.bounds.drift and not unclear.told:
            unclear.told = True
            yield site, ("I12", f"a cleared list is open for {unclear.credit:.0f} s")


def review(land: Landscape, line: Line | None = None) -> None:
    """Find out anew what is due where something moved; `line` is what moved it."""
    for site in land.sites.values():
        if site.dirty or land.at >= site.next_change:
            site.dirty = False
            _review(land, site, line)


def _review(land: Landscape, site: Site, line: Line | None) -> None:
    targets = land.world.targets(site.key)
    cases = [land.case(site=site, target=target, world=land.world) for target in targets]
    sound = [case for case in cases if not unusable(case.target)]
    wanted: set[str] = set()
    site.next_change = float("inf")
    for case in sound:
        entries, change = land.granted(case)
        wanted |= entries
        site.next_change = min(site.next_change, change)
    before = site.platform
    if sound:
        site.platform = set().union(*map(land.fixed, sound))
    if any(not idle(case.target) for case in sound):
        _adopt(site)
    due = (site.ours & site.live) - wanted - site.platform
    if cases and not sound:
        due &= set(site.debts)
    for entry in due - set(site.debts):
        guarded, patient = _guarded(land, line), entry in before
        site.debts[entry] = Debt(since=land.at, guarded=guarded, patient=patient)
    for entry in set(site.debts) - due:
        del site.debts[entry]
    _unclear(land, site, sound)


def _adopt(site: Site) -> None:
    """An entry that equals the platform's belongs to the platform."""
    for entry in site.platform & set(site.foreign):
        site.foreign.pop(entry)
        site.either.add(entry)


def _unclear(land: Landscape, site: Site, cases: list[Case]) -> None:
    known = site.ledger is not None and site.ledger.verified is not None
    managed = any(not deleting(case.target) and not idle(case.target) for case in cases)
    if site.ranges is None and site.restricted and known and managed and site.facts.exists:
        site.unclear = site.unclear or Debt(since=land.at)
    else:
        site.unclear = None


def _guarded(land: Landscape, line: Line | None) -> bool:
    """Whether what moved may be somebody's mistake: something shrank, or vanished unseen."""
    if not isinstance(line, Object):
        return False
    if line.kind == RANGE_SET:
        return True
    before = land.undo[-1][2] if land.undo and land.undo[-1][1][2] == line.name else None
    if line.kind == TARGET:
        return line.raw is None or _baseline_moved(before, line.raw)
    return line.kind == GRANT and (land.partial or _unsound(line.raw))


def _baseline_moved(before: Raw | None, after: Raw) -> bool:
    return part(before or {}, "spec", "baseline") != part(after, "spec", "baseline")


def _unsound(raw: Raw | None) -> bool:
    return raw is not None and bool(spec_problem(raw))


def _busy(site: Site, at: float) -> float:
    """When the operation of the operator's last write ends."""
    return max((w.ends for w in site.writes[-2:] if w.ends is not None), default=at)


def _writable(land: Landscape, site: Site) -> bool:
    facts, targets = site.facts, land.world.targets(site.key)
    return (
        facts.exists
        and facts.provisioning in _TERMINAL
        and facts.power == "Running"
        and not facts.blocked
        and not any(idle(target) or unusable(target) for target in targets)
    )


def _excused(land: Landscape, site: Site, debt: Debt) -> bool:
    """Whether this one may wait: for a person, for what replaces it, or for want of another entry.

    What the platform takes back is no revocation: it goes with what replaces it.
    """
    facts = site.facts
    if debt.guarded and _held(land, site):
        return True
    failed = facts.provisioning != "Succeeded"
    if debt.patient and (debt.refused or land.doubt or failed or not _egress_known(land, site)):
        return True
    rest = site.live - set(site.debts) - {SENTINEL}
    needed = not nodes_need_nothing(outbound=facts.outbound, vnet=facts.vnet)
    return needed and not rest and not site.platform


def _egress_known(land: Landscape, site: Site) -> bool:
    targets = land.world.targets(site.key)
    cases = [land.case(site=site, target=target, world=land.world) for target in targets]
    return all(map(egress_known, cases))


def _held(land: Landscape, site: Site) -> bool:
    states = [part(t, "status", "summary", "state") for t in land.world.targets(site.key)]
    return not states or "MassRemovalHeld" in states

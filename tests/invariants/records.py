"""What the operator's own Kubernetes writes are judged by: ledgers, finalizers, quiet."""

from collections.abc import Iterator

from tests.facts import asked, names_target, uid_of
from tests.history import Activation, Ledger, Line, Mark, Object, Sign, Write
from tests.invariants.landscape import GRANT, RANGE_SET, Landscape
from tests.invariants.site import Site
from tests.invariants.writes import Finding, no_change

MISSING = 2
"""A cluster that was not found so often holds no grant."""


def judge_record(line: Line, land: Landscape) -> Iterator[Finding]:
    """Everything that is wrong with a line that is no PUT, or with a PUT as a mere write."""
    match line:
        case Object(kind=kind, raw=None) if kind == GRANT:
            yield from _gone(line, land)
        case Ledger(entries=None, operator=True):
            yield from _forgotten(line, land)
        case Write(operator=True):
            yield from no_change(line, land.sites[line.cluster])
        case Mark(sign=Sign.NO_CHANGE) if _calm(land, line):
            yield "I11", f"the operator wrote {line.about} as it stood already"
        case Mark(sign=Sign.REST):
            yield from _at_rest(land)
    if land.quiet and _writes(line):
        yield "I11", "the operator writes although nothing changes"


def _calm(land: Landscape, line: Line) -> bool:
    """Whether just one operator runs, has for a while, and has lost no answer."""
    return land.alive == 1 and max(land.excused, land.turned + land.bounds.excuse) < line.at


def _gone(line: Object, land: Landscape) -> Iterator[Finding]:
    """I9: an object goes when its access is gone, or when a ledger holds its debt.

    A finalizer that somebody took off by force while the ledger was lost leaves neither.
    """
    raw = land.world.objects.get((line.kind, line.namespace, line.name))
    if raw is None:
        return
    sets, uid = land.world.named(RANGE_SET), uid_of(raw)
    for site in land.sites.values():
        lost = site.ledger is not None and not site.ledger.operator
        if site.missing >= MISSING or (lost and not line.operator):
            continue
        named = any(names_target(raw, target) for target in land.world.targets(site.key))
        for entry in sorted(asked(raw, sets) & site.ours & site.live - site.platform):
            held = _held(site, entry, uid, operator=line.operator)
            if (
                not held
                and (named or uid in _owners(site, entry))
                and not _other(land, site, uid, entry)
            ):
                yield "I9", f"{line.namespace}/{line.name} is gone, {entry} stands, and no debt"


def _owners(site: Site, entry: str) -> tuple[str, ...]:
    known = site.ledger.entries if site.ledger is not None else None
    found = (known or {}).get(entry)
    return (*found.owners, *found.released) if found is not None else ()


def _held(site: Site, entry: str, uid: str, *, operator: bool) -> bool:
    """Whether the ledger knows of the entry; let go by the operator, it must be a debt.

    What somebody put in again after it was taken out is remembered as withdrawn.
    """
    known = site.ledger.entries if site.ledger is not None else None
    found = (known or {}).get(entry)
    if found is None or found.state == "withdrawn":
        return found is not None and entry in site.past
    return not operator or uid not in found.owners


def _other(land: Landscape, site: Site, uid: str, entry: str) -> bool:
    """Whether another grant is live and asks for the entry."""
    for target in land.world.targets(site.key):
        case = land.case(site=site, target=target, world=land.world)
        others = [grant for grant in case.grants if uid_of(grant) != uid]
        if any(entry in asked(grant, case.sets) for grant in others):
            return True
    return False


def _forgotten(line: Ledger, land: Landscape) -> Iterator[Finding]:
    """I5: the ledger goes only when nothing that it stood for is left."""
    site = land.sites.get(line.cluster)
    if site is None or not site.facts.exists or site.ledger is None:
        return
    if site.ledger.entries is None:
        return  # it could not be read, and is written anew
    targets = land.world.targets(line.cluster)
    detached = any(land.leaves_all(target) for target in targets)
    left = sorted(site.ours & site.live - site.platform - _last_known(land, site))
    if left and not detached:
        yield "I5", f"the ledger is deleted, and {left[0]} of ours stands"


def _last_known(land: Landscape, site: Site) -> set[str]:
    """The platform's entries as the ledger has them, once no target says what they are."""
    if all(world.targets(site.key) for world in land.views()):
        return set()
    return {entry for entry in site.ours if {"baseline", "egress"} & set(_owners(site, entry))}


def _at_rest(land: Landscape) -> Iterator[Finding]:
    """I3: at rest nothing stands without a cause."""
    for site in land.sites.values():
        for entry in sorted(site.debts):
            yield "I3", f"at rest {entry} stands without a cause"


def _writes(line: Line) -> bool:
    if isinstance(line, Write | Object | Ledger):
        return line.operator
    return isinstance(line, Activation)

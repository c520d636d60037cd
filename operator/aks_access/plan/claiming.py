"""Which grants may speak for an entry while the ledger that knew is in doubt.

Entries of grants count as ours then. Whoever makes or edits a grant after the doubt was seen must
not claim what stood before it and was somebody else's: the operator would take that out as soon as
the grant ends. Only what no tenant can write tells the two apart: times of creation, and statuses.
"""

from collections.abc import Mapping, Set
from datetime import datetime

from aks_access.api.reasons import ConditionType
from aks_access.api.target_status import TargetStatus
from aks_access.plan.access import expand
from aks_access.plan.ledger import Ledger
from aks_access.plan.listing import canonical
from aks_access.plan.model import Grant, GrantUid, RangeSet, Target
from aks_access.plan.outcome import Origin


def claims(
    *,
    grants: Mapping[GrantUid, Grant],
    sets: Mapping[str, RangeSet],
    target: Target,
    present: Set[str],
    foreign: Set[str] | None,
) -> dict[str, list[str]]:
    """By entry, the grants that may have put it into the list before the doubt.

    `foreign`: what was somebody else's in the last known list: no grant claims that, unless the
    target's status shows it as that grant's. None where no list is known: then one that was made
    or edited since the doubt claims nothing that is `present` now, unless it is shown; Ready is
    False since the doubt or longer. A status that does not show the list convicts no edit: an old
    grant may be revoked by one. After a restored backup GitOps brings grants back as new objects:
    they claim what the last known list lacks.
    """
    status = TargetStatus.lenient(target.status)
    since, shown = _unready_since(status), _shown(status)
    complete = bool(status.entries) and not status.entries_omitted
    owners: dict[str, list[str]] = {}
    for uid, grant in sorted(grants.items()):
        late = since is not None and (
            grant.created > since or (complete and _edited_after(grant=grant, since=since))
        )
        for entry in map(str, expand(grant=grant, sets=sets)[0]):
            others = entry in foreign if foreign is not None else late and entry in present
            if others and (entry, grant.path) not in shown:
                continue
            owners.setdefault(entry, []).append(uid)
    return owners


def known_foreign(stored: Ledger) -> frozenset[str] | None:
    """What the last list before any doubt had, and was not ours; None = none is known."""
    if stored.lost:
        return frozenset(stored.foreign) if stored.foreign is not None else None
    if stored.verified is None:
        return None
    return frozenset(map(canonical, stored.verified)) - stored.entries.keys()


def _edited_after(*, grant: Grant, since: datetime) -> bool:
    """Whether its spec was first evaluated after that, as it is; one never edited was not."""
    if grant.evaluated is None or grant.generation <= 1:
        return False
    generation, first_seen = grant.evaluated
    return generation != grant.generation or first_seen > since


def _unready_since(status: TargetStatus) -> datetime | None:
    """When the status says that the target stopped being ready; None = it is, or says nothing."""
    for item in status.conditions:
        if item.type == ConditionType.READY:
            return item.last_transition_time if item.status == "False" else None
    return None


def _shown(status: TargetStatus) -> frozenset[tuple[str, str]]:
    """Which entries are or were ours, and for which grants: entry and `namespace/name`."""
    ours = {Origin.GRANT.value, Origin.REVOKING.value}
    return frozenset(
        (canonical(entry.range), path)
        for entry in status.entries
        if entry.origin in ours
        for path in entry.grants
    )

"""What a time in which nobody led did to a list: does the ledger still explain what stands there?

A management cluster that is restored from a backup brings ledger and objects back together, so
neither shows that the other is old. Azure was not restored: the operator's own later writes are
there, and nothing in the ledger explains them. The same difference may be somebody's edit during
an outage; only a person can tell.
"""

from collections.abc import Set
from datetime import datetime

from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import PLATFORM_OWNERS, EntryState, Ledger, LedgerEntry
from aks_access.plan.listing import SENTINEL, Listing, canonical
from aks_access.plan.model import GrantUid, Target
from aks_access.plan.wording import instant, listed


def out_of_step(
    *, stored: Ledger, target: Target, view: ClusterView, live: Set[GrantUid], since: datetime
) -> str:
    """How the list differs from what the ledger explains; "" = it does not.

    `live`: the grants that would be let in again; `since`: when the last leader was heard of, UTC.
    A list that was cleared is not judged: that it goes back at once matters more.
    """
    if view.ranges is None:
        return ""
    present = Listing.of(view.ranges).spelling.keys()
    came = sorted(present - _explained(stored=stored, target=target))
    went = sorted(
        entry.range
        for entry in stored.entries.values()
        if entry.range not in present and _wanted(stored=stored, entry=entry, live=live)
    )
    moved = [f"{listed(went)} went"] if went else []
    moved += [f"{listed(came)} came"] if came else []
    if not moved:
        return ""
    return (
        f"nobody led since {instant(since)}, and meanwhile {' and '.join(moved)} (somebody else "
        "edited the list, or the management cluster is from a backup)"
    )


def _explained(*, stored: Ledger, target: Target) -> set[str]:
    added = stored.in_flight.added if stored.in_flight is not None else ()
    return {
        SENTINEL,
        *added,
        *stored.entries,
        *map(canonical, stored.verified or ()),
        *map(str, target.baseline),
    }


def _wanted(*, stored: Ledger, entry: LedgerEntry, live: Set[GrantUid]) -> bool:
    """Whether it was read back, is wanted still, and no write of ours takes it out.

    One that was known to be missing while somebody led did not go meanwhile.
    """
    if entry.state is not EntryState.OWNED or entry.due is not None:
        return False
    if stored.verified is not None and entry.range not in map(canonical, stored.verified):
        return False
    if stored.in_flight is not None and entry.range in stored.in_flight.removed:
        return False
    return any(owner in PLATFORM_OWNERS or owner in live for owner in entry.owners)

"""What is remembered of entries that were removed: for whom they stood, how many, and for how long.

So that a stale writer's copy is known when it returns. The memory is bounded, and shared by
namespaces: who lets many entries come and go forgets his own, fills nobody's ledger, and costs
nobody else what is remembered.
"""

from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Final

from aks_access.plan.ledger import PLATFORM_OWNERS, EntryState, LedgerEntry

MEMORY: Final = timedelta(days=90)

MOST: Final = 500
"""How many removed entries that do not stand in Azure are remembered. Beside a full list of 2,000,
each of another grant, and a write in flight they fit into a ConfigMap, with namespaces and names of
63 characters."""


def withdrawn(*, entry: LedgerEntry, names: Mapping[str, str], now: datetime) -> LedgerEntry:
    """The entry after its absence was read back; `names`: `namespace/name` of its owners."""
    namespace = entry.namespace
    if entry.state is not EntryState.WITHDRAWN:
        namespace = _namespace(entry=entry, names=names)
    return LedgerEntry(
        range=entry.range, state=EntryState.WITHDRAWN, owners=(), since=now, namespace=namespace
    )


def _namespace(*, entry: LedgerEntry, names: Mapping[str, str]) -> str:
    """Whose grants it stood for; "" = the platform's, or nobody's that is known."""
    owners = (*entry.owners, *entry.released)
    if not PLATFORM_OWNERS.isdisjoint(owners):
        return ""
    return min((names[owner].partition("/")[0] for owner in owners if owner in names), default="")


def remembered(
    *, entries: Mapping[str, LedgerEntry], present: Set[str], now: datetime
) -> dict[str, LedgerEntry]:
    """The entries without the removed ones that are forgotten; one that stands in Azure never is.

    Where there are too many, each namespace keeps as many of its newest as any other.
    """
    shares: dict[str, list[LedgerEntry]] = defaultdict(list)
    for name, entry in entries.items():
        if entry.state is EntryState.WITHDRAWN and name not in present:
            shares[entry.namespace].append(entry)
    ranked: list[tuple[int, LedgerEntry]] = []
    for share in shares.values():
        share.sort(key=lambda entry: (entry.since, entry.range), reverse=True)
        ranked += enumerate(share)
    ranked.sort(key=lambda item: item[0])
    forgotten = {
        entry.range
        for place, (_, entry) in enumerate(ranked)
        if place >= MOST or entry.since + MEMORY <= now
    }
    return {name: entry for name, entry in entries.items() if name not in forgotten}

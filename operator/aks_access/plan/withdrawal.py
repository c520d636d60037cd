"""What is remembered of entries that were removed: for whom they stood, how many, and for how long.

So that a stale writer's copy is known when it returns, a whole list of it at once. The memory is
bounded, and shared by namespaces: who lets many entries come and go forgets his own, fills nobody's
ledger, and costs nobody else what is remembered.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Final

from aks_access.plan.ledger import PLATFORM_OWNERS, EntryState, LedgerEntry

MEMORY: Final = timedelta(days=90)

MOST: Final = 2000
"""How many removed entries that do not stand in Azure are remembered: the longest list there is.
Beside such a list, each entry of another grant, and a write in flight they fit into a ConfigMap,
with namespaces and names of 63 characters."""

_TENANT_LENGTH: Final = 8


def withdrawn(*, entry: LedgerEntry, names: Mapping[str, str], now: datetime) -> LedgerEntry:
    """The entry after its absence was read back; `names`: `namespace/name` of its owners."""
    return LedgerEntry(
        range=entry.range,
        state=EntryState.WITHDRAWN,
        owners=(),
        since=now.replace(microsecond=0),
        tenant=entry.tenant or _tenant(entry=entry, names=names),
    )


def _tenant(*, entry: LedgerEntry, names: Mapping[str, str]) -> str:
    """A short digest of the namespace whose grants it stood for, since all that matters is whether
    it is the same; "" = the platform's, or nobody's that is known.
    """
    owners = (*entry.owners, *entry.released)
    if not PLATFORM_OWNERS.isdisjoint(owners):
        return ""
    spaces = [names[owner].partition("/")[0] for owner in owners if owner in names]
    return hashlib.sha256(min(spaces).encode()).hexdigest()[:_TENANT_LENGTH] if spaces else ""


def remembered(
    *, entries: Mapping[str, LedgerEntry], present: Set[str], now: datetime
) -> dict[str, LedgerEntry]:
    """The entries without the removed ones that are forgotten; never one of `present`: what stands
    in Azure, or may stand there again.

    Where there are too many, each namespace keeps as many of its newest as any other.
    """
    shares: dict[str, list[LedgerEntry]] = defaultdict(list)
    for name, entry in entries.items():
        if entry.state is EntryState.WITHDRAWN and name not in present:
            shares[entry.tenant].append(entry)
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

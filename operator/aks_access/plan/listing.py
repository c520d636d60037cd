"""A cluster's list as Azure holds it, with each entry's canonical form beside its spelling.

Entries are compared by canonical CIDR, because Azure stores `1.2.3.4` as `1.2.3.4/32`; what is
kept is always the spelling that was read, so that a service tag or an odd entry survives as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from aks_access.api.ranges import IPv4Range, RangeError

CACHED = 16_384
"""How many entries are kept parsed: a few whole lists of 2,000."""

SENTINEL = "0.0.0.0/32"
"""Alone in the list it lets nobody in but the cluster's own load balancer (AKS documentation)."""


@lru_cache(maxsize=CACHED)
def canonical(entry: str) -> str:
    """The entry's canonical CIDR; the entry itself where it is no IPv4 range."""
    value = parsed(entry)
    return str(value) if value is not None else entry


@lru_cache(maxsize=CACHED)
def parsed(entry: str) -> IPv4Range | None:
    """The entry as a range, or None (a service tag, or something odd)."""
    try:
        return IPv4Range.parse(entry)
    except RangeError:
        return None


@lru_cache(maxsize=CACHED)
def cidr(value: IPv4Range) -> str:
    """The range's canonical CIDR; the same few thousand are asked for in every plan."""
    return str(value)


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries in Azure's order: canonical form to spelling."""

    spelling: dict[str, str]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Listing":
        """The listing of these entries; of two that mean the same the first spelling stays."""
        spelling: dict[str, str] = {}
        for entry in entries:
            spelling.setdefault(canonical(entry), entry)
        return cls(spelling)

    def __contains__(self, entry: str) -> bool:
        return entry in self.spelling


def same_entries(one: Iterable[str] | None, other: Iterable[str] | None) -> bool:
    """Whether two lists mean the same set of entries; None (unrestricted) equals None only."""
    if one is None or other is None:
        return one is None and other is None
    return set(map(canonical, one)) == set(map(canonical, other))

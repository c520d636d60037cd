"""The last look at a list before it is sent: invariant I1, whatever a plan says.

Knows nothing of grants and policies, on purpose. It compares the list with the one that stands in
Azure and refuses what would open the cluster, so that a mistake in planning stays a mistake on
paper. What already stands there passes as it is: refusing it would only block a removal.
"""

import re
from collections.abc import Iterable, Sequence, Set
from ipaddress import IPv4Network
from typing import Final

from aks_access.api.ranges import IPv4Range, RangeError, parse_public, quoted
from aks_access.errors import UnsafeWrite
from aks_access.plan.listing import SENTINEL, canonical, parsed

WIDEST_UNION: Final = 1 << 30
"""How many addresses the added entries may hold together: a quarter of IPv4. Two /1 networks are
as open as 0.0.0.0/0."""

_ALL_ADDRESSES: Final = 1 << 32
_SERVICE_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)*", re.ASCII)
_WITH_HOST_BITS: Final = re.compile(r"[0-9.]+/[0-9]{1,2}", re.ASCII)
_WHOLE_INTERNET: Final = "internet"


def refuse_unsafe_list(
    *, current: Sequence[str] | None, desired: Sequence[str], entry_limit: int
) -> None:
    """Raise `UnsafeWrite` for a list that must never be sent.

    `current` is the list as read (None = the cluster is open), `desired` the whole list to write,
    `entry_limit` how many entries the cluster takes; a list that only takes entries out may stay
    above it. An entry counts as added when no entry of `current` means the same. Against an open
    cluster nothing can open it further, and a restored list may hold what was foreign before:
    there service tags and wide ranges pass, but not what would be all addresses again.
    """
    known = {canonical(entry) for entry in current or ()}
    entries = _entries(desired, known=known)
    added = [entry for entry in entries if canonical(entry) not in known]
    _refuse_duplicates(entries)
    if added and len(entries) > entry_limit:
        raise UnsafeWrite(
            f"The list has {len(entries)} entries, and the cluster takes {entry_limit}; fewer "
            "ranges, or wider ones, have to do."
        )
    if SENTINEL in map(canonical, entries):
        if len(entries) > 1:
            raise UnsafeWrite(
                f"The list has {SENTINEL}, which means nobody, beside other entries; it may only "
                "stand alone."
            )
        return
    ranges = [_added(entry, restoring=not known) for entry in added]
    _refuse_wide_union(
        (value for value in ranges if value is not None),
        most=WIDEST_UNION if known else _ALL_ADDRESSES - 1,
    )


def _entries(desired: object, *, known: Set[str]) -> list[str]:
    if desired is None or isinstance(desired, str) or not isinstance(desired, Sequence):
        raise UnsafeWrite(f"{quoted(desired)} is no list of ranges; nothing is written.")
    if not desired:
        raise UnsafeWrite(
            "The list is empty, which Azure takes as open to the whole internet; nothing is "
            "written."
        )
    for entry in desired:
        if not isinstance(entry, str) or not (entry.strip() or entry in known):
            raise UnsafeWrite(f"The list has an entry {quoted(entry)}, which is no range.")
    if not any(map(str.strip, desired)):
        raise UnsafeWrite("The list holds nothing but blanks; nothing is written.")
    return list(desired)


def _refuse_duplicates(entries: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        meaning = canonical(entry)
        if meaning in seen:
            raise UnsafeWrite(
                f"The list names {quoted(meaning)} twice, as {quoted(seen[meaning])} and "
                f"{quoted(entry)}."
            )
        seen[meaning] = entry


def returnable(entries: Iterable[str]) -> tuple[str, ...]:
    """What a list that somebody cleared may have again: nothing that is everybody's address, and
    nothing that AKS would not take (IPv6, junk). Of networks that are all addresses together the
    widest stay out, so that no odd entry keeps the others from closing the cluster.
    """
    kept = [entry for entry in entries if _returns(entry)]
    while _size(filter(None, map(_network, kept))) >= _ALL_ADDRESSES:
        kept.remove(min(kept, key=_prefix))
    return tuple(kept)


def _prefix(entry: str) -> int:
    value = _network(entry)
    return value.prefix if value is not None else 32


def _returns(entry: str) -> bool:
    if _SERVICE_TAG.fullmatch(entry):
        return entry.lower() != _WHOLE_INTERNET
    value = _network(entry)
    return value is not None and value.prefix > 0


def _network(entry: str) -> IPv4Range | None:
    """The network of an entry that stood in Azure, host bits or not; None = it is none."""
    value = parsed(entry)
    if value is not None or not _WITH_HOST_BITS.fullmatch(entry):
        return value
    try:
        network = IPv4Network(entry, strict=False)
    except ValueError:
        return None
    return IPv4Range(network=int(network.network_address), prefix=network.prefixlen)


def _added(entry: str, *, restoring: bool) -> IPv4Range | None:
    """The range of an added entry, or None for a service tag that returns."""
    if restoring and _returns(entry):
        return _network(entry)
    try:
        return parse_public(entry)
    except RangeError as error:
        raise UnsafeWrite(f"An added entry cannot be written: {error}.") from error


def _size(ranges: Iterable[IPv4Range]) -> int:
    """How many addresses the ranges hold together."""
    total, end = 0, -1
    for value in sorted(ranges):
        total += max(0, value.last - max(value.first, end + 1) + 1)
        end = max(end, value.last)
    return total


def _refuse_wide_union(ranges: Iterable[IPv4Range], *, most: int) -> None:
    total = _size(ranges)
    if total > most:
        raise UnsafeWrite(
            f"The added entries hold {total} addresses together, more than {most}, the limit; list "
            "the clients' own networks instead."
        )

"""Raw JSON of the objects, addresses and times, read naively, for the reference and the oracle.

Nothing here comes from the operator's own code, on purpose: a misreading there must not repeat.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Network
from typing import Any

Raw = Mapping[str, Any]
SENTINEL = "0.0.0.0/32"
WIDEST_GRANT = 16
WIDEST_PLATFORM = 8
SPECIAL = tuple(
    IPv4Network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
)
"""Special-purpose and multicast networks (IANA registries of RFC 6890 and RFC 5771)."""

_TRACKERS = (
    ("annotations", "argocd.argoproj.io/tracking-id"),
    ("annotations", "argocd.argoproj.io/instance"),
    ("annotations", "meta.helm.sh/release-name"),
    ("labels", "argocd.argoproj.io/instance"),
    ("labels", "app.kubernetes.io/instance"),
    ("labels", "kustomize.toolkit.fluxcd.io/name"),
    ("labels", "helm.toolkit.fluxcd.io/name"),
    ("labels", "fleet.cattle.io/bundle-name"),
    ("labels", "objectset.rio.cattle.io/hash"),
    ("labels", "applyset.kubernetes.io/part-of"),
)
_networks: dict[str, IPv4Network | None] = {}


# addresses


def network(text: object) -> IPv4Network | None:
    """The entry as a network; None for a service tag, host bits and junk."""
    if not isinstance(text, str):
        return None
    if text not in _networks:
        try:
            _networks[text] = IPv4Network(text)
        except ValueError:
            _networks[text] = None
    return _networks[text]


def canonical(text: str) -> str:
    """One spelling per network; a service tag stays as it is."""
    found = network(text)
    return str(found) if found is not None else text


def intervals(entries: Iterable[str]) -> list[tuple[int, int]]:
    """The addresses that the entries let in: disjoint, ascending (first, last)."""
    spans = sorted(
        (int(found[0]), int(found[-1])) for text in entries if (found := network(text)) is not None
    )
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def size(entries: Iterable[str]) -> int:
    """How many addresses the entries let in together."""
    return sum(last - first + 1 for first, last in intervals(entries))


def within(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """Whether every address of `inner` is let in by `outer` too."""
    spans = intervals(outer)
    return all(
        any(begin <= first and last <= end for begin, end in spans)
        for first, last in intervals(inner)
    )


# time


def instant(value: object) -> datetime | None:
    """An RFC 3339 time with a zone, in UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def length(value: object) -> timedelta | None:
    """A duration like `4h30m`."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", str(value or ""), re.ASCII)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


# objects


def part(raw: Raw, *path: str) -> Any:
    """What stands at this path; None where nothing does."""
    found: Any = raw
    for name in path:
        # JSON has dicts; to ask whether something is a Mapping takes ten times as long.
        if not isinstance(found, dict) and not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def uid_of(raw: Raw) -> str:
    """The object's uid."""
    return str(part(raw, "metadata", "uid"))


def path_of(raw: Raw) -> str:
    """`namespace/name` of a grant."""
    return f"{part(raw, 'metadata', 'namespace')}/{part(raw, 'metadata', 'name')}"


def deleting(raw: Raw) -> bool:
    """Whether its deletion was asked for."""
    return bool(part(raw, "metadata", "deletionTimestamp"))


def tracked(raw: Raw) -> bool:
    """Whether a GitOps tool or Helm would create it again."""
    return any(part(raw, "metadata", place, name) for place, name in _TRACKERS)


def activation_key(raw: Raw) -> str:
    """What its first activation is recorded under."""
    if tracked(raw):
        return f"name:{path_of(raw)}"
    return f"uid:{part(raw, 'metadata', 'namespace')}/{uid_of(raw)}"


def selects(selector: object, labels: Mapping[str, str] | None) -> bool:
    """Whether a label selector matches; an empty one matches nothing."""
    equal = part(selector, "matchLabels") if isinstance(selector, Mapping) else None
    terms = part(selector, "matchExpressions") if isinstance(selector, Mapping) else None
    known = labels or {}
    if not equal and not terms:
        return False
    return all(known.get(key) == value for key, value in (equal or {}).items()) and all(
        _term(term, known) for term in terms or ()
    )


def _term(term: Raw, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(term["key"]), term.get("values") or ()
    match term["operator"]:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def names_target(grant: Raw, target: Raw) -> bool:
    """Whether the grant is about this target, by name or by label."""
    selector = part(grant, "spec", "targetSelector")
    if selector is not None:
        return selects(selector, part(target, "metadata", "labels"))
    return bool(part(grant, "spec", "targetRef", "name") == part(target, "metadata", "name"))


def usable_set(raw: Raw | None) -> bool:
    """Whether a range set has ranges to give."""
    if raw is None or deleting(raw) or part(raw, "spec", "fromAzure") is not None:
        return False
    ranges = part(raw, "spec", "ipRanges")
    return bool(ranges) and all(public(item, widest=WIDEST_PLATFORM) for item in ranges)


def asked(grant: Raw, sets: Mapping[str, Raw]) -> set[str]:
    """The canonical entries that the grant asks for; of a set that does not resolve, nothing."""
    found = {canonical(item) for item in part(grant, "spec", "ipRanges") or () if network(item)}
    for ref in part(grant, "spec", "rangeSetRefs") or ():
        known = sets.get(ref.get("name", ""))
        if known is not None and usable_set(known):
            found |= {canonical(item) for item in part(known, "spec", "ipRanges")}
    return found


def asks(grant: Raw, sets: Mapping[str, Raw]) -> str:
    """What the grant asks for, as the ledger remembers it of one that AKS refused."""
    ranges = sorted(map(IPv4Network, asked(grant, sets)))
    digest = hashlib.sha256(" ".join(map(str, ranges)).encode()).hexdigest()
    return f"{part(grant, 'metadata', 'generation')}-{digest[:12]}"


def public(text: object, *, widest: int) -> bool:
    return isinstance(text, str) and _public(text, widest=widest)


@cache
def _public(text: str, *, widest: int) -> bool:
    found = network(text)
    return (
        found is not None
        and found.prefixlen >= widest
        and not any(found.overlaps(special) for special in SPECIAL)
    )


_MODES = frozenset({"Observe", "Merge", "Exclusive"})


def unusable(target: Raw) -> bool:
    """Whether the target's spec is one that nobody can act on."""
    spec = part(target, "spec") or {}
    ranges = part(target, "spec", "baseline", "ipRanges") or ()
    policy: object = spec.get("policy")
    return not bool(
        spec.get("mode") in _MODES
        and isinstance(policy, dict)
        and part(policy, "allowedNamespaces", "from") in ("All", "Selector")
        and all(public(item, widest=WIDEST_PLATFORM) for item in ranges)
    )

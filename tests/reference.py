"""What may and must stand in a cluster's list, worked out naively from the objects as stored.

It shares no code with the operator: raw JSON in, sets of CIDR strings out.
`Case` is one cluster at one moment; `verdicts(case)` says of every grant that names the target
"" (live) or why it is not; `expected(case)` is the list that must stand at rest, in canonical
spelling (None: the cluster is open and stays so). `cause(case, entry)` names a grant that is live
and asks for just this entry. The memory that only the operator's records hold (a period's start, a
first activation, what AKS refused) is read from a grant's status and from `Case.activations`;
`Case.lenient` gives the operator the benefit of the doubt where these may lag.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network

from tests.facts import (
    SENTINEL,
    WIDEST_GRANT,
    Raw,
    activation_key,
    asked,
    canonical,
    deleting,
    instant,
    length,
    names_target,
    part,
    path_of,
    public,
    selects,
    uid_of,
    usable_set,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cluster at one moment.

    Attributes:
        now: the operator's clock, UTC.
        target: the ApiAccessTarget as stored.
        grants, sets, namespaces: the objects as stored; the last two by name.
        activations: `name:NAMESPACE/NAME` (tracked grants) or `uid:NAMESPACE/UID` to UTC.
        live: the list in Azure; None = open to everybody.
        foreign: canonical entries that somebody else owns.
        management: canonical egress of the management cluster.
        inside: uids of grants that hold all their entries already: they keep their place.
        holds: by uid the entries that a grant has in the list: where it grew, these keep theirs.
        refused: uids of grants whose ranges AKS refused, as they are.
        verified: the last list that was read back, for a list that somebody cleared.
        outbound, vnet: `networkProfile.outboundType`, API server VNet integration.
        blocked: "" or why authorized ranges do not apply (private cluster, Basic load balancer).
        lenient: what only the operator's own records can tell is decided in its favour.
    """

    now: datetime
    target: Raw
    grants: Sequence[Raw]
    sets: Mapping[str, Raw] = field(default_factory=dict)
    namespaces: Mapping[str, Raw] = field(default_factory=dict)
    activations: Mapping[str, datetime] = field(default_factory=dict)
    live: Sequence[str] | None = ()
    foreign: Set[str] = frozenset()
    management: Set[str] = frozenset()
    inside: Set[str] = frozenset()
    holds: Mapping[str, Set[str]] = field(default_factory=dict)
    refused: Set[str] = frozenset()
    verified: Sequence[str] | None = None
    outbound: str = "loadBalancer"
    vnet: bool = False
    blocked: str = ""
    lenient: bool = False


# the platform's part


def baseline(target: Raw, sets: Mapping[str, Raw]) -> set[str]:
    """The canonical entries that are always let in."""
    found = {canonical(item) for item in part(target, "spec", "baseline", "ipRanges") or ()}
    for ref in part(target, "spec", "baseline", "rangeSetRefs") or ():
        known = sets.get(ref.get("name", ""))
        if known is not None and usable_set(known):
            found |= {canonical(item) for item in part(known, "spec", "ipRanges")}
    return found


def egress(target: Raw) -> set[str]:
    """The canonical node egress that the target names."""
    named = part(target, "spec", "nodeEgress", "ipRanges") or ()
    static = part(target, "spec", "nodeEgress", "mode") == "Static"
    return {canonical(item) for item in named} if static else set()


def nodes_need_nothing(*, outbound: str, vnet: bool) -> bool:
    """Whether Azure lets the nodes in by itself: load balancer, none, VNet integration."""
    return vnet or outbound.lower() in ("loadbalancer", "none")


def egress_known(case: Case) -> bool:
    """Whether it is known how the nodes stay in."""
    mode = part(case.target, "spec", "nodeEgress", "mode") or "Auto"
    return mode != "Auto" or nodes_need_nothing(outbound=case.outbound, vnet=case.vnet)


def platform(case: Case) -> set[str]:
    """Baseline, node egress and the management cluster's egress."""
    return baseline(case.target, case.sets) | egress(case.target) | set(case.management)


# grants


def spec_problem(grant: Raw) -> str:
    """What makes the spec unusable; "" where it is sound."""
    spec = part(grant, "spec")
    if not isinstance(spec, Mapping):
        return "no spec"
    if ("targetRef" in spec) == ("targetSelector" in spec):
        return "not exactly one of targetRef and targetSelector"
    ranges, refs = spec.get("ipRanges") or (), spec.get("rangeSetRefs") or ()
    if not ranges and not refs:
        return "no range"
    if len(ranges) > 200 or not all(public(item, widest=WIDEST_GRANT) for item in ranges):
        return "a range that nobody may ask for"
    if "expiresAt" in spec and "duration" in spec:
        return "two ends"
    times = [spec[name] for name in ("notBefore", "expiresAt") if name in spec]
    if any(instant(value) is None for value in times):
        return "a time that is none"
    if "duration" in spec and not timedelta() < (length(spec["duration"]) or timedelta()):
        return "a duration that is none"
    if len(times) == 2 and str(instant(times[1])) <= str(instant(times[0])):
        return "it ends before it starts"
    return ""


def starts(case: Case, grant: Raw) -> datetime:
    """The start of the current period, as `maxDuration` measures it."""
    status, spec = part(grant, "status") or {}, part(grant, "spec")
    begun, closed = instant(status.get("periodStart")), instant(status.get("closedAt"))
    seen = instant(status.get("evaluatedAt"))
    earliest = instant(spec.get("notBefore"))
    goes_on = begun is not None and not (closed is not None and begun <= closed)
    if begun is not None and goes_on and (earliest is None or earliest <= case.now):
        return begun  # a start that is edited into the past moves nothing
    found = case.now
    if seen is not None and status.get("observedGeneration") == part(
        grant, "metadata", "generation"
    ):
        found = seen
    return max(found, earliest) if earliest is not None else found


def ends(case: Case, grant: Raw) -> datetime | None:
    """The end of the current period; None = never, or not begun (a `duration` not activated)."""
    spec, status = part(grant, "spec"), part(grant, "status") or {}
    lasting = length(spec.get("duration"))
    if lasting is None:
        return instant(spec.get("expiresAt"))
    begun = case.activations.get(activation_key(grant)) or instant(status.get("periodStart"))
    if begun is not None:
        return begun + lasting
    return instant(status.get("closedAt"))


def over(case: Case, grant: Raw) -> bool:
    """Whether the clock has ended it; a period that was closed stays closed (I10)."""
    end, closed = ends(case, grant), instant(part(grant, "status", "closedAt"))
    return end is not None and (end <= case.now or (closed is not None and end <= closed))


def refusal(case: Case, grant: Raw) -> str:
    """Why the grant, taken alone, has no access on this target at this moment; "" = it has."""
    if deleting(grant):
        return "deleted"
    problem = spec_problem(grant)
    if problem:
        return problem
    if over(case, grant):
        return "expired"
    if part(grant, "spec", "revoked"):
        return "revoked"
    broken = next(_broken(case, grant), "")
    if broken:
        return broken
    start = instant(part(grant, "spec", "notBefore"))
    return "not begun" if start is not None and start > case.now else ""


def _broken(case: Case, grant: Raw) -> Iterator[str]:
    spec, policy = part(grant, "spec"), part(case.target, "spec", "policy") or {}
    refs = [ref.get("name", "") for ref in spec.get("rangeSetRefs") or ()]
    for name in refs:
        if not usable_set(case.sets.get(name)):
            yield f"range set {name} does not resolve"
    allowed = policy.get("allowedNamespaces") or {}
    space = str(part(grant, "metadata", "namespace"))
    if allowed.get("from") != "All":
        found = part(case.namespaces.get(space) or {}, "metadata", "labels") or {}
        if not selects(allowed.get("selector"), {**found, "kubernetes.io/metadata.name": space}):
            yield "its namespace is not allowed"
    yield from _wrong_ranges(asked(grant, case.sets), policy)
    yield from _wrong_length(case, grant, policy)
    for rule, name in (
        ("requireReason", "reason"),
        ("requireTicket", "ticketRef"),
        ("requireRequestedBy", "requestedBy"),
    ):
        if policy.get(rule) and not str(spec.get(name) or "").strip():
            yield f"{name} is missing"


def _wrong_ranges(entries: Iterable[str], policy: Raw) -> Iterator[str]:
    widest = max(policy.get("minPrefixLength") or 24, WIDEST_GRANT)
    denied = [IPv4Network(item) for item in policy.get("deniedRanges") or ()]
    allowed = [IPv4Network(item) for item in policy.get("allowedRanges") or ()]
    for entry in sorted(entries):
        item = IPv4Network(entry)
        if item.prefixlen < widest:
            yield f"{entry} is wider than /{widest}"
        if any(item.overlaps(bad) for bad in denied):
            yield f"{entry} is denied"
        if allowed and not any(item.subnet_of(good) for good in allowed):
            yield f"{entry} is not allowed"


def _wrong_length(case: Case, grant: Raw, policy: Raw) -> Iterator[str]:
    lasting, end = length(part(grant, "spec", "duration")), ends(case, grant)
    if lasting is None and end is None:
        if not policy.get("allowPermanent"):
            yield "it never ends"
        return
    most = length(policy.get("maxDuration"))
    if most is None:
        return
    if lasting is None and end is not None:
        start = starts(case, grant)
        lasting = end - (max(case.now, start) if case.lenient else start)
    if lasting is not None and lasting > most:
        yield f"it lasts longer than {policy['maxDuration']}"


def _age(grant: Raw) -> tuple[str, str]:
    return (str(part(grant, "metadata", "creationTimestamp")), uid_of(grant))


def _stands(case: Case, grant: Raw) -> set[str]:
    """What the grant asks for and has in the list."""
    wants, uid = asked(grant, case.sets), uid_of(grant)
    return wants if uid in case.inside else wants & set(case.holds.get(uid, ()))


def verdicts(case: Case) -> dict[str, str]:
    """Each grant that names the target, by uid: "" = live and let in, else why not."""
    return _judged(case)[0]


def _judged(case: Case) -> tuple[dict[str, str], dict[str, set[str]]]:
    """The verdicts, and what those keep that grew and do not fit."""
    named = sorted(
        (grant for grant in case.grants if names_target(grant, case.target)),
        key=lambda grant: (not _stands(case, grant), *_age(grant)),
    )
    kept: dict[str, set[str]] = {}
    found = {uid_of(grant): refusal(case, grant) for grant in named}
    if deleting(case.target):
        return {uid: why or "its target is deleted" for uid, why in found.items()}, {}
    for grant in named:
        uid = uid_of(grant)
        found[uid] = found[uid] or _unfit(case, uid)
    policy = part(case.target, "spec", "policy") or {}
    _limit_grants(named, found, policy.get("maxGrantsPerNamespace"))
    if not _observed(case):  # there nothing takes room
        kept = _limit_entries(case, named, found, policy.get("maxEntriesPerNamespace"))
    return found, kept


def _observed(case: Case) -> bool:
    return bool(part(case.target, "spec", "mode") == "Observe")


def _unfit(case: Case, uid: str) -> str:
    """What the cluster itself has against every grant, or AKS against this one."""
    if case.blocked:
        return case.blocked
    if case.live is None and _observed(case) and not closes(case):
        return ""
    if uid in case.refused:
        return "AKS refuses its ranges"
    if case.live is None and case.verified is None and not closes(case):
        return "the cluster is open"
    fixed = platform(case) or kept_foreign(case)
    revocable = fixed or nodes_need_nothing(outbound=case.outbound, vnet=case.vnet)
    return "" if revocable or uid in case.inside else "it could not be revoked"


def closes(case: Case) -> bool:
    """Whether an open cluster is to be closed: opted in, egress known, somebody always let in."""
    opted = part(case.target, "spec", "restrictUnrestricted") is True
    always = baseline(case.target, case.sets) | set(case.management)
    return opted and egress_known(case) and bool(always)


def kept_foreign(case: Case) -> set[str]:
    """The foreign entries that stay: all in Merge, and where dropping them could lock out."""
    exclusive = part(case.target, "spec", "mode") == "Exclusive" and egress_known(case)
    return set() if exclusive and not deleting(case.target) else set(case.foreign) - {SENTINEL}


def _limit_grants(named: Sequence[Raw], found: dict[str, str], limit: int | None) -> None:
    counted: dict[str, int] = {}
    for grant in named:
        uid, space = uid_of(grant), str(part(grant, "metadata", "namespace"))
        if found[uid] in ("", "not begun"):
            counted[space] = counted.get(space, 0) + 1
            if limit is not None and counted[space] > limit:
                found[uid] = "too many grants of its namespace"


def _limit_entries(
    case: Case, named: Sequence[Raw], found: dict[str, str], share: int | None
) -> dict[str, set[str]]:
    """Who is inside keeps what stands; then the others, and what grew, by age."""
    used = platform(case) | kept_foreign(case)
    own: dict[str, set[str]] = {}
    kept: dict[str, set[str]] = {}

    def take(grant: Raw, wants: set[str]) -> str:
        mine = own.setdefault(str(part(grant, "metadata", "namespace")), set())
        if share is not None and len(mine | wants) > share:
            return "too many entries of its namespace"
        if len(used | wants) > (2000 if case.vnet else 200):
            return "the list is full"
        used.update(wants)
        mine.update(wants)
        return ""

    live = [grant for grant in named if not found[uid_of(grant)]]
    for grant in live:
        stands = _stands(case, grant)
        if stands and not take(grant, stands):
            kept[uid_of(grant)] = stands
    for grant in sorted(live, key=lambda grant: (uid_of(grant) not in case.inside, *_age(grant))):
        found[uid_of(grant)] = take(grant, asked(grant, case.sets))
    return {uid: stands for uid, stands in kept.items() if found[uid]}


# the list


def cause(case: Case, entry: str) -> str:
    """`namespace/name` of a grant that is live and asks for just this entry; "" = nobody."""
    if deleting(case.target):
        return ""
    for grant in case.grants:
        if (
            names_target(grant, case.target)
            and entry in asked(grant, case.sets)
            and not refusal(case, grant)
        ):
            return path_of(grant)
    return ""


def idle(target: Raw) -> bool:
    """Whether the list is left as it is: Observe, suspended, or deleted with Detach."""
    spec = part(target, "spec") or {}
    detaching = deleting(target) and spec.get("deletionPolicy") == "Detach"
    return spec.get("mode") == "Observe" or bool(spec.get("suspend")) or detaching


def expected(case: Case) -> set[str] | None:
    """The list that must stand at rest, canonical; None = open, and not for us to close.

    In Observe, suspended, detached or blocked it is the list as it is.
    """
    if case.blocked or idle(case.target):
        return None if case.live is None else set(map(canonical, case.live))
    if case.live is None and case.verified is None and not closes(case):
        return None
    found, kept = _judged(case)
    wanted = platform(case).union(*kept.values())
    if deleting(case.target):
        wanted &= set(map(canonical, case.live or ()))
    for grant in case.grants:
        if found.get(uid_of(grant)) == "":
            wanted |= asked(grant, case.sets)
    wanted |= kept_foreign(case)
    if wanted:
        return wanted
    if nodes_need_nothing(outbound=case.outbound, vnet=case.vnet):
        return {SENTINEL}
    return None

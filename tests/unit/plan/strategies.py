"""Hypothesis strategies: small worlds in sixteen addresses, where everything meets everything."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from aks_access.api.modes import EgressMode, Mode
from aks_access.api.names import API_VERSION, GRANT_FINALIZER, TARGET_FINALIZER
from aks_access.api.timestamps import format_timestamp
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry, WriteInFlight
from aks_access.plan.listing import canonical
from aks_access.plan.model import Grant, GrantUid, Problem, Target, activation_key
from aks_access.plan.world import World
from aks_access.projection import (
    project_grant,
    project_namespace,
    project_range_set,
    project_target,
)
from tests import reference
from tests.facts import asked
from tests.facts import canonical as spelled
from tests.unit.plan.build import (
    HOUR,
    ID,
    NOW,
    PERMISSIVE,
    cluster,
    grant,
    labelled,
    ledger,
    range_set,
    ranges,
    target,
    world,
)

POOL = tuple(
    f"20.0.0.{start}/{prefix}"
    for prefix in (28, 29, 30, 31, 32)
    for start in range(0, 16, 1 << (32 - prefix))
)
FOREIGN = (*POOL, "20.0.0.3", "AzureCloud", "0.0.0.0/0", "20.0.0.5/28", "8.0.0.0/7", "::/0", "")
CROWD = tuple(f"9.0.{n // 250}.{n % 250}/32" for n in range(2000))
"""What others put into a list that is nearly full."""
NAMES = ("a", "b", "c", "d", "e")
NAMESPACES = ("team-a", "team-b")


def rarely(draw: st.DrawFn, *, one_in: int) -> bool:
    """True about once in so many draws; Hypothesis likes both ends of a range too much."""
    return draw(st.integers(0, one_in - 1)) == one_in // 2


moments = st.sampled_from([None, *(NOW + hours * HOUR for hours in (-3, -2, -1, 0, 1, 2, 3))])
some_ranges = st.lists(st.sampled_from(POOL), min_size=1, max_size=3, unique=True)


@st.composite
def grants(draw: st.DrawFn, name: str) -> Grant:
    texts = draw(some_ranges)
    duration = draw(st.sampled_from([None, None, HOUR, 5 * HOUR]))
    return grant(
        name,
        *texts,
        namespace=draw(st.sampled_from(NAMESPACES)),
        created=NOW - draw(st.integers(1, 9)) * HOUR,
        target_name=draw(st.sampled_from(["prod", "prod", "prod", "other"])),
        range_sets=draw(st.sampled_from([(), (), ("office",), ("gone",)])),
        not_before=draw(moments),
        expires_at=None if duration else draw(moments),
        duration=duration,
        revoked=draw(st.sampled_from([False, False, False, True])),
        deleting=draw(st.sampled_from([None, None, None, NOW - HOUR])),
        evaluated=(1, NOW - 4 * HOUR),
        started=draw(st.sampled_from([None, NOW - 4 * HOUR])),
        problems=draw(st.sampled_from([(), (), (), (), (Problem("spec", "x", "wrong"),)])),
    )


@st.composite
def targets(draw: st.DrawFn) -> Target:
    policy = replace(
        PERMISSIVE,
        min_prefix_length=draw(st.sampled_from([24, 29])),
        denied_ranges=draw(st.sampled_from([(), ranges("20.0.0.14/31")])),
        allowed_ranges=draw(st.sampled_from([(), ranges("20.0.0.0/29", "20.0.0.12/30")])),
        allow_permanent=draw(st.booleans()),
        max_duration=draw(st.sampled_from([None, timedelta(hours=6)])),
        all_namespaces=draw(st.booleans()),
        namespaces=labelled("kubernetes.io/metadata.name", "team-a"),
    )
    return target(
        mode=draw(st.sampled_from(list(Mode))),
        baseline=draw(st.sampled_from([(), ranges("20.0.0.8/32"), ranges("20.0.0.0/30")])),
        baseline_sets=draw(st.sampled_from([(), ("office",), ("gone",)])),
        restrict_unrestricted=draw(st.booleans()),
        egress_mode=draw(st.sampled_from([EgressMode.AUTO, EgressMode.NOT_NEEDED])),
        suspend=draw(st.sampled_from([False, False, False, True])),
        deleting=draw(st.sampled_from([None, None, None, NOW - HOUR])),
        policy=policy,
    )


@st.composite
def ledger_entries(draw: st.DrawFn) -> LedgerEntry:
    name = canonical(draw(st.sampled_from(POOL)))
    state = draw(st.sampled_from(list(EntryState)))
    owners = draw(st.lists(st.sampled_from([*NAMES, "ghost", "baseline", "egress"]), max_size=2))
    return LedgerEntry(
        range=name,
        state=state,
        owners=() if state is EntryState.WITHDRAWN else tuple(dict.fromkeys(owners)),
        since=NOW - HOUR,
        unsettled=draw(st.booleans()),
        due=draw(st.sampled_from([None, None, NOW - HOUR])),
    )


@dataclass(frozen=True)
class Case:
    """Everything one plan is made from."""

    world: World
    view: ClusterView
    ledger: Ledger

    @property
    def target(self) -> Target:
        assert self.world.target is not None
        return self.world.target


@st.composite
def views(draw: st.DrawFn, *, least: int = 0, full: bool = False) -> ClusterView:
    """A read of the cluster; a list that is nearly full has room for `least` entries or more."""
    entries = draw(st.lists(st.sampled_from(FOREIGN), min_size=1, max_size=6, unique=True))
    if rarely(draw, one_in=10):
        entries = ["0.0.0.0/32"]
    integrated = rarely(draw, one_in=4)
    if full or rarely(draw, one_in=12):
        limit = 2000 if integrated and draw(st.booleans()) else 200
        entries += CROWD[: limit - len(entries) - draw(st.integers(least, least + 2))]
    return cluster(
        *entries,
        vnet_integration=integrated,
        is_open=rarely(draw, one_in=8),
        outbound_type=draw(st.sampled_from(["loadBalancer", "loadBalancer", "userDefinedRouting"])),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case, in whatever state the ledger is."""
    view = draw(views())
    on = draw(targets())
    items = [draw(grants(name)) for name in draw(st.sets(st.sampled_from(NAMES)))]
    uids = [item.uid for item in items]
    known = draw(st.lists(ledger_entries(), max_size=5))
    flight = draw(st.sampled_from([None, None, None, True]))
    books = ledger(
        *known,
        mode=on.mode.value,
        verified=draw(st.sampled_from([None, ("20.0.0.1/32", "AzureCloud")])),
        in_flight=WriteInFlight(
            desired=("20.0.0.1/32",),
            added=("20.0.0.1/32",),
            removed=(),
            started=NOW,
            failed=draw(st.booleans()),
        )
        if flight
        else None,
    )
    return Case(
        world=world(
            *items,
            target=on,
            sets=[range_set("office", "20.0.0.4/31")],
            deleted=frozenset({GrantUid("ghost")} if draw(st.booleans()) else ()),
            additions=draw(st.sampled_from([True, True, True, False])),
            unready=frozenset(draw(st.sets(st.sampled_from(uids))) if uids else ()),
            management_egress=draw(st.sampled_from([(), ranges("20.0.0.9")])),
        ),
        view=view,
        ledger=books,
    )


@st.composite
def calm_cases(draw: st.DrawFn) -> Case:
    """Cases in which all is known and everything may be written: what the reference covers."""
    case = draw(cases())
    on = replace(case.target, suspend=False, deleting=None, restrict_unrestricted=False)
    if on.mode is Mode.OBSERVE:
        on = replace(on, mode=Mode.MERGE)
    items = [
        replace(item, problems=(), duration=None, range_sets=())
        for item in case.world.grants.values()
    ]
    return Case(
        world=world(
            *items,
            target=replace(on, baseline_sets=()),
            deleted=frozenset({GrantUid("ghost")}),
        ),
        view=replace(
            case.view, outbound_type="loadBalancer", ranges=case.view.ranges or ("9.9.9.9",)
        ),
        ledger=replace(
            case.ledger,
            in_flight=None,
            verified=None,
            mode=on.mode.value,
        ),
    )


OWNERS = (*NAMES, "ghost", "baseline", "egress")
KEY_OF_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Twin:
    """One case twice: as the planner reads it, and as the reference does."""

    case: Case
    naive: reference.Case


@st.composite
def raw_grants(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A grant as the API server stores it."""
    spec: dict[str, Any] = {"ipRanges": draw(some_ranges)}
    if not rarely(draw, one_in=4):
        spec["targetRef"] = {"name": draw(st.sampled_from(["prod", "prod", "prod", "other"]))}
    else:
        spec["targetSelector"] = {"matchLabels": {"tier": draw(st.sampled_from(["dev", "prod"]))}}
    begins, ends = draw(st.none() | st.none() | moments), draw(st.just(NOW + 2 * HOUR) | moments)
    if begins is not None:
        spec["notBefore"] = format_timestamp(begins)
    if ends is not None:
        spec["expiresAt"] = format_timestamp(ends)
    elif draw(st.booleans()):
        spec["duration"] = draw(st.sampled_from(["1h", "5h", "30m"]))
    if rarely(draw, one_in=5):
        spec["rangeSetRefs"] = [{"name": draw(st.sampled_from(["office", "gone"]))}]
    if rarely(draw, one_in=5):
        spec["revoked"] = True
    if draw(st.booleans()):
        spec["reason"] = "work"
    created = NOW - draw(st.integers(5, 9)) * HOUR
    meta: dict[str, Any] = {
        "name": name,
        "namespace": draw(st.sampled_from(NAMESPACES)),
        "uid": name,
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": format_timestamp(created),
        "finalizers": [GRANT_FINALIZER],
    }
    if rarely(draw, one_in=6):
        meta["deletionTimestamp"] = format_timestamp(NOW - HOUR)
    status: dict[str, Any] = {
        "observedGeneration": draw(st.sampled_from([1, 1, 0])),
        "evaluatedAt": format_timestamp(NOW - 4 * HOUR),
    }
    for field in ("periodStart", "closedAt"):
        hours = draw(st.sampled_from([None, None, None, 1, 2, 4]))
        if hours is not None:
            status[field] = format_timestamp(NOW - hours * HOUR)
    return {
        "apiVersion": API_VERSION,
        "kind": "ApiAccessGrant",
        "metadata": meta,
        "spec": spec,
        "status": status,
    }


@st.composite
def raw_targets(draw: st.DrawFn) -> dict[str, Any]:
    """A target as the API server stores it; most of them manage their cluster's list."""
    space = {"from": "Selector", "selector": {"matchLabels": {KEY_OF_NAME: "team-a"}}}
    policy: dict[str, Any] = {
        "allowedNamespaces": draw(st.sampled_from([{"from": "All"}] * 3 + [space]))
    }
    for field, values in (
        ("minPrefixLength", [24, 29, 31]),
        ("deniedRanges", [["20.0.0.14/31"]]),
        ("allowedRanges", [["20.0.0.0/29", "20.0.0.12/30"]]),
        ("maxDuration", ["6h"]),
        ("requireReason", [True]),
        ("maxGrantsPerNamespace", [1, 2]),
        ("maxEntriesPerNamespace", [2, 4]),
    ):
        if rarely(draw, one_in=8):
            policy[field] = draw(st.sampled_from(values))
    if not rarely(draw, one_in=3):
        policy["allowPermanent"] = True
    baseline = draw(st.sampled_from([[], ["20.0.0.8/32"], ["20.0.0.0/30"]]))
    spec: dict[str, Any] = {
        "resourceId": ID,
        "mode": draw(st.sampled_from(["Merge", "Merge", "Exclusive", "Exclusive", "Observe"])),
        "baseline": {"ipRanges": baseline},
        "policy": policy,
    }
    if rarely(draw, one_in=4):
        spec["baseline"]["rangeSetRefs"] = [{"name": "office"}]
    for field in ("suspend", "restrictUnrestricted"):
        if rarely(draw, one_in=8):
            spec[field] = True
    if rarely(draw, one_in=4):
        spec["nodeEgress"] = {"mode": "Static", "ipRanges": ["20.0.0.11"]}
    meta = {
        "name": "prod",
        "uid": "t1",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": format_timestamp(NOW - 24 * HOUR),
        "labels": {"tier": draw(st.sampled_from(["dev", "prod"]))},
        "finalizers": [TARGET_FINALIZER],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ApiAccessTarget",
        "metadata": meta,
        "spec": spec,
    }


@st.composite
def twins(draw: st.DrawFn, *, full: bool = False) -> Twin:
    """Cases in which all is known and nothing waits, told twice; the platform's entries fit."""
    raw_target = draw(raw_targets())
    raws = [draw(raw_grants(name)) for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))]
    office = {
        "apiVersion": API_VERSION,
        "kind": "IPRangeSet",
        "metadata": {"name": "office", "uid": "set-office", "generation": 1},
        "spec": {"ipRanges": ["20.0.0.4/31"]},
    }
    spaces = {name: {"metadata": {"name": name, "labels": {}}} for name in NAMESPACES}
    known = {item.range: item for item in draw(st.lists(ledger_entries(), max_size=5))}
    view = replace(draw(views(least=3, full=full)), outbound_type="loadBalancer")
    begun = draw(st.sets(st.sampled_from(NAMES)))
    grants_of = [project_grant(raw, argo_instance_label="") for raw in raws]
    activations = {activation_key(item): NOW - 2 * HOUR for item in grants_of if item.name in begun}
    live = set(map(spelled, view.ranges or ()))
    on = project_target(raw_target)
    case = Case(
        world=world(
            *grants_of,
            target=on,
            sets=[project_range_set(office)],
            namespaces=[project_namespace(raw) for raw in spaces.values()],
            deleted=frozenset({GrantUid("ghost")}),
            activations=activations,
        ),
        view=view,
        ledger=ledger(*known.values(), mode=on.mode.value),
    )
    inside = {
        raw["metadata"]["uid"]
        for raw in raws
        if (wants := asked(raw, {"office": office}))
        and all(entry in known and raw["metadata"]["uid"] in known[entry].owners for entry in wants)
    }
    naive = reference.Case(
        now=NOW,
        target=raw_target,
        grants=raws,
        sets={"office": office},
        namespaces=spaces,
        activations=activations,
        live=view.ranges,
        foreign=live - known.keys() - {"0.0.0.0/32"},
        inside=inside,
        holds={
            uid: {item.range for item in known.values() if uid in item.owners}
            for uid in (raw["metadata"]["uid"] for raw in raws)
        },
        vnet=view.vnet_integration,
    )
    return Twin(case=case, naive=naive)

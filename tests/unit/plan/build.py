"""Small builders for planning tests: short words for worlds, clusters and whole write cycles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aks_access.api.modes import Mode
from aks_access.api.ranges import IPv4Range
from aks_access.plan.adoption import Adoption, adopt, fresh
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import EntryState, Ledger, LedgerEntry
from aks_access.plan.listing import canonical
from aks_access.plan.model import (
    ClusterKey,
    Grant,
    GrantUid,
    LabelRequirement,
    Namespace,
    Policy,
    RangeSet,
    Selector,
    Target,
    cluster_key,
)
from aks_access.plan.outcome import AccessState, Plan, Verdict
from aks_access.plan.planner import plan as make_plan
from aks_access.plan.settlement import intend, settle
from aks_access.plan.world import World

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = (
    "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/c1"
)
AZ_FLAGS = "--subscription 5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e -g rg -n c1"
KEY: ClusterKey = cluster_key(ID)
PERMISSIVE = Policy(all_namespaces=True, min_prefix_length=16, allow_permanent=True)


def ranges(*texts: str) -> tuple[IPv4Range, ...]:
    return tuple(sorted(map(IPv4Range.parse, texts)))


def grant(name: str, *texts: str, namespace: str = "team-a", **fields: object) -> Grant:
    values: dict[str, object] = {
        "uid": GrantUid(name),
        "namespace": namespace,
        "name": name,
        "generation": 1,
        "resource_version": "1",
        "created": NOW - HOUR,
        "target_name": "prod",
        "ranges": ranges(*texts),
        "expires_at": NOW + 4 * HOUR,
        "finalized": True,
    }
    return Grant(**{**values, **fields})  # type: ignore[arg-type]


def asks(item: Grant) -> str:
    """What the grant asks for, without range sets."""
    return Verdict(grant=item, state=AccessState.LIVE, ranges=tuple(sorted(item.ranges))).asks


def target(**fields: object) -> Target:
    values: dict[str, object] = {
        "uid": "t1",
        "name": "prod",
        "generation": 1,
        "resource_version": "1",
        "created": NOW - 24 * HOUR,
        "resource_id": ID,
        "key": KEY,
        "mode": Mode.MERGE,
        "policy": PERMISSIVE,
        "finalized": True,
    }
    return Target(**{**values, **fields})  # type: ignore[arg-type]


def cluster(*entries: str, is_open: bool = False, **fields: object) -> ClusterView:
    values: dict[str, object] = {
        "resource_id": ID,
        "resource_uid": "cluster-1",
        "etag": "e1",
        "provisioning_state": "Succeeded",
        "power_state": "Running",
        "ranges": None if is_open else entries,
    }
    return ClusterView(**{**values, **fields})  # type: ignore[arg-type]


def entry(
    text: str, *owners: str, state: EntryState = EntryState.OWNED, **fields: object
) -> LedgerEntry:
    values: dict[str, object] = {
        "range": canonical(text),
        "state": state,
        "owners": owners,
        "since": NOW - HOUR,
    }
    return LedgerEntry(**{**values, **fields})  # type: ignore[arg-type]


def ledger(*entries: LedgerEntry, **fields: object) -> Ledger:
    values: dict[str, object] = {
        "key": KEY,
        "resource_id": ID,
        "target_name": "prod",
        "target_uid": "t1",
        "mode": "Merge",
        "resource_uid": "cluster-1",
        "sequence": 3,
        "entries": {item.range: item for item in entries},
    }
    return Ledger(**{**values, **fields})  # type: ignore[arg-type]


def range_set(name: str, *texts: str, **fields: object) -> RangeSet:
    values: dict[str, object] = {
        "uid": f"set-{name}",
        "name": name,
        "generation": 1,
        "resource_version": "1",
        "ranges": ranges(*texts),
    }
    return RangeSet(**{**values, **fields})  # type: ignore[arg-type]


def labelled(key: str, *values: str) -> Selector:
    return Selector((LabelRequirement(key=key, operator="In", values=values),))


def world(
    *grants: Grant,
    target: Target | None,
    sets: Iterable[RangeSet] = (),
    namespaces: Iterable[Namespace] = (),
    **fields: object,
) -> World:
    values: dict[str, object] = {
        "now": NOW,
        "target": target,
        "grants": {item.uid: item for item in grants},
        "sets": {item.name: item for item in sets},
        "namespaces": {item.name: item for item in namespaces},
    }
    return World(**{**values, **fields})  # type: ignore[arg-type]


def planned(
    *grants: Grant,
    view: ClusterView,
    on: Target | None = None,
    with_ledger: Ledger | None = None,
    lost: str = "",
    **fields: object,
) -> Plan:
    """The plan of these grants on `on` (a Merge target where absent)."""
    place = on if on is not None else target()
    known = with_ledger if with_ledger is not None else fresh(target=place, view=view)
    return make_plan(
        world=world(*grants, target=place, **fields),  # type: ignore[arg-type]
        view=view,
        adoption=Adoption(known, lost),
    )


def wanted_entries(plan: Plan) -> set[str]:
    assert plan.desired is not None
    return set(map(canonical, plan.desired))


def written(
    *, plan: Plan, ledger: Ledger, view: ClusterView, now: datetime = NOW
) -> tuple[Ledger, ClusterView]:
    """The ledger and cluster after the plan's write went well and was read back."""
    assert plan.desired is not None
    intended = intend(ledger=ledger, plan=plan, now=now)
    after = replace(view, ranges=tuple(map(canonical_or_tag, plan.desired)), etag=f"{view.etag}+")
    settlement = settle(
        ledger=intended, view=after, operation_failed=False, operation_running=False, now=now
    )
    return settlement.ledger, after


def canonical_or_tag(text: str) -> str:
    """What Azure stores: a single address gets its `/32`."""
    return canonical(text)


def cycle(
    *, of: World, view: ClusterView, ledger: Ledger, now: datetime = NOW
) -> tuple[Plan, Ledger, ClusterView]:
    """Plan, and write where the plan asks for it; the rested ledger otherwise."""
    plan = make_plan(world=replace(of, now=now), view=view, adoption=Adoption(ledger))
    if plan.write:
        after_ledger, after_view = written(plan=plan, ledger=ledger, view=view, now=now)
        return plan, after_ledger, after_view
    verified = ledger.verified if view.ranges is None else view.ranges
    return plan, replace(ledger, entries=dict(plan.entries), verified=verified), view


def adopted(
    *,
    stored: Ledger | None,
    on: Target,
    view: ClusterView,
    grants: Sequence[Grant] = (),
    sets: Mapping[str, RangeSet] | None = None,
    unreadable: str = "",
) -> Adoption:
    return adopt(
        stored=stored,
        unreadable=unreadable,
        target=on,
        view=view,
        grants={item.uid: item for item in grants},
        sets=sets or {},
        activations={},
        now=NOW,
    )

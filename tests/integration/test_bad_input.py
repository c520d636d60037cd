"""Bad input: what no schema can refuse becomes a condition, and nothing crashes or waits for it.

Also objects that were stored before the schema was as strict as it is: they are written through
a loosened copy of the CRDs, which are then put back.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from aks_access.api.names import API_VERSION, GROUP, PLURALS
from aks_access.api.names import Kind as ApiKind
from aks_access.engine.ports import Kind
from sandbox.controlplane.client import ApiError
from tests.integration.things import Object
from tests.integration.world import SUBSCRIPTION, World
from tests.unit.api.bad_specs import BAD
from tests.unit.api.specs import CLUSTER_ID
from tests.unit.api.wrong import Bad

FOREIGN = "51.140.8.0/24"
OURS = "81.2.69.142/32"
OPEN: dict[str, Any] = {"x-kubernetes-preserve-unknown-fields": True, "type": "object"}
CONTACT = "platform@contoso.com"
END = "2099-01-01T00:00:00Z"

POLICIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "reason": ({"requireReason": True}, {}, "takes no grant without spec.reason. Fill it in"),
    "ticket": ({"requireTicket": True}, {}, "takes no grant without spec.ticketRef. Fill it in"),
    "requester": (
        {"requireRequestedBy": True},
        {"requestedBy": ""},
        "takes no grant without spec.requestedBy. Fill it in",
    ),
    "end": ({"maxDuration": "24h"}, {"expiresAt": END}, "2099-01-01T00:00Z is more than 24h"),
    "length": ({"maxDuration": "24h"}, {"duration": "25h"}, "duration 25h is longer than 24h"),
    "permanent": ({"allowPermanent": False}, {}, "Set expiresAt or duration"),
    "width": ({}, {"ipRanges": ["81.2.64.0/20"]}, "81.2.64.0/20 is wider than /24"),
    "outside": (
        {"allowedRanges": ["20.0.0.0/8"]},
        {},
        "81.2.69.142/32 lies outside what {target} allows: 20.0.0.0/8",
    ),
    "denied": (
        {"deniedRanges": ["81.2.69.0/25", "81.2.69.128/25"]},
        {},
        "81.2.69.142/32 overlaps 81.2.69.128/25, which {target} denies",
    ),
    "entries": (
        {"maxEntriesPerNamespace": 1},
        {"ipRanges": ["81.2.69.142", "81.2.69.143"]},
        "would take 2 entries of {target}, its limit is 1",
    ),
}
"""Rule to policy, grant, and what the message must say; the grant has `OURS` and no end."""


def test_policy_is_a_condition_that_names_value_limit_and_way_out(world: World) -> None:
    cases = []
    for policy, spec, says in POLICIES.values():
        cluster = world.cluster([FOREIGN])
        target = world.target(cluster, policy={"contact": CONTACT, **policy})
        grant = world.grant(target, **{"ipRanges": [OURS], **spec})
        cases.append((cluster, target, grant, says))
    for cluster, target, grant, says in cases:
        grant.wait_condition("Accepted", status="False", reason="PolicyDenied")
        assert says.format(target=target.name) in grant.message()
        assert CONTACT in grant.message()
        assert grant.condition("Stalled")["status"] == "True"
        assert grant.condition("Programmed")["status"] == "False"
        assert cluster.puts() == []


def test_grants_beyond_the_limit_of_a_namespace(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster, policy={"maxGrantsPerNamespace": 2, "contact": CONTACT})
    first, second = (world.grant(target, f"81.2.69.{n}") for n in (1, 2))
    first.wait_state("Active")
    second.wait_state("Active")
    third = world.grant(target, "81.2.69.3")
    third.wait_state("PolicyDenied")
    assert f"Namespace {world.home()} may have 2" in third.message()
    first.delete()
    third.wait_state("Active")
    assert second.state == "Active"
    cluster.wait_ranges(FOREIGN, "81.2.69.2/32", "81.2.69.3/32")


def test_references_that_lead_nowhere(world: World) -> None:
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    cases = {
        "No target": world.grant(world.object(Kind.TARGET, name="no-such"), OURS),
        "IPRangeSet no-such does not": world.grant(target, rangeSetRefs=[{"name": "no-such"}]),
        "No target's labels": world.grant(None, OURS, targetSelector={}),
    }
    for says, grant in cases.items():
        grant.wait_condition("ResolvedRefs", status="False")
        assert says in grant.message()
    half = world.grant(target, OURS, rangeSetRefs=[{"name": "no-such"}])
    half.wait_condition("ResolvedRefs", status="False", reason="RangeSetNotResolved")
    assert cluster.puts() == [], "a grant is let in as a whole or not at all"


def test_a_bad_grant_never_delays_another(world: World) -> None:
    cluster = world.cluster([FOREIGN], refused_ranges=["20.66.6.6/32"])
    target = world.target(cluster)
    leaving = world.grant(target, "81.2.69.143")
    leaving.wait_state("Active")
    target.wait_state("InSync")
    bad = world.grant(target, "20.66.6.6")
    good = world.grant(target, OURS)
    leaving.patch(revoked=True)
    leaving.wait_state("Revoked")
    bad.wait_state("RangeRefused")
    good.wait_state("Active")
    assert "20.66.6.6/32" in bad.message()
    cluster.wait_ranges(FOREIGN, OURS)


@contextmanager
def loosened(world: World) -> Iterator[None]:
    """The CRDs without any rule on `spec`, as if written before there were rules; then as shipped.

    A CRD counts as changed once the API server answers by it.
    """
    shipped = {kind: world.plane.request("GET", _definition(kind)) for kind in ApiKind}
    probe = {kind: next(bad for bad in BAD if bad.kind is kind) for kind in ApiKind}
    try:
        for kind, definition in shipped.items():
            loose = json.loads(json.dumps(definition))
            schema = loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            schema.pop("x-kubernetes-validations", None)
            schema["properties"]["spec"] = OPEN
            _replace(world, kind, loose)
        for kind in ApiKind:
            _until_served(world, kind, probe[kind], accepted=True)
        yield
    finally:
        for kind, definition in shipped.items():
            _replace(world, kind, definition)
        for kind in ApiKind:
            _until_served(world, kind, probe[kind], accepted=False)


def _definition(kind: ApiKind) -> str:
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURALS[kind]}.{GROUP}"


def _replace(world: World, kind: ApiKind, definition: Mapping[str, Any]) -> None:
    path = _definition(kind)
    newest = world.plane.request("GET", path)["metadata"]["resourceVersion"]
    metadata = {"name": definition["metadata"]["name"], "resourceVersion": newest}
    world.plane.request("PUT", path, {**definition, "metadata": metadata})


def _until_served(world: World, kind: ApiKind, bad: Bad, *, accepted: bool) -> None:
    item = Object(world=world, kind=Kind(kind.value), name="probe", namespace=_namespace(kind))
    where = f"namespaces/{item.namespace}/" if item.namespace else ""
    path = f"/apis/{API_VERSION}/{where}{PLURALS[kind]}?dryRun=All"

    def so() -> bool:
        try:
            world.plane.request("POST", path, world.document(item, bad.spec))
        except ApiError as error:
            return not accepted and error.code == 422
        return accepted

    world.eventually(so, what=f"{kind} to be served as changed")


def _namespace(kind: ApiKind) -> str:
    return "default" if kind is ApiKind.GRANT else ""


def _write(world: World, number: int, bad: Bad) -> Object:
    """The bad object, on a cluster of its own: another's target must not stand in its way."""
    text = json.dumps(bad.spec).replace(CLUSTER_ID, f"{CLUSTER_ID}-{number}")
    return world.create(
        Kind(bad.kind.value),
        json.loads(text),
        name=world.unique("bad"),
        namespace=world.home() if bad.kind is ApiKind.GRANT else "",
    )


def _states(world: World, kinds: list[ApiKind]) -> dict[str, tuple[str, str]]:
    """Name to reason and message of Ready, of every object."""
    found = {}
    for kind in kinds:
        for raw in world.plane.request("GET", f"/apis/{API_VERSION}/{PLURALS[kind]}")["items"]:
            ready = next(
                (c for c in raw.get("status", {}).get("conditions", []) if c["type"] == "Ready"),
                {"reason": "", "message": ""},
            )
            found[raw["metadata"]["name"]] = (ready["reason"], ready["message"])
    return found


@pytest.mark.timeout(120)
def test_objects_from_before_the_schema_crash_nothing(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    before = world.grant(target, OURS)
    before.wait_state("Active")
    pid = world.operator.pid
    with loosened(world):
        written = [(_write(world, number, bad), bad) for number, bad in enumerate(BAD)]
    _wait_told(world, written)
    _assert_alive(world, target=target, pid=pid)
    target.wait_state("InSync")
    mark = world.mark()
    world.station.start()
    target.nudge()
    cluster.wait_looks(1)
    again = [e for e in world.writes(mark) if e.name != target.name]
    assert again == [], "a restart finds every condition as it should be"
    _assert_alive(world, target=target, pid=world.operator.pid)
    cluster.wait_ranges(FOREIGN, OURS, "81.2.69.143/32")
    for item, _ in written:
        item.delete()
    for item, _ in written:
        item.wait_gone()


def _wait_told(world: World, written: list[tuple[Object, Bad]]) -> None:
    untold: dict[str, tuple[str, tuple[str, str]]] = {}

    def told() -> bool:
        states = _states(world, list(ApiKind))
        untold.clear()
        for item, bad in written:
            reason, message = states[item.name]
            if reason != "InvalidSpec" or bad.path not in message:
                untold[f"{bad.kind} {bad.name}"] = (bad.path, (reason, message))
        return not untold

    try:
        world.eventually(told, what="every bad object to say InvalidSpec and the field")
    finally:
        assert not untold


def _assert_alive(world: World, *, target: Object, pid: int) -> None:
    assert world.operator.pid == pid
    assert world.operator.poll() is None
    assert world.operator.ready()
    good = world.object(Kind.GRANT, name="good", namespace=world.home())
    if not good.exists():
        good = world.grant(target, "81.2.69.143", name="good")
    good.wait_state("Active")


def test_a_live_grant_that_cannot_be_read_any_more_loses_access(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    spoiled = world.grant(target, "81.2.69.143")
    kept = world.grant(target, OURS)
    spoiled.wait_state("Active")
    kept.wait_state("Active")
    with loosened(world):
        spoiled.patch(ipRanges=["81.2.69.143/24"])
    ready = spoiled.wait_condition("Ready", status="False", reason="InvalidSpec")
    assert "spec.ipRanges[0]" in ready["message"]
    cluster.wait_ranges(FOREIGN, OURS)
    spoiled.patch(ipRanges=["81.2.69.144"])
    spoiled.wait_state("Active")
    assert kept.state == "Active"
    cluster.wait_ranges(FOREIGN, OURS, "81.2.69.144/32")


def test_an_unusable_target_adds_nothing_and_still_ends_what_ends(restart_world: World) -> None:
    world = restart_world
    cluster = world.cluster([FOREIGN])
    target = world.target(cluster)
    ends, stays = world.grant(target, "81.2.69.143"), world.grant(target, OURS)
    ends.wait_state("Active")
    stays.wait_state("Active")
    with loosened(world):
        target.patch(mode="Whatever")
        ready = target.wait_condition("Ready", status="False", reason="InvalidSpec")
        assert "spec.mode" in ready["message"]
        late = world.grant(target, "81.2.69.145")
        late.wait_state("TargetBlocked")
        ends.patch(revoked=True)
        ends.wait_state("Revoked")
        cluster.wait_ranges(FOREIGN, OURS)
        assert stays.state == "Active"
        target.patch(mode="Merge")
        late.wait_state("Active")
    cluster.wait_ranges(FOREIGN, OURS, "81.2.69.145/32")


def test_a_cluster_id_that_azure_does_not_know(world: World) -> None:
    name = world.unique("aks")
    target = world.create(
        Kind.TARGET,
        {
            "resourceId": (
                f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"
                f"/Microsoft.ContainerService/managedClusters/{name}"
            ),
            "mode": "Merge",
            "policy": {"allowedNamespaces": {"from": "All"}},
        },
        name=world.unique("target"),
    )
    target.wait_condition("Ready", status="False", reason="ClusterNotFound")
    grant = world.grant(target, OURS, expiresAt=END)
    grant.wait_state("TargetBlocked")
    assert "ClusterNotFound" in grant.message()

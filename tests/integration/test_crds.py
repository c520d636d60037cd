"""The CRDs on a real API server: accepted, refusing every bad object with a helpful sentence."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aks_access.api.conditions import Condition
from aks_access.api.grant import GrantStatus, GrantSummary, TargetState
from aks_access.api.names import API_VERSION, GROUP, PLURALS, Kind
from aks_access.api.parse import Invalid, parse, parse_grant
from aks_access.api.ranges import SPECIAL_NETWORKS
from aks_access.api.reasons import ConditionStatus
from aks_access.api.target_status import TargetStatus, TargetSummary
from sandbox.controlplane.client import ApiError
from sandbox.controlplane.server import ControlPlane
from tests.unit.api import specs
from tests.unit.api.bad_specs import BAD
from tests.unit.api.specs import GOOD
from tests.unit.api.wrong import Bad

pytestmark = pytest.mark.integration

CRDS = Path(__file__).parents[2] / "crds"
DEADLINE_SECONDS = 30.0


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """The API server with the CRDs served."""
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    names = [f"crd/{plural}.{GROUP}" for plural in PLURALS.values()]
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    for kind in Kind:
        _eventually(partial(control_plane.request, "GET", _path(kind)))
    return control_plane


@pytest.fixture
def name(cluster: ControlPlane) -> Iterator[str]:
    """A name of this test's own; whatever object has it is deleted afterwards."""
    name = f"crd-{uuid.uuid4().hex[:12]}"
    yield name
    for kind in Kind:
        cluster.kubectl("delete", f"{PLURALS[kind]}.{GROUP}", name, "--ignore-not-found")


def _eventually(call: Callable[[], Any]) -> Any:
    """The call's answer, tried again while the API server still learns of the CRDs."""
    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            return call()
        except (ApiError, RuntimeError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _path(kind: Kind, name: str = "", query: str = "") -> str:
    namespace = "/namespaces/default" if kind is Kind.GRANT else ""
    path = f"/apis/{API_VERSION}{namespace}/{PLURALS[kind]}"
    return f"{path}/{name}{query}" if name else f"{path}{query}"


def _create(cluster: ControlPlane, kind: Kind, name: str, spec: object, query: str = "") -> Any:
    return cluster.request("POST", _path(kind, query=query), specs.manifest(kind, name, spec))


def _causes(error: ApiError) -> dict[str, str]:
    """Field to message, of a refusal."""
    assert error.code == 422, error
    status = json.loads(str(error).split(" 422 ", 1)[1])
    return {cause["field"]: cause["message"] for cause in status["details"]["causes"]}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_server_finds_nothing_wrong_with_the_schema(cluster: ControlPlane, kind: Kind) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURALS[kind]}.{GROUP}"
    conditions = cluster.request("GET", path)["status"]["conditions"]
    states = {condition["type"]: condition["status"] for condition in conditions}
    assert states["Established"] == "True"
    assert states["NamesAccepted"] == "True"
    assert states.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize(
    ("kind", "spec"), [pytest.param(kind, spec, id=name) for name, kind, spec in GOOD]
)
def test_good_objects_are_stored_as_written(
    cluster: ControlPlane, name: str, kind: Kind, spec: dict[str, Any]
) -> None:
    stored = _create(cluster, kind, name, spec, "?fieldValidation=Strict")
    assert stored["spec"] == spec, "no default, nothing pruned"
    assert not isinstance(parse(kind, stored), Invalid)


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD])
def test_bad_objects_are_refused_with_field_and_way_out(cluster: ControlPlane, bad: Bad) -> None:
    with pytest.raises(ApiError) as refusal:
        _create(cluster, bad.kind, "refused", bad.spec, "?dryRun=All")
    causes = _causes(refusal.value)
    assert bad.server_says in causes.get(bad.path, ""), causes


def test_what_people_see_at_apply(cluster: ControlPlane) -> None:
    bad = specs.manifest(Kind.GRANT, "x", specs.GRANT | {"ipRanges": ["20.50.1.7/24"]})
    done = cluster.kubectl("apply", "-f", "-", input=json.dumps(bad), check=False)
    assert done.returncode == 1
    assert (
        'spec.ipRanges[0]: Invalid value: "20.50.1.7/24": 20.50.1.7/24 has host bits set; use '
        "20.50.1.0/24 for the network or 20.50.1.7/32 for the one address"
    ) in done.stderr


MOST = 50
"""As many problems as the operator tells of one object."""


def _random_ranges(seed: int) -> list[str]:
    """Texts near every edge of the special-purpose networks, of all prefixes, some mistyped."""
    random = Random(seed)
    texts = []
    for _ in range(200):
        special = random.choice(SPECIAL_NETWORKS).range
        edge = random.choice([special.first - 1, special.first, special.last, special.last + 1])
        prefix = random.randint(8, 32)
        address = min(max(edge, 0), 2**32 - 1)
        if random.random() < 0.9:
            address = address >> (32 - prefix) << (32 - prefix)
        dotted = ".".join(str(byte) for byte in address.to_bytes(4))
        text = dotted if random.random() < 0.1 else f"{dotted}/{prefix}"
        if random.random() < 0.1:
            at = random.randrange(len(text))
            text = text[:at] + random.choice("0.:/ a9") + text[at:]
        texts.append(text)
    return texts


@pytest.mark.parametrize("seed", range(10))
def test_server_and_operator_refuse_the_same_ranges(cluster: ControlPlane, seed: int) -> None:
    spec = specs.GRANT | {"ipRanges": _random_ranges(seed)[:MOST]}
    with pytest.raises(ApiError) as refusal:
        _create(cluster, Kind.GRANT, "refused", spec, "?dryRun=All")
    ours = parse(Kind.GRANT, specs.manifest(Kind.GRANT, "refused", spec))
    assert isinstance(ours, Invalid)
    assert set(_causes(refusal.value)) == {problem.path for problem in ours.problems}


def test_the_largest_objects_are_checked_within_the_cost_limit(
    cluster: ControlPlane, name: str
) -> None:
    numbers = [f"20.{n // 250}.{n % 250}.0/24" for n in range(2000)]
    _create(cluster, Kind.RANGE_SET, name, {"ipRanges": numbers})
    _create(cluster, Kind.TARGET, name, specs.FULL_TARGET | {"baseline": {"ipRanges": numbers}})
    _create(cluster, Kind.GRANT, name, specs.GRANT | {"ipRanges": numbers[:200]})


def test_the_cluster_of_a_target_cannot_be_exchanged(cluster: ControlPlane, name: str) -> None:
    _create(cluster, Kind.TARGET, name, specs.TARGET)
    path, patch = _path(Kind.TARGET, name), "application/merge-patch+json"
    other = {"spec": {"resourceId": specs.CLUSTER_ID + "-2"}}
    with pytest.raises(ApiError) as refusal:
        cluster.request("PATCH", path, other, content_type=patch)
    message = _causes(refusal.value)["spec.resourceId"]
    assert f"resourceId is immutable (was {specs.CLUSTER_ID}); delete this target" in message
    respelled = {"spec": {"resourceId": specs.CLUSTER_ID.upper()}}
    stored = cluster.request("PATCH", path, respelled, content_type=patch)
    assert stored["spec"]["resourceId"] == specs.CLUSTER_ID.upper()


def test_git_wins_over_ranges_that_another_manager_added(cluster: ControlPlane, name: str) -> None:
    """The reason for atomic lists: with sets the added range survives."""
    own = specs.manifest(Kind.GRANT, name, specs.GRANT)
    added = specs.manifest(Kind.GRANT, name, specs.GRANT | {"ipRanges": ["51.140.0.0/24"]})
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-", "--field-manager")
    cluster.kubectl(*apply, "git", input=json.dumps(own))
    cluster.kubectl(*apply, "somebody", input=json.dumps(added))
    cluster.kubectl(*apply, "git", input=json.dumps(own))
    stored = cluster.request("GET", _path(Kind.GRANT, name))
    assert stored["spec"]["ipRanges"] == specs.GRANT["ipRanges"]


def test_columns_of_a_grant(cluster: ControlPlane, name: str) -> None:
    now = datetime(2026, 11, 22, 10, 2, tzinfo=UTC)
    ready = Condition(
        type="Ready",
        status=ConditionStatus.TRUE,
        reason="Active",
        message="Let in on prod-weu.",
        observed_generation=1,
        last_transition_time=now,
    )
    status = GrantStatus(
        observed_generation=1,
        conditions=(ready,),
        summary=GrantSummary(
            state="Active",
            target="prod-weu",
            in_azure="1/1",
            expires="2026-11-22T18:00Z",
            ranges="81.2.69.142/32",
        ),
        targets=(TargetState(name="prod-weu", reason="Active", in_azure=True),),
        activated_at=now,
    )
    spec = specs.GRANT | {"requestedBy": "dev@contoso.com", "reason": "INC-77"}
    created = _create(cluster, Kind.GRANT, name, spec)
    path = _path(Kind.GRANT, name, "/status?fieldValidation=Strict")
    stored = cluster.request("PUT", path, created | {"status": status.to_json()})
    found = parse_grant(stored)
    assert not isinstance(found, Invalid)
    assert found.status == status
    assert stored["metadata"]["generation"] == created["metadata"]["generation"]
    narrow = cluster.kubectl("get", "aag", name, "-n", "default").stdout.splitlines()
    assert narrow[0].split() == ["NAME", "TARGET", "STATE", "IN-AZURE", "EXPIRES", "AGE"]
    assert narrow[1].split()[:5] == [name, "prod-weu", "Active", "1/1", "2026-11-22T18:00Z"]
    wide = cluster.kubectl("get", "aag", name, "-n", "default", "-o", "wide").stdout.splitlines()
    assert wide[0].split()[6:] == ["RANGES", "REQUESTED-BY", "REASON", "MESSAGE"]
    assert "81.2.69.142/32   dev@contoso.com   INC-77   Let in on prod-weu." in wide[1]


def test_columns_of_a_target(cluster: ControlPlane, name: str) -> None:
    status = TargetStatus(
        summary=TargetSummary(
            state="InSync",
            entries="14/200",
            grants=6,
            foreign=3,
            difference="+1 -7",
            next_transition="2026-11-22T18:00Z",
        ),
        ledger_sequence=42,
    )
    created = _create(cluster, Kind.TARGET, name, specs.TARGET)
    path = _path(Kind.TARGET, name, "/status?fieldValidation=Strict")
    cluster.request("PUT", path, created | {"status": status.to_json()})
    lines = cluster.kubectl("get", "aat", name).stdout.splitlines()
    columns = ["MODE", "STATE", "ENTRIES", "GRANTS", "FOREIGN", "DIFF", "NEXT"]
    assert lines[0].split() == ["NAME", *columns]
    assert lines[1].split() == f"{name} Merge InSync 14/200 6 3 +1 -7 2026-11-22T18:00Z".split()


def test_columns_of_a_range_set(cluster: ControlPlane, name: str) -> None:
    _create(cluster, Kind.RANGE_SET, name, specs.RANGE_SET)
    header, _ = cluster.kubectl("get", "iprs", name).stdout.splitlines()
    assert header.split() == ["NAME", "STATE", "RANGES", "AGE"]


def test_the_category_lists_all_kinds(cluster: ControlPlane, name: str) -> None:
    for kind, spec in (
        (Kind.GRANT, specs.GRANT),
        (Kind.TARGET, specs.TARGET),
        (Kind.RANGE_SET, specs.RANGE_SET),
    ):
        _create(cluster, kind, name, spec)
    listed = cluster.kubectl("get", "api-access", "-n", "default", "-o", "name").stdout.split()
    assert {f"{str(kind).lower()}.{GROUP}/{name}" for kind in Kind} <= set(listed)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("aag", "Lets IPv4 ranges reach the API servers of one or more AKS clusters"),
        ("aag.spec", "The form to use in Git"),
        ("aag.spec.duration", "Example: 4h30m"),
        ("aag.status.summary", "IN-AZURE: targets where all ranges were read back"),
        ("aat.spec.mode", "ENUM: Observe Merge Exclusive"),
        ("aat.spec.policy", "Widest range a grant may ask for, as a prefix length from 16"),
        ("aat.status.entries", "Why it is there: Baseline, Grant, Egress"),
        ("iprs.spec.fromAzure", "ARM id of a public IP address, public IP prefix, NAT gateway"),
    ],
)
def test_explain_reads_like_documentation(cluster: ControlPlane, field: str, says: str) -> None:
    shown = _eventually(lambda: cluster.kubectl("explain", field)).stdout
    assert says in " ".join(shown.split())

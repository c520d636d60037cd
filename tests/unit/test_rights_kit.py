"""The judges of the operator's rights themselves: that each says what they are there to find."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aks_access.kube.discovery import Right
from sandbox.arm.journal import Area, JournalEntry
from sandbox.controlplane.audit import AuditEvent
from tests.integration.rights import Azure, Kubernetes, asked, given, of_client

OWN = "own"
USER = "system:serviceaccount:own:operator"
EVENT = AuditEvent(
    verb="get",
    user=USER,
    group="",
    resource="configmaps",
    subresource="",
    namespace=OWN,
    name="a",
    code=200,
    timestamp=datetime(2026, 11, 22, tzinfo=UTC),
    uri="/api/v1/namespaces/own/configmaps/a",
    decision="allow",
    reason='RBAC: allowed by RoleBinding "operator/own" of Role "operator" to ServiceAccount "o"',
)
MAPS = Right("", "configmaps", "get", OWN)
ACCESS = Right("", "namespaces", "list")
LISTED = replace(EVENT, verb="list", resource="namespaces", namespace="", name="")
BASIC = replace(
    EVENT,
    verb="create",
    group="authorization.k8s.io",
    resource="selfsubjectaccessreviews",
    namespace="",
    name="",
    reason='RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "system:basic-user" to G',
)
DISCOVERY = replace(
    EVENT,
    resource="",
    namespace="",
    name="",
    uri="/apis",
    reason='RBAC: allowed by ClusterRoleBinding "d" of ClusterRole "system:discovery" to G',
)
ALL = (EVENT, replace(EVENT, name="b"), LISTED, BASIC, DISCOVERY)


def problems(
    *events: AuditEvent, rights: tuple[Right, ...] = (MAPS, ACCESS), **unused: str
) -> list[str]:
    exceptions = {Right(*key.split(","), ""): why for key, why in unused.items()}
    found = Kubernetes(rights=rights, events=events, own=OWN, unused=exceptions)
    return found.problems()


def test_what_fits_is_no_problem() -> None:
    assert problems(*ALL) == []
    table = Kubernetes(rights=[MAPS, ACCESS], events=ALL, own=OWN, unused={}).table()
    assert table.splitlines() == [
        "     2 x get configmaps in namespace own",
        "     1 x list namespaces in the whole cluster",
        "     1 x asks what it may do, by system:basic-user",
        "     1 x asks which kinds are served, by system:discovery",
    ]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((replace(EVENT, decision="forbid", code=403),), "refused: get configmaps a in namespace"),
        ((replace(EVENT, decision=""),), "refused: get configmaps a in namespace own"),
        ((replace(EVENT, verb="patch"),), "used and not given by the chart: patch configmaps a"),
        ((replace(EVENT, namespace="other"),), "used and not given by the chart: get configmaps a"),
        ((replace(BASIC, reason=EVENT.reason),), "not given by the chart: create selfsubjectacc"),
    ],
)
def test_a_use_that_does_not_fit_is_told(events: tuple[AuditEvent, ...], said: str) -> None:
    found = problems(*ALL, *events)
    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ((MAPS, ACCESS, Right("", "secrets", "get", OWN)), "given and not used: get secrets"),
        ((MAPS, MAPS, ACCESS), "given more than once: get configmaps in namespace own"),
        ((Right("", "configmaps", "get"), MAPS, ACCESS), "given more than once: get configmaps in"),
        ((Right("", "configmaps", "get"), ACCESS), "given everywhere, and used in own only: get"),
        ((MAPS,), "used and not given by the chart: list namespaces"),
    ],
)
def test_a_right_that_does_not_fit_is_told(rights: tuple[Right, ...], said: str) -> None:
    found = problems(*ALL, rights=rights)
    assert any(said in each for each in found), found


def test_a_right_for_all_objects_that_needs_one_is_told() -> None:
    [said] = problems(EVENT, LISTED, BASIC, DISCOVERY)
    assert said == "given for all objects, and used on a only: get configmaps in namespace own"
    [said] = problems(LISTED, BASIC, DISCOVERY, EVENT, rights=(replace(MAPS, name="a"),))
    assert said.startswith("used and not given by the chart: list namespaces")


def test_an_exception_needs_its_reason_to_hold() -> None:
    secrets = Right("", "secrets", "get", OWN)
    every = {"events": ALL, "own": OWN}
    with_it = Kubernetes(rights=[MAPS, ACCESS, secrets], unused={secrets: "why"}, **every)  # type: ignore[arg-type]
    assert with_it.problems() == []
    gone = Kubernetes(rights=[MAPS, ACCESS], unused={secrets: "why"}, **every)  # type: ignore[arg-type]
    assert gone.problems() == [f"not given, so that it is no exception: {secrets}"]
    used = Kubernetes(rights=[MAPS, ACCESS], unused={MAPS: "why"}, **every)  # type: ignore[arg-type]
    assert used.problems() == [f"used, so that it is no exception: {MAPS}"]


def test_what_everybody_may_has_to_be_used_too() -> None:
    [said] = problems(*ALL[:-1])
    assert said.startswith("said to be used, and not used: ('system:discovery'")


def test_a_namespace_is_in_no_namespace() -> None:
    event = replace(EVENT, resource="namespaces", namespace="a", name="a", subresource="")
    assert asked(event) == Right("", "namespaces", "get", "", "a")
    assert asked(replace(EVENT, subresource="status")).resource == "configmaps/status"


def test_rights_come_by_bindings() -> None:
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    named = {**rule, "resourceNames": ["a", "b"], "verbs": ["patch"]}
    subject = {"kind": "ServiceAccount", "name": "operator", "namespace": OWN}

    def binding(kind: str, *, to: dict[str, str], **where: str) -> dict[str, object]:
        reference = {"kind": kind, "name": "r"}
        metadata = {"name": "b", **where}
        return {
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": reference,
            "subjects": [to],
        }

    objects = [
        {"kind": "Role", "metadata": {"name": "r", "namespace": OWN}, "rules": [rule, named]},
        {"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [rule]},
        binding("Role", to=subject, namespace=OWN),
        binding("ClusterRole", to={"kind": "User", "name": "somebody"}),
    ]
    assert given(objects, to=USER) == [
        MAPS,
        Right("", "configmaps", "patch", OWN, "a"),
        Right("", "configmaps", "patch", OWN, "b"),
    ]
    assert given(objects, to="somebody") == [Right("", "configmaps", "get")]


CALL = JournalEntry(
    sequence=1,
    area=Area.ARM,
    method="PUT",
    path="/c",
    time=0.0,
    monotonic=0.0,
    client_id="me",
    action="write",
    status=200,
    body={"properties": {"diskEncryptionSetID": "/des"}},
)
LINKED = "Microsoft.Compute/diskEncryptionSets/read"


def test_actions_and_calls_are_held_against_each_other() -> None:
    fits = Azure(actions=["write", LINKED], entries=[CALL])
    assert fits.problems() == []
    assert fits.table().splitlines() == ["     1 x write", f"     1 x {LINKED}"]
    assert Azure(actions=["write", LINKED, "read"], entries=[CALL]).problems() == [
        "in a role and not needed: read"
    ]
    assert Azure(actions=["write"], entries=[CALL]).problems() == [
        f"needed and in no role: {LINKED}"
    ]
    refused = replace(CALL, status=403, error="AuthorizationFailed")
    [said] = Azure(actions=["write", LINKED], entries=[refused]).problems()
    assert said == "refused: write on /c (AuthorizationFailed)"


def test_calls_are_those_of_one_client_to_arm() -> None:
    others = [replace(CALL, client_id="other"), replace(CALL, area=Area.IDENTITY)]
    assert of_client([CALL, *others], "me") == [CALL]

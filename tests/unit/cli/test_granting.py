"""`grant` on the management cluster: what may not be read, and what is in the grant's place."""

import pytest

from aks_access.cli.hub.cluster import Resource
from aks_access.errors import StartupError
from tests.unit.cli.desk import TARGET, execute_at, manifest
from tests.unit.cli.guarded import ACTIVE, GRANT, Guarded, desk, managed


def test_whoever_may_read_no_target_is_judged_by_the_operator_alone() -> None:
    place = desk(hidden=frozenset({Resource.TARGETS, Resource.NAMESPACES}))
    code, out, _ = execute_at(GRANT.replace("4h", "9d"), desk=place)
    assert (code, len(place.hub.written)) == (0, 1)
    assert "until 2026-12-01T10:00Z" in out
    place.hub.to_come = [ACTIVE]
    code, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, out.rstrip().rpartition(" · ")[2]) == (0, "in Azure after 36 s")
    assert "API server of prod-weu was not asked: you may not read target prod-weu" in err
    assert not any(url.endswith("readyz") for url in place.asked)


def test_a_namespace_that_may_not_be_read_is_not_judged() -> None:
    selector = {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}
    target = {**TARGET, "spec": {**TARGET["spec"], "policy": {"allowedNamespaces": selector}}}
    team = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}}
    assert execute_at(GRANT, desk=desk(target, team))[0] == 1
    assert execute_at(GRANT, desk=desk(target, hidden=frozenset({Resource.NAMESPACES})))[0] == 0


def test_a_missing_right_is_one_line() -> None:
    code, out, err = execute_at(GRANT, desk=desk(hidden=frozenset({Resource.GRANTS})))
    assert (code, out, err.splitlines()[1]) == (
        1,
        "",
        "aks-access: You may not: get apiaccessgrants",
    )


def test_a_cluster_that_cannot_be_reached_ends_with_3() -> None:
    place = desk()
    place.hub.refusal = StartupError("The management cluster cannot be reached: x")
    for command in (GRANT, "aks-access extend a --for 1h", "aks-access revoke a"):
        assert execute_at(command, desk=place)[0] == 3


@pytest.mark.parametrize(
    ("managers", "forced"),
    [
        (("aks-access",), True),
        (("aks-access", "aks-access"), True),
        (("aks-access", "kubectl-edit"), False),
        (("kubectl-client-side-apply",), False),
        ((), False),
    ],
)
def test_only_what_commands_wrote_is_taken_over(managers: tuple[str, ...], forced: bool) -> None:
    place = desk(managed(*managers))
    assert isinstance(place.hub, Guarded)
    assert execute_at(GRANT, desk=place)[0] == 0
    assert place.hub.applied == [forced, forced]


def test_the_field_of_another_writer_is_named() -> None:
    said = (
        'Apply failed with 1 conflict: conflict with "kubectl-edit" using aksaccess.dev/v1alpha1: '
        ".spec.reason Please review the fields above"
    )
    code, _, err = execute_at(GRANT, desk=desk(managed("kubectl-edit"), complaint=said))
    assert (code, err.splitlines()[1]) == (
        1,
        "aks-access: Grant team-a/dev-laptop is there, and kubectl-edit keeps its .spec.reason. "
        "Use another --name, or change it there.",
    )


def test_a_chosen_name_may_move_to_another_target() -> None:
    place = desk(manifest(targetRef={"name": "lab"}))
    assert execute_at(GRANT, desk=place)[0] == 1
    assert execute_at(f"{GRANT} --name dev-laptop", desk=place)[0] == 0


def test_a_grant_by_labels_or_one_that_goes_is_left_alone() -> None:
    by_labels = manifest(targetRef=None, targetSelector={"matchLabels": {"a": "b"}})
    assert "is there by labels" in execute_at(GRANT, desk=desk(by_labels))[2]
    going = manifest()
    going["metadata"]["deletionTimestamp"] = "2026-11-22T09:59:00Z"
    for command in (GRANT, "aks-access extend dev-laptop --for 9h"):
        code, _, err = execute_at(command, desk=desk(going))
        assert (code, "is being deleted" in err) == (1, True)


def test_access_that_began_counts_from_its_beginning() -> None:
    there = manifest()
    there["status"] = {"periodStart": "2026-11-22T00:00:00Z"}
    for hours, code in ((14, 0), (15, 1)):
        assert execute_at(GRANT.replace("4h", f"{hours}h"), desk=desk(there))[0] == code


@pytest.mark.parametrize(
    ("length", "sentence"),
    [
        ("0d", "0d is not a duration; "),
        ("9999h", "9999h is longer than 8760h (a year), the longest allowed.\n"),
    ],
)
def test_a_length_that_is_none_is_refused(length: str, sentence: str) -> None:
    code, _, err = execute_at(GRANT.replace("4h", length), desk=desk())
    assert code == 2
    assert f"--for: {sentence}" in err

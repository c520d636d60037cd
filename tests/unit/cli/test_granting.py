"""Grants on the management cluster: what is in their place, what may not be read, and the proof."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from aks_access.cli.cluster import DryRun, Resource
from aks_access.cli.web import Answer, Question
from aks_access.errors import (
    KubeConflict,
    KubeError,
    KubeForbidden,
    NameUnknown,
    NameUnresolved,
    NoAnswer,
    StartupError,
)
from tests.unit.cli.desk import TARGET, Desk, Hub, condition, execute_at, manifest, text

GRANT = "aks-access grant prod-weu --my-ip --for 4h --reason INC-77"
HOST = TARGET["status"]["cluster"]["fqdn"]
PROGRAMMED = condition("Programmed", True, "Programmed", "")


def later(*conditions: Mapping[str, Any]) -> dict[str, Any]:
    """A state of the grant that is still to come."""
    return {**manifest(), "status": {"conditions": list(conditions)}}


ACTIVE = later(condition("Ready", True, "Active", "Let in."), PROGRAMMED)


@dataclass(slots=True)
class Guarded(Hub):
    """A hub that lets its user do only some things."""

    hidden: frozenset[Resource] = frozenset()
    applied: list[bool] = field(default_factory=list)
    patched: list[DryRun] = field(default_factory=list)
    conflicts: int = 0
    complaint: str = ""

    def get(self, resource: Resource, *, name: str, namespace: str = "") -> dict[str, Any] | None:
        self._see(resource)
        return super(Guarded, self).get(resource, name=name, namespace=namespace)

    def all(self, resource: Resource, *, namespace: str = "") -> list[dict[str, Any]]:
        self._see(resource)
        return super(Guarded, self).all(resource, namespace=namespace)

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        self.applied.append(force)
        if self.complaint:
            raise KubeConflict(self.complaint)
        return super(Guarded, self).apply(manifest, dry_run=dry_run, force=force)

    def patch(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        self.patched.append(named["dry_run"])
        if self.conflicts:
            self.conflicts -= 1
            raise KubeConflict("the object has been modified")
        return super(Guarded, self).patch(*arguments, **named)

    def _see(self, resource: Resource) -> None:
        if resource in self.hidden:
            raise KubeForbidden(f"You may not: get {resource.plural}")


def desk(*objects: Mapping[str, Any], to_come: tuple[Any, ...] = (), **fields: Any) -> Desk:
    hub = Guarded(context_namespace="team-a", **fields)
    hub.add(TARGET, *objects)
    hub.to_come = to_come
    return Desk(hub=hub)


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


def managed(*managers: str) -> dict[str, Any]:
    """The grant, its spec written by these."""
    made = manifest()
    made["metadata"]["managedFields"] = [
        {"manager": each, "fieldsV1": {"f:spec": {}}} for each in managers
    ] + [{"manager": "aks-access-operator", "fieldsV1": {"f:status": {}}}]
    return made


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
    ("conditions", "code", "said"),
    [
        ([condition("Ready", True, "Suspended", "Suspended."), PROGRAMMED], 0, ""),
        ([condition("Ready", True, "Suspended", "Suspended.")], 1, "Suspended."),
        ([condition("Ready", True, "Scheduled", "Starts.")], 1, "Starts."),
        ([condition("Ready", True, "Expired", "Over."), PROGRAMMED], 1, "Over."),
        (
            [
                condition("Ready", False, "PolicyDenied", "Too wide."),
                condition("Stalled", True, "PolicyDenied", "Too wide."),
            ],
            1,
            "Too wide.",
        ),
    ],
)
def test_the_end_of_a_wait(conditions: list[Any], code: int, said: str) -> None:
    ended, out, err = execute_at(f"{GRANT} --wait", desk=desk(to_come=(later(*conditions),)))
    assert ended == code
    assert ("in Azure after" in out) is (code == 0)
    assert code == 0 or err.endswith(f"aks-access: {said}\n")


def test_a_state_of_an_earlier_spec_ends_no_wait() -> None:
    old = {**ACTIVE, "metadata": {**ACTIVE["metadata"], "generation": 7}}
    old["status"] = {**ACTIVE["status"], "observedGeneration": 6}
    code, _, err = execute_at(f"{GRANT} --wait --timeout 1m", desk=desk(to_come=(old,)))
    assert (code, "the operator has not looked at it yet" in err) == (1, True)


def test_a_grant_that_is_deleted_meanwhile() -> None:
    class Emptied(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            self._objects.clear()
            yield from ()

    for command in (f"{GRANT} --wait", "aks-access revoke dev-laptop --wait"):
        hub = Emptied(context_namespace="team-a")
        hub.add(TARGET, manifest())
        code, out, err = execute_at(command, desk=Desk(hub=hub))
        if command == f"{GRANT} --wait":
            assert (code, "team-a/dev-laptop was deleted meanwhile" in err) == (1, True)
        else:
            assert (code, "out of Azure after" in out) == (0, True)


@pytest.mark.parametrize("kind", [StartupError, KubeError])
def test_a_way_to_the_management_cluster_that_is_cut_for_a_moment(kind: type[Exception]) -> None:
    class Cut(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            if self.clock() < 5:
                raise kind("x is cut")
            yield from super().watch(resource, **named)

    hub = Cut(context_namespace="team-a", to_come=[ACTIVE])
    hub.add(TARGET)
    code, _, err = execute_at(f"{GRANT} --wait", desk=Desk(hub=hub))
    assert (code, err.count("waiting: x is cut.\n")) == (0, 1)


def test_a_watch_that_is_not_allowed_ends_the_wait() -> None:
    class Blind(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            raise KubeForbidden("You may not: watch grants")

    hub = Blind(context_namespace="team-a")
    hub.add(TARGET)
    code, out, err = execute_at(f"{GRANT} --wait", desk=Desk(hub=hub))
    assert (code, out) == (1, "apiaccessgrant/dev-laptop  applied, until 14:00Z\n")
    assert err.endswith("aks-access: You may not: watch grants\n")


def test_the_proof_waits_for_azure_to_enforce_the_list() -> None:
    place = desk(to_come=(ACTIVE,))
    place.after = 100.0
    code, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, out) == (
        0,
        "apiaccessgrant/dev-laptop  applied, until 14:00Z · in Azure after 36 s · API server "
        "answered after 102 s\n",
    )
    assert err.count(f"two minutes. {HOST}: no answer in time.\n") == 1


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("1m", "not yet, AKS takes up to two minutes"),
        ("10m", "blocked. You leave by another address than 81.2.69.142"),
    ],
)
def test_no_answer_is_no_access(limit: str, said: str) -> None:
    place = desk(to_come=(ACTIVE,))
    place.after = 10_000.0
    code, out, err = execute_at(f"{GRANT} --wait --timeout {limit}", desk=place)
    assert (code, out.count("in Azure after 36 s\n")) == (1, 1)
    assert f"{HOST} does not answer from here (no answer in time)" in err
    assert said in err
    assert place.hub.clock() < 240
    assert execute_at(f"{GRANT} --wait --no-probe", desk=place)[0] == 0


def test_a_name_that_does_not_exist_is_not_waited_for() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = NameUnknown("Name or service not known")
    code, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, out.count("in Azure after 36 s\n")) == (3, 1)
    assert place.asked.count(f"https://{HOST}/readyz") == 2
    assert place.hub.clock() == 38.5
    assert ("two minutes" in err, "blocked" in err) == (False, False)
    assert err.endswith(
        f"aks-access: It is in Azure, but {HOST} does not answer from here (Name or service not "
        "known): the name has no address in your DNS, and no list brings one. A private cluster's "
        "is in a private DNS zone: use a network that the zone is linked to, or go by the proxy "
        "that you reach it by: HTTPS_PROXY.\n"
    )


@dataclass(slots=True)
class Faltering(Desk):
    """A desk whose first questions to an API server fail."""

    failures: list[NoAnswer] = field(default_factory=list)

    def _web(self, question: Question) -> Answer:
        if question.url.endswith("readyz") and self.failures:
            raise self.failures.pop(0)
        return super(Faltering, self)._web(question)


def test_only_a_name_that_is_missed_twice_in_a_row_is_given_up() -> None:
    place = Faltering(hub=desk(to_come=(ACTIVE,)).hub)
    place.failures = [NameUnknown("none"), NameUnresolved("try again"), NameUnknown("none")]
    code, out, _ = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, "API server answered after 44 s" in out) == (0, True), out


def test_a_resolver_that_is_silent_is_waited_for_and_named() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = NameUnresolved("Temporary failure in name resolution")
    code, _, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, place.hub.clock() > 200) == (1, True)
    assert "your DNS does not tell its address. Mend that first." in err


def test_a_page_of_something_in_between_is_no_answer() -> None:
    place = desk(to_come=(ACTIVE,))
    place.pages[f"https://{HOST}/readyz"] = text("<html>", kind="text/html", proxy="proxy:3128")
    code, _, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (code, "the proxy proxy:3128 answered in its place (HTTP 200)" in err) == (1, True)


@pytest.mark.parametrize(("after", "code"), [(0.0, 0), (10_000.0, 1)])
def test_where_nothing_is_written_the_answer_decides(after: float, code: int) -> None:
    observed = later(condition("Ready", True, "Observed", "Nothing is written."))
    place = desk(to_come=(observed,))
    place.after = after
    ended, out, err = execute_at(f"{GRANT} --wait", desk=place)
    assert (ended, "in Azure" in out, "Nothing is written." in err) == (code, False, True)
    assert ("API server answered" in out) is (code == 0)
    assert sum(url.endswith("readyz") for url in place.asked) == 1


def test_all_servers_of_a_grant_by_labels_must_answer() -> None:
    labels = {"a": "b"}
    weu = {**TARGET, "metadata": {"name": "prod-weu", "labels": labels}}
    neu = {**TARGET, "metadata": {"name": "prod-neu", "labels": labels}}
    neu["status"] = {"cluster": {"fqdn": "neu"}}
    there = manifest(targetRef=None, targetSelector={"matchLabels": labels})
    there["status"] = {
        "targets": [{"name": each, "reason": "Active"} for each in ("prod-weu", "prod-neu")]
    }
    place = desk(weu, neu, there, to_come=(ACTIVE,))
    place.pages["https://neu/readyz"] = NoAnswer("reset")
    command = "aks-access extend dev-laptop --for 9h --wait"
    code, _, err = execute_at(command, desk=place)
    assert (code, "neu does not answer from here (reset)" in err) == (1, True)
    assert f"{HOST} does not" not in err
    place.pages["https://neu/readyz"] = text("", kind="application/json", status=403)
    code, out, _ = execute_at(command, desk=place)
    assert (code, "2 API servers answered after" in out) == (0, True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{GRANT} --wait", "dev-laptop  applied, until 14:00Z\n"),
        ("aks-access extend dev-laptop --for 9h --wait", "dev-laptop  extended, until 19:00Z"),
        ("aks-access revoke dev-laptop --wait", "dev-laptop  revoked\n"),
        ("aks-access revoke dev-laptop other --wait", "revoked\napiaccessgrant/other  revoked\n"),
    ],
)
def test_who_waits_no_longer_is_told_what_was_written(command: str, said: str) -> None:
    class Left(Guarded):
        def watch(self, resource: Resource, **named: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
            raise KeyboardInterrupt

    hub = Left(context_namespace="team-a")
    other = manifest()
    other["metadata"] = {**other["metadata"], "name": "other"}
    hub.add(TARGET, manifest(), other)
    code, out, _ = execute_at(command, desk=Desk(hub=hub))
    assert (code, said in out) == (1, True)


def test_what_was_revoked_is_told_where_the_way_is_cut_then() -> None:
    class Cut(Guarded):
        def patch(self, *arguments: Any, **named: Any) -> dict[str, Any]:
            if named["name"] == "other":
                raise StartupError("x is cut")
            return super().patch(*arguments, **named)

    other = manifest()
    other["metadata"] = {**other["metadata"], "name": "other"}
    for flag, told in (("", "apiaccessgrant/dev-laptop  revoked\n"), (" -o json", '"List"')):
        hub = Cut(context_namespace="team-a")
        hub.add(TARGET, manifest(), other)
        command = f"aks-access revoke dev-laptop other{flag}"
        code, out, err = execute_at(command, desk=Desk(hub=hub))
        assert (code, told in out, err) == (3, True, "aks-access: x is cut\n")


def test_a_short_answer_is_the_name_alone() -> None:
    code, out, err = execute_at(f"{GRANT} --wait -o name", desk=desk(to_come=(ACTIVE,)))
    assert (code, out) == (0, "apiaccessgrant/dev-laptop\n")
    assert "in Azure after 36 s · API server answered after 36 s" in err


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


@pytest.mark.parametrize(
    ("flag", "sent"),
    [
        (" --dry-run=client", [DryRun.CLIENT]),
        (" --dry-run=server", [DryRun.SERVER]),
        ("", [DryRun.NONE]),
    ],
)
def test_an_extension_goes_no_further_than_asked(flag: str, sent: list[DryRun]) -> None:
    place = desk(manifest())
    assert isinstance(place.hub, Guarded)
    assert execute_at(f"aks-access extend dev-laptop --for 8h{flag}", desk=place)[0] == 0
    assert place.hub.patched == sent


@pytest.mark.parametrize(("conflicts", "code"), [(4, 0), (5, 1)])
def test_an_end_is_written_onto_the_grant_that_was_looked_at(conflicts: int, code: int) -> None:
    place = desk(manifest(), conflicts=conflicts)
    ended, _, err = execute_at("aks-access extend dev-laptop --for 9h", desk=place)
    assert (ended, "changed again and again" in err) == (code, code == 1)


def test_an_extension_is_conditional_and_makes_a_length_an_end() -> None:
    place = desk(manifest(expiresAt=None, duration="1h"))
    execute_at("aks-access extend dev-laptop --for 9h", desk=place)
    assert place.hub.written == [
        {
            "metadata": {"resourceVersion": "2"},
            "spec": {"expiresAt": "2026-11-22T19:00:00Z", "duration": None},
        }
    ]


def test_an_extension_is_waited_for() -> None:
    place = desk(manifest(), to_come=(ACTIVE,))
    code, out, _ = execute_at("aks-access extend dev-laptop --for 9h --wait", desk=place)
    assert (code, out) == (
        0,
        "apiaccessgrant/dev-laptop  extended, until 19:00Z (was 14:00Z) · in Azure after 36 s · "
        "API server answered after 36 s\n",
    )


def test_a_removal_that_is_overdue_ends_the_wait() -> None:
    overdue = later(
        condition("Ready", False, "RevocationOverdue", "Still open."),
        condition("Stalled", True, "RevocationOverdue", "Still open."),
    )
    place = desk(manifest(), to_come=(overdue,))
    code, out, err = execute_at("aks-access revoke dev-laptop --wait", desk=place)
    assert (code, out) == (1, "apiaccessgrant/dev-laptop  revoked\n")
    assert err.endswith("aks-access: Still open.\n")


def test_what_the_api_server_refuses_is_one_line_each() -> None:
    class Refusing(Guarded):
        def patch(self, *arguments: Any, **named: Any) -> dict[str, Any]:
            raise KubeError("no")

    hub = Refusing(context_namespace="team-a")
    hub.add(TARGET, manifest())
    for command in ("aks-access revoke dev-laptop", "aks-access extend dev-laptop --for 9h"):
        code, out, err = execute_at(command, desk=Desk(hub=hub))
        assert (code, out, err.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("command", ["extend dev-laptop --for 8h", "revoke dev-laptop"])
@pytest.mark.parametrize("dry_run", ["", " --dry-run=server"])
def test_the_grant_is_shown_as_it_is_then(form: str, command: str, dry_run: str) -> None:
    code, out, err = execute_at(
        f"aks-access {command}{dry_run} -o {form}", desk=desk(managed("aks-access"))
    )
    assert (code, err) == (0, "")
    made = json.loads(out) if form == "json" else yaml.safe_load(out)
    assert made["kind"] == "ApiAccessGrant"
    assert made["spec"].get("revoked") is (True if "revoke" in command else None)
    assert "managedFields" not in made["metadata"]


def test_several_grants_are_a_list_and_what_failed_is_said_beside_it() -> None:
    other = manifest()
    other["metadata"]["name"] = "other"
    place = desk(manifest(), other)
    code, out, err = execute_at("aks-access revoke dev-laptop gone other -o json", desk=place)
    assert (code, err.count("\n"), "team-a/gone" in err) == (1, 1, True)
    listed = json.loads(out)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    names = [each["metadata"]["name"] for each in listed["items"]]
    assert names == ["dev-laptop", "other"]
    assert execute_at("aks-access revoke gone -o json", desk=place)[1] == ""


@pytest.mark.parametrize("command", ["extend dev-laptop --for 8h", "revoke dev-laptop"])
def test_how_far_it_came_stands_beside_the_object(command: str) -> None:
    over = later(condition("Ready", False, "Revoked", "Over."))
    place = desk(manifest(), to_come=(ACTIVE if command.startswith("extend") else over,))
    code, out, err = execute_at(f"aks-access {command} --wait -o json", desk=place)
    assert (code, json.loads(out)["metadata"]["name"]) == (0, "dev-laptop")
    assert " Azure after 36 s" in err

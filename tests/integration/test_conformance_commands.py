"""The management cluster as commands see it: kubectl on a real API server, and the fake."""

import itertools
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.hub.cluster import (
    FIELD_MANAGER,
    NOT_THERE,
    Cluster,
    DryRun,
    Resource,
    Right,
)
from aks_access.cli.hub.kubectl import Kubectl
from aks_access.cli.hub.reach import Reach
from aks_access.errors import (
    InputError,
    KubeConflict,
    KubeError,
    KubeForbidden,
    KubeNotFound,
    StartupError,
)
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane, binary
from sandbox.processes import Scratch
from tests.integration.kube_support import wait_allowed

GRANTS = Resource.GRANTS


def grant(namespace: str, name: str, **fields: object) -> dict[str, Any]:
    return {
        "apiVersion": "aksaccess.dev/v1alpha1",
        "kind": "ApiAccessGrant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "targetRef": {"name": "prod"},
            "ipRanges": ["81.2.69.142"],
            "expiresAt": "2099-01-01T00:00:00Z",
            **fields,
        },
    }


@pytest.fixture
def kubectl_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{binary('kubectl').parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(params=["api-server", "sim"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def both(
    backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Cluster, str]:
    """The cluster, and a namespace of it."""
    if backend == "sim":
        return FakeCluster(), "team-a"
    request.getfixturevalue("kubectl_in_path")
    plane = request.getfixturevalue("control_plane")
    monkeypatch.setenv("HOME", str(tmp_path))
    return Kubectl(Reach(kubeconfig=str(plane.kubeconfig))), request.getfixturevalue("namespace")


def test_a_grant_is_applied_read_changed_and_listed(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    made = cluster.apply(grant(namespace, "g", reason="first"))
    assert made["spec"]["reason"] == "first"
    assert cluster.apply(grant(namespace, "g", reason="second"))["spec"]["reason"] == "second"
    read = cluster.get(GRANTS, namespace=namespace, name="g")
    assert read is not None
    assert read["spec"]["reason"] == "second"
    changed = cluster.patch(
        GRANTS, namespace=namespace, name="g", change={"spec": {"revoked": True}}
    )
    assert changed["spec"]["revoked"] is True
    cluster.apply(grant(namespace, "h"))
    listed = cluster.all(GRANTS, namespace=namespace)
    assert [each["metadata"]["name"] for each in listed] == ["g", "h"]
    everywhere = {each["metadata"]["namespace"] for each in cluster.all(GRANTS)}
    assert namespace in everywhere


def test_a_dry_run_stores_nothing(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    assert cluster.apply(grant(namespace, "g"), dry_run=DryRun.SERVER)["spec"]
    assert cluster.get(GRANTS, namespace=namespace, name="g") is None
    cluster.apply(grant(namespace, "g"))
    for dry_run in (DryRun.SERVER, DryRun.CLIENT):
        cluster.patch(
            GRANTS, namespace=namespace, name="g", change={"spec": {"revoked": True}},
            dry_run=dry_run,
        )  # fmt: skip
    read = cluster.get(GRANTS, namespace=namespace, name="g")
    assert read is not None
    assert "revoked" not in read["spec"]


def test_a_conditional_change_of_a_changed_object_is_a_conflict(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    old = cluster.apply(grant(namespace, "g"))["metadata"]["resourceVersion"]
    cluster.apply(grant(namespace, "g", reason="second"))
    with pytest.raises(KubeConflict):
        cluster.patch(
            GRANTS,
            namespace=namespace,
            name="g",
            change={"metadata": {"resourceVersion": old}, "spec": {"revoked": True}},
        )


@pytest.mark.parametrize("dry_run", [DryRun.SERVER, DryRun.NONE])
def test_a_conditional_apply_of_another_object_is_a_conflict(
    both: tuple[Cluster, str], dry_run: DryRun
) -> None:
    cluster, namespace = both

    def apply(read: dict[str, Any], **fields: object) -> dict[str, Any]:
        asked = grant(namespace, "g", **fields)
        pinned = {key: read["metadata"][key] for key in ("uid", "resourceVersion")}
        asked["metadata"].update(pinned)
        return cluster.apply(asked, force=True, dry_run=dry_run)

    first = cluster.apply(grant(namespace, "g"))
    assert apply(first, reason="second")["spec"]["reason"] == "second"
    cluster.patch(GRANTS, namespace=namespace, name="g", change={"spec": {"revoked": True}})
    with pytest.raises(KubeConflict):
        apply(first, reason="third")
    read = cluster.get(GRANTS, namespace=namespace, name="g")
    assert read is not None
    assert read["spec"]["revoked"] is True


def test_a_conditional_apply_makes_nothing_where_the_object_is_gone(
    both: tuple[Cluster, str],
) -> None:
    cluster, namespace = both
    asked = grant(namespace, "g")
    asked["metadata"].update(uid="00000000-0000-4000-8000-000000000000", resourceVersion="1")
    with pytest.raises(KubeConflict):
        cluster.apply(asked, force=True)
    assert cluster.get(GRANTS, namespace=namespace, name="g") is None


@pytest.mark.parametrize("dry_run", [DryRun.SERVER, DryRun.NONE])
def test_an_apply_that_is_to_make_the_object_changes_none_that_is_there(
    both: tuple[Cluster, str], dry_run: DryRun
) -> None:
    cluster, namespace = both
    new = grant(namespace, "g", reason="first")
    new["metadata"]["resourceVersion"] = NOT_THERE
    assert cluster.apply(new, dry_run=dry_run)["spec"]["reason"] == "first"
    cluster.apply(grant(namespace, "g", reason="first"))
    new["spec"]["reason"] = "second"
    with pytest.raises(KubeConflict):
        cluster.apply(new, dry_run=dry_run)
    found = cluster.get(GRANTS, namespace=namespace, name="g")
    assert found is not None
    assert found["spec"]["reason"] == "first"


def test_a_generation_counts_the_specs(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    cluster.apply(grant(namespace, "g"))
    again = cluster.apply(grant(namespace, "g"), dry_run=DryRun.SERVER)
    assert again["metadata"]["generation"] == 1
    for dry_run in (DryRun.SERVER, DryRun.NONE):
        changed = cluster.apply(grant(namespace, "g", reason="second"), dry_run=dry_run)
        assert changed["metadata"]["generation"] == 2
    last = cluster.patch(GRANTS, namespace=namespace, name="g", change={"spec": {"revoked": True}})
    assert last["metadata"]["generation"] == 3


def test_what_is_not_there(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    assert cluster.get(GRANTS, namespace=namespace, name="none") is None
    with pytest.raises(KubeNotFound):
        cluster.patch(GRANTS, namespace=namespace, name="none", change={"spec": {}})
    assert cluster.all(GRANTS, namespace=f"{namespace}-none") == []


def test_some_are_found_by_name(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    for name in ("g", "h", "i"):
        cluster.apply(grant(namespace, name))
    absent = [(namespace, "none"), (f"{namespace}-none", "g")]
    for names in ([], ["g"], ["i", "g"]):
        found, withheld = cluster.some(GRANTS, [*absent, *((namespace, name) for name in names)])
        assert [each["metadata"]["name"] for each in found] == names
        assert not withheld


def test_the_version_is_told(both: tuple[Cluster, str]) -> None:
    assert re.match(r"v1\.[0-9]+", both[0].version())


def test_rights_are_told(both: tuple[Cluster, str]) -> None:
    cluster, namespace = both
    right = Right(verb="create", resource="configmaps", namespace=namespace)
    assert cluster.may(right)


def test_the_context_without_a_namespace(both: tuple[Cluster, str]) -> None:
    assert both[0].namespace() == "default"


@pytest.fixture
def real(
    kubectl_in_path: None,
    control_plane: ControlPlane,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Kubectl]:
    """A kubectl with flags; absent ones reach the worker's API server as administrator."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    return lambda **flags: Kubectl(Reach(**flags))


@pytest.mark.integration
class TestKubectl:
    """What only the real one can show."""

    def test_the_clock_is_the_api_servers(self, real: Callable[..., Kubectl]) -> None:
        told = real().date()
        assert told is not None
        assert abs((datetime.now(UTC) - told).total_seconds()) < 30

    def test_rights_of_others_are_told_to_who_may_speak_for_them(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, namespace: str
    ) -> None:
        account = f"system:serviceaccount:{namespace}:default"
        right = Right(verb="patch", resource="apiaccessgrants/status", group="aksaccess.dev")
        assert real().may(right)
        assert not real().may(right, as_user=account)
        operators = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
        assert real().may(right, as_user=operators)
        made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "poor"}}
        control_plane.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", made)
        poor = real(kubeconfig=str(control_plane.kubeconfig_for("poor", namespace)))
        with pytest.raises(KubeForbidden):
            poor.may(right, as_user=operators)

    def test_a_watch_tells_each_change_until_the_object_is_gone(
        self, real: Callable[..., Kubectl], namespace: str
    ) -> None:
        cluster = real()
        cluster.apply(grant(namespace, "g", reason="0"))
        states: Iterator[dict[str, Any]] = cluster.watch(
            GRANTS, namespace=namespace, name="g", seconds=50
        )
        seen = [next(states)["spec"]["reason"]]
        for number in ("1", "2"):
            cluster.patch(
                GRANTS, namespace=namespace, name="g", change={"spec": {"reason": number}}
            )
            seen.append(next(states)["spec"]["reason"])
        assert seen == ["0", "1", "2"]
        gone = threading.Thread(
            target=cluster._run,
            args=(["delete", f"--raw={GRANTS.path(namespace=namespace, name='g')}"],),
        )
        gone.start()
        assert list(states) == []
        gone.join()

    def test_a_watch_ends_when_its_time_is_up(
        self, real: Callable[..., Kubectl], namespace: str
    ) -> None:
        cluster = real()
        cluster.apply(grant(namespace, "g"))
        states = cluster.watch(GRANTS, namespace=namespace, name="g", seconds=1)
        assert [each["metadata"]["name"] for each in states] == ["g"]

    def test_a_watch_that_is_left_ends_its_process(
        self, real: Callable[..., Kubectl], namespace: str
    ) -> None:
        cluster = real()
        cluster.apply(grant(namespace, "g"))
        before = _children()
        states = cluster.watch(GRANTS, namespace=namespace, name="g", seconds=50)
        next(states)
        assert _children() - before
        states.close()  # type: ignore[attr-defined]
        assert not _children() - before

    def test_what_the_api_server_refuses(
        self, real: Callable[..., Kubectl], namespace: str
    ) -> None:
        with pytest.raises(KubeError, match="end"):
            real().apply(grant(namespace, "g", duration="1h"))

    def test_a_field_of_another_manager_is_a_conflict(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, namespace: str
    ) -> None:
        control_plane.request(
            "PATCH",
            f"{GRANTS.path(namespace=namespace, name='g')}?fieldManager=argocd",
            grant(namespace, "g", reason="Git's"),
            content_type="application/apply-patch+yaml",
        )
        with pytest.raises(KubeConflict, match=r"argocd.*reason"):
            real().apply(grant(namespace, "g", reason="mine"))
        taken = real().apply(grant(namespace, "g", reason="mine"), force=True)
        assert taken["spec"]["reason"] == "mine"

    def test_writes_are_of_the_commands_field_manager(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, namespace: str
    ) -> None:
        cluster = real()
        cluster.apply(grant(namespace, "g"))
        cluster.patch(GRANTS, namespace=namespace, name="g", change={"spec": {"revoked": True}})
        made = control_plane.request("GET", GRANTS.path(namespace=namespace, name="g"))
        managers = {each["manager"] for each in made["metadata"]["managedFields"]}
        assert managers == {FIELD_MANAGER}

    def test_a_right_that_is_missing(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, namespace: str
    ) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}
        control_plane.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
        nobody = control_plane.kubeconfig_for("nobody", namespace)
        cluster = real(kubeconfig=str(nobody))
        with pytest.raises(KubeForbidden, match=r"You may not: .*cannot list"):
            cluster.all(GRANTS)
        with pytest.raises(KubeForbidden, match="You may not"):
            cluster.patch(GRANTS, namespace=namespace, name="g", change={"spec": {}})

    def test_an_api_server_that_is_not_there(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        config = yaml.safe_load(control_plane.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
        dead = tmp_path / "dead"
        dead.write_text(yaml.safe_dump(config))
        with pytest.raises(StartupError, match="cannot be reached") as refused:
            real(kubeconfig=str(dead)).all(GRANTS)
        assert "--out DIR" in str(refused.value)

    @pytest.mark.parametrize(
        "flags", [{"context": "none"}, {"kubeconfig": "/nowhere"}, {"user": "none"}]
    )
    def test_a_flag_that_is_wrong(
        self, real: Callable[..., Kubectl], flags: dict[str, str]
    ) -> None:
        with pytest.raises(InputError, match=r"none|nowhere"):
            real(**flags).all(GRANTS)

    def test_a_context_that_is_wrong_has_no_namespace(self, real: Callable[..., Kubectl]) -> None:
        with pytest.raises(InputError, match="none"):
            real(context="none").namespace()

    def test_a_name_that_is_empty_is_no_list(self, real: Callable[..., Kubectl]) -> None:
        assert real().get(Resource.TARGETS, name="") is None

    def test_no_context_is_chosen(self, real: Callable[..., Kubectl]) -> None:
        with pytest.raises(StartupError, match=r"No context .*--context NAME"):
            real(kubeconfig="/dev/null").namespace()

    def test_no_context_is_needed_where_cluster_and_user_are_named(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        config = yaml.safe_load(control_plane.kubeconfig.read_text())
        [context] = [each["context"] for each in config.pop("contexts")]
        config.pop("current-context")
        file = tmp_path / "parts"
        file.write_text(yaml.safe_dump(config))
        parts = {key: context[key] for key in ("cluster", "user")}
        reached = real(kubeconfig=str(file), **parts)
        assert reached.namespace() == "default"
        assert reached.version()

    def test_the_api_server_takes_the_caller_for_somebody_else(
        self, real: Callable[..., Kubectl]
    ) -> None:
        with pytest.raises(KubeForbidden, match='User "jane" cannot list'):
            real(as_user="jane").all(GRANTS)
        assert real(as_user="jane", as_groups=("dev", "system:masters")).all(GRANTS) is not None

    def test_an_answer_is_waited_for_no_longer_than_told(
        self, real: Callable[..., Kubectl]
    ) -> None:
        with pytest.raises(StartupError, match="cannot be reached"):
            real(timeout="1ms").all(GRANTS)

    def test_a_namespace_that_is_not_there(self, real: Callable[..., Kubectl]) -> None:
        with pytest.raises(KubeNotFound, match=r'^No namespace "nowhere" .* -n names another'):
            real().apply(grant("nowhere", "g"))

    def test_the_word_conflict_alone_is_none(
        self, real: Callable[..., Kubectl], namespace: str
    ) -> None:
        with pytest.raises(KubeError) as refused:
            real().apply(grant(namespace, "conflict", duration="1h"))
        assert not isinstance(refused.value, KubeConflict)

    def test_some_of_them_may_not_be_read(
        self, real: Callable[..., Kubectl], control_plane: ControlPlane, namespace: str
    ) -> None:
        real().apply(grant(namespace, "g"))
        root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        meta = {"metadata": {"name": "one"}}
        account = {"apiVersion": "v1", "kind": "ServiceAccount", **meta}
        control_plane.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
        rule = {"apiGroups": ["aksaccess.dev"], "resources": ["apiaccessgrants"], "verbs": ["get"]}
        control_plane.request("POST", f"{root}/roles", {**meta, "rules": [rule]})
        binding = {
            **meta,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"},
            "subjects": [{"kind": "ServiceAccount", "name": "one", "namespace": namespace}],
        }
        control_plane.request("POST", f"{root}/rolebindings", binding)
        wait_allowed(control_plane, "get", "aag", who=f"{namespace}:one")
        one = real(kubeconfig=str(control_plane.kubeconfig_for("one", namespace)))
        found, withheld = one.some(GRANTS, [(namespace, "g"), ("default", "g")])
        assert [each["metadata"]["name"] for each in found] == ["g"]
        assert withheld
        assert one.some(GRANTS, [("default", "g"), ("default", "h")]) == ([], True)

    def test_without_the_operator_the_sentence_says_so(
        self, real: Callable[..., Kubectl], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(GRANTS, "api_version", "aksaccess.dev/v9")
        with pytest.raises(KubeError, match="not installed here"):
            real().all(GRANTS)


@pytest.mark.usefixtures("kubectl_in_path")
def test_a_log_in_may_speak_to_the_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scratch() as scratch:
        program = scratch.path / "kubectl"
        program.write_text(
            "#!/bin/sh\necho 'To sign in, enter ABC' >&2\n"
            "echo 'error: no more: Unauthorized' >&2\nexit 1\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(scratch.path))
        with pytest.raises(StartupError, match="no more"):
            Kubectl().all(GRANTS)
    assert capsys.readouterr().err == "To sign in, enter ABC\n"


def test_without_kubectl_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StartupError, match=r"kubectl is not in the PATH.*--out DIR"):
        Kubectl().namespace()


def _children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return set(itertools.chain.from_iterable(each.read_text().split() for each in tasks))

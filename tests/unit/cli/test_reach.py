"""kubectl's own flags, and the namespace that kubectl takes in a pod."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aks_access.cli.cluster import Cluster
from aks_access.cli.reach import Reach, pod_namespace
from aks_access.cli.surroundings import Surroundings
from tests.unit.cli import scene
from tests.unit.cli.transcript import NOW, execute

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def reached() -> tuple[list[Reach], Callable[[str], tuple[int, str, str]]]:
    """What commands reach, and a way to give one."""
    found: list[Reach] = []

    def cluster(reach: Reach) -> Cluster:
        found.append(reach)
        return scene.cluster()

    machine = Surroundings(now=lambda: NOW, own_name=lambda: "dev-laptop", cluster=cluster)
    return found, lambda command: execute(command, place=machine)


COMMANDS = (
    "status",
    "who",
    "explain dev-laptop",
    "plan prod-weu",
    "doctor",
    "extend dev-laptop --for 9h --timeout 5m",
    "revoke dev-laptop",
    "grant prod-weu --ip 81.2.69.142 --for 1h --reason x",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_takes_the_flags_of_kubectl(
    reached: tuple[list[Reach], Callable[[str], tuple[int, str, str]]], command: str
) -> None:
    found, given = reached
    code, _, err = given(
        f"aks-access {command} --kubeconfig {__file__} --context hub --cluster c --user u "
        "--as jane --as-group dev --as-group ops --request-timeout 5s"
    )
    assert code in (0, 1), err
    wanted = Reach(
        kubeconfig=__file__,
        context="hub",
        cluster="c",
        user="u",
        as_user="jane",
        as_groups=("dev", "ops"),
        timeout="5s",
    )
    assert set(found) == {wanted}
    assert wanted.flags() == [
        f"--kubeconfig={__file__}",
        "--context=hub",
        "--cluster=c",
        "--user=u",
        "--as=jane",
        "--request-timeout=5s",
        "--as-group=dev",
        "--as-group=ops",
    ]


def test_what_no_flag_names_is_kubectls_choice(
    reached: tuple[list[Reach], Callable[[str], tuple[int, str, str]]],
) -> None:
    found, given = reached
    given("aks-access status")
    assert found == [Reach()]
    assert Reach().flags() == ["--request-timeout=30s"]


def test_a_watch_is_not_cut_short() -> None:
    assert "--request-timeout=0" in Reach(timeout="5s").flags(watches=True)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--as-group dev", "--as-group goes with --as USER."),
        ("--request-timeout soon", "soon is no length of time; write one like 10s or 2m."),
    ],
)
def test_flags_that_kubectl_would_refuse(flags: str, said: str) -> None:
    code, _, err = execute(f"aks-access status {flags}")
    assert (code, err.endswith(f"{said}\n")) == (2, True)


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The files of a ServiceAccount."""
    (tmp_path / "token").write_text("t")
    (tmp_path / "namespace").write_text("team-a\n")
    return tmp_path


@pytest.mark.parametrize(
    ("more", "namespace"),
    [
        ({}, "team-a"),
        ({"POD_NAMESPACE": "own"}, "own"),
        ({"KUBERNETES_SERVICE_HOST": ""}, ""),
        ({"KUBERNETES_SERVICE_PORT": "", "POD_NAMESPACE": "own"}, ""),
    ],
)
def test_a_pod_is_in_its_own_namespace(account: Path, more: dict[str, str], namespace: str) -> None:
    assert pod_namespace(account=account, environment={**IN_POD, **more}) == namespace


def test_a_pod_without_the_files_of_an_account(account: Path) -> None:
    (account / "namespace").write_text(" \n")
    assert pod_namespace(account=account, environment=IN_POD) == "default"
    (account / "namespace").unlink()
    assert pod_namespace(account=account, environment=IN_POD) == "default"
    (account / "token").unlink()
    assert pod_namespace(account=account, environment=IN_POD) == ""
    (account / "token").mkdir()
    assert pod_namespace(account=account, environment=IN_POD) == ""


def test_a_pod_is_found_only_where_nothing_changes_the_defaults_of_kubectl(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aks_access.cli.reach.pod_namespace", lambda: "team-a")
    assert Reach().flags() == []
    assert Reach().flags(watches=True) == ["--request-timeout=0"]
    assert Reach(timeout="5s").flags() == ["--request-timeout=5s"]

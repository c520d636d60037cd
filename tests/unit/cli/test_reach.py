"""kubectl's own flags, and the namespace that kubectl takes in a pod."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.hub.reach import Reach, account_kubeconfig, pod_namespace
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


@pytest.fixture
def pod(account: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in a pod that has no kubeconfig."""
    for name, value in {**IN_POD, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr("aks_access.cli.hub.reach.pod_namespace", lambda **_: "team-a")


@pytest.mark.usefixtures("pod")
def test_a_pods_account_is_left_to_kubectl_where_nothing_changes_its_defaults() -> None:
    assert Reach().flags() == []
    assert Reach().flags(watches=True) == ["--request-timeout=0"]
    assert Reach(context="hub", as_user="jane").flags() == ["--context=hub", "--as=jane"]


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize(
    "reach", [Reach(timeout="5s"), Reach(as_user="jane"), Reach().speaking_for("operator")]
)
def test_a_pods_account_is_named_where_a_flag_changes_kubectls_defaults(reach: Reach) -> None:
    own, *_ = reach.flags()
    found = yaml.safe_load(Path(own.removeprefix("--kubeconfig=")).read_text())
    assert found["clusters"][0]["cluster"]["server"] == "https://10.0.0.1:443"
    assert found["contexts"][0]["context"]["namespace"] == "team-a"


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize(
    ("variable", "text", "own"),
    [
        ("", "", True),
        ("", "a: b", False),
        ("other", "", True),
        ("other", "a: b", False),
        ("none:other", "a: b", False),
        ("none", "a: b", True),
    ],
)
def test_a_kubeconfig_comes_before_a_pods_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, own: bool
) -> None:
    usual = tmp_path / ".kube" / "config"
    usual.parent.mkdir()
    (tmp_path / "other" if variable else usual).write_text(text)
    names = [str(tmp_path / name) for name in variable.split(":")] if variable else []
    monkeypatch.setenv("KUBECONFIG", ":".join(names))
    flags = Reach(as_user="jane").flags()
    assert (len(flags), flags[-1]) == (2 if own else 1, "--as=jane")


def test_a_pods_account_as_a_kubeconfig_holds_no_token(account: Path) -> None:
    (account / "token").write_text("secret")
    (account / "ca.crt").write_text("the authority")
    for host, server in (("10.0.0.1", "10.0.0.1"), ("fd00::1", "[fd00::1]")):
        environment = {**IN_POD, "KUBERNETES_SERVICE_HOST": host}
        path = account_kubeconfig(account=account, environment=environment)
        assert path is not None
        text = Path(path).read_text()
        assert "secret" not in text
        config = yaml.safe_load(text)
        assert config["clusters"][0]["cluster"] == {
            "server": f"https://{server}:443",
            "certificate-authority": str(account / "ca.crt"),
        }
        assert config["users"][0]["user"] == {"tokenFile": str(account / "token")}

"""The demo on somebody's cluster, as far as no cluster is needed."""

import signal
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

from sandbox.controlplane import binaries
from sandbox.controlplane.client import ApiError
from sandbox.demo.command import demo
from sandbox.existing.cluster import ExistingCluster
from sandbox.existing.errors import ClusterError
from sandbox.existing.inventory import LABEL, lasting, run_of, things
from sandbox.existing.kubeconfig import Context
from sandbox.existing.preflight import oldest_version, parsed, version_of
from sandbox.existing.removal import unhurried
from sandbox.existing.site import existing, give_back
from sandbox.existing.watches import changes


class Answering:
    """A server of some version, or one that only refuses."""

    context = "https://somewhere (context c of f)"

    def __init__(self, answer: str | Exception) -> None:
        self._answer = answer

    def request(self, *_: object) -> dict[str, Any]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return {"gitVersion": self._answer}


def version(answer: str | Exception) -> str:
    return version_of(cast(ExistingCluster, Answering(answer)))


@pytest.mark.parametrize("told", ["v1.31.0", "v1.33.2-eks-1552ad0", "v2.0.0"])
def test_a_version_that_can_serve_the_crds_will_do(told: str) -> None:
    assert version(told) == told


@pytest.mark.parametrize("told", ["v1.30.14", "v1.9.0", "unknown"])
def test_an_older_kubernetes_is_refused_with_the_version_it_takes(told: str) -> None:
    with pytest.raises(
        ClusterError, match=rf"runs Kubernetes {told}; the CRDs need 1\.31 or later"
    ):
        version(told)


def test_the_version_asked_for_is_the_charts() -> None:
    assert oldest_version() == (1, 31)
    assert parsed("v1.31.4+k3s1") == (1, 31)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ApiError("…", code=401, said="Unauthorized"), "does not let you in: Unauthorized"),
        (ApiError("…", code=502, said="dial tcp: refused"), "cannot be reached: dial tcp: refused"),
        (TimeoutError("timed out"), "cannot be reached: timed out"),
    ],
)
def test_a_server_that_does_not_answer_is_one_sentence(answer: Exception, said: str) -> None:
    with pytest.raises(ClusterError) as caught:
        version(answer)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_roles_for_people_are_left_out_and_everything_else_is_labelled() -> None:
    roles = [thing for thing in things() if thing.kind == "ClusterRole"]
    assert [thing.name for thing in roles] == ["aks-access-operator"]
    for thing in things():
        assert run_of(thing.labelled("abc")) == "abc"
        assert LABEL not in str(thing.manifest), "the manifest itself stays as it is"
    assert {thing.kind for thing in lasting()} == {
        *("Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"),
    }
    namespaces = {thing.name for thing in things() if thing.kind == "Namespace"}
    assert {thing.namespace for thing in things() if thing.namespace} <= namespaces


def managed(*entries: tuple[str, str, str]) -> dict[str, Any]:
    fields = [
        {"manager": manager, "subresource": part, "time": time, "fieldsV1": {}}
        for manager, part, time in entries
    ]
    return {"metadata": {"managedFields": fields}}


def test_a_change_is_told_by_the_managed_fields_that_differ() -> None:
    before = managed(("kubectl", "", "1"), ("operator", "status", "1"))
    assert changes(None, before) == [("kubectl", ""), ("operator", "status")]
    after = managed(("kubectl", "", "1"), ("operator", "status", "2"))
    assert changes(before, after) == [("operator", "status")]
    assert changes(before, before) == []
    assert changes(before, managed(("kubectl", "", "1"))) == [("operator", "status")]


def test_a_removal_survives_one_interrupt_and_ends_at_the_second() -> None:
    said: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    with unhurried(said.append):
        signal.raise_signal(signal.SIGTERM)
        assert len(said) == 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_closed_terminal_does_not_end_a_removal() -> None:
    asked: list[str] = []

    class Empty:
        context = Context(file=Path("f"), name="c", copy=Path("f"), cluster={"server": "https://s"})
        url = "https://s"

        def request(self, method: str, path: str, *_: object) -> dict[str, Any]:
            asked.append(path)
            raise ApiError("gone", code=404)

    def closed(_: str) -> None:
        raise BrokenPipeError

    give_back(cast(ExistingCluster, Empty()), run="this", say=closed)
    assert asked == [thing.path for thing in lasting()]


@pytest.mark.parametrize("arguments", [["--context", "x"], ["--remove"]])
def test_options_of_a_cluster_need_its_kubeconfig(arguments: list[str]) -> None:
    done = CliRunner().invoke(demo, arguments, env={"KUBECONFIG": "/home/me/.kube/production"})
    assert done.exit_code == 2
    assert "need --kubeconfig" in done.output


def test_no_variable_stands_for_the_kubeconfig() -> None:
    for parameter in demo.params:
        assert parameter.envvar is None
    assert "auto_envvar_prefix" not in demo.context_settings


def test_an_empty_kubeconfig_is_not_the_default_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.touch(mode=0o755)
    monkeypatch.setenv(binaries.ASSETS_VARIABLE, str(tmp_path))
    ground = existing(Path(), context=None)
    with pytest.raises(ClusterError, match="there is no kubeconfig"), ground(lambda _: None):
        pytest.fail("something was taken")


def test_kubectl_of_path_spares_a_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.touch(mode=0o755)
    monkeypatch.delenv(binaries.ASSETS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing-built"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binaries.any_kubectl() == kubectl

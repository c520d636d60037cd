"""What Tab offers: names on the management cluster, and nothing where they are not to be had."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from aks_access.__main__ import COMPLETE_VARIABLE, cli
from aks_access.cli import plugin
from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.cli.hub.reach import Reach
from aks_access.cli.options import completing
from aks_access.cli.surroundings import Surroundings
from aks_access.errors import KubeForbidden, StartupError
from tests.unit.cli import scene
from tests.unit.cli.test_command_line import ENVIRONMENT


def offered(*words: str, cluster: Callable[[Reach], Cluster] | None = None) -> list[str]:
    machine = Surroundings(cluster=cluster or (lambda _: scene.cluster()))
    asked = ShellComplete(cli, {"obj": machine}, "aks-access", COMPLETE_VARIABLE)
    return [each.value for each in asked.get_completions(list(words[:-1]), words[-1])]


def test_targets_are_offered_but_those_named_already() -> None:
    assert offered("who", "") == ["dev-weu", "lab", "prod-neu", "prod-weu", "vault"]
    assert offered("who", "prod-neu", "p") == ["prod-weu"]
    assert offered("explain", "81.2.69.142", "pr") == ["prod-neu", "prod-weu"]


def test_grants_are_those_of_the_namespace() -> None:
    assert offered("explain", "d") == ["dev-laptop"]
    assert offered("explain", "--my-ip", "pr") == ["prod-neu", "prod-weu"]
    assert offered("explain", "-n", "team-b", "") == ["ci", "ci-42"]


def test_namespaces_are_offered_or_those_that_have_grants() -> None:
    assert offered("explain", "-n", "team") == ["team-a", "team-b"]

    class _Limited(FakeCluster):
        def all(self, resource: Resource, *, namespace: str = "") -> list[dict[str, Any]]:
            if resource is Resource.NAMESPACES:
                raise KubeForbidden("no")
            return FakeCluster.all(self, resource, namespace=namespace)

    limited = _Limited()
    limited.add(*scene.objects())
    assert offered("explain", "-n", "", cluster=lambda _: limited) == ["team-a", "team-b"]


def test_flags_say_which_cluster_is_asked() -> None:
    asked: list[Reach] = []

    def cluster(reach: Reach) -> Cluster:
        asked.append(reach)
        return scene.cluster()

    offered("who", "--context", "hub", "--kubeconfig", "file", "", cluster=cluster)
    assert asked == [Reach(kubeconfig="file", context="hub")]


@pytest.mark.parametrize("error", [StartupError("no"), KubeForbidden("no"), ValueError("defect")])
def test_a_failure_is_silent(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def cluster(_: Reach) -> Cluster:
        raise error

    assert offered("who", "", cluster=cluster) == []
    assert capsys.readouterr() == ("", "")


def test_a_cluster_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completing, "SECONDS", 0.05)

    def cluster(_: Reach) -> Cluster:
        threading.Event().wait()
        raise AssertionError("unreachable")

    assert offered("who", "", cluster=cluster) == []


def test_kubectl_gets_a_line_for_each_and_a_directive() -> None:
    found = list(plugin.completions(["wh"]))
    assert found == ["who\tWho can get in now.", ":4"]
    assert list(plugin.completions(["who", "-o", ""])) == ["json", "wide", ":4"]
    assert list(plugin.completions(["who", "--out"])) == ["--output\tAnother form.", ":4"]


def test_kubectl_completes_names_of_files_where_a_command_takes_them() -> None:
    assert list(plugin.completions(["gc", ""]))[-1] == ":0"


def test_kubectl_never_gets_an_error() -> None:
    code = (
        "import sys; from aks_access.cli import plugin\n"
        "plugin.completions = lambda words: 1 / 0\n"
        "plugin.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (":4\n", "")

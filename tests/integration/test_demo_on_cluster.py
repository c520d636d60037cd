"""The demo on a cluster that is already there: it is left exactly as it was, whatever happens.

The cluster is a control plane of the sandbox's that stands in for somebody's: the demo is given
nothing of it but a kubeconfig.
"""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.chart import NAMESPACE, ROOT, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.binaries import ASSETS_VARIABLE
from sandbox.demo.command import DRIFT_INTERVAL, play
from sandbox.demo.play import one_grant, quiet, take_on
from sandbox.demo.screen import Screen
from sandbox.demo.stage import Stage
from sandbox.existing.claim import claim
from sandbox.existing.errors import ClusterError
from sandbox.existing.inventory import LABEL, things
from sandbox.existing.removal import Removal
from sandbox.existing.site import existing, remove
from sandbox.landscape import landscape
from sandbox.processes import Process, Scratch, wait_until
from tests.integration.lent import gone, held, opened, refused, settled, snapshot, writes

pytestmark = [pytest.mark.install, pytest.mark.timeout(240)]

EARLIER = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "of-an-earlier-installation", "namespace": "default"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "type": "Normal",
    "reason": "ListRestored",
    "action": "Write",
    "note": "an Event of an operator that was here before",
    "regarding": {"kind": "ApiAccessTarget", "name": "prod-weu"},
    "reportingController": f"aksaccess.dev/{SERVICE_ACCOUNT}",
    "reportingInstance": "earlier",
}


@pytest.fixture(scope="module")
def lent() -> Iterator[ControlPlane]:
    """Somebody's cluster, with things of theirs on it."""
    issuer = "https://oidc.example.com/somebodys"  # the emulator lets in whom the demo tells it
    with ControlPlane(controller_manager=True, issuer=issuer) as plane:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "somebodys"}}
        plane.request("POST", "/api/v1/namespaces", body)
        yield plane


@pytest.fixture
def cluster(lent: ControlPlane) -> Iterator[ControlPlane]:
    """The same, which this test must leave exactly as it was."""
    before = settled(lent)
    yield lent
    assert snapshot(lent) == before


def test_the_demo_leaves_nothing_not_even_with_a_dead_operator(cluster: ControlPlane) -> None:
    cluster.request("POST", "/apis/events.k8s.io/v1/namespaces/default/events", EARLIER)
    before, begun, text = snapshot(cluster), datetime.now(UTC), io.StringIO()
    screen = Screen(Console(file=text, highlight=False))
    told: list[tuple[str, int]] = []

    def say(line: str) -> None:
        told.append((line, len(writes(cluster, since=begun))))

    def fails(stage: Stage) -> None:
        """A check that does not hold"""
        stage.holds("the list is right", seen=1, expected=2)

    with landscape(
        say=say, on=existing(cluster.kubeconfig, context=None), drift_interval=DRIFT_INTERVAL
    ) as world:
        assert world.operator is not None
        assert play(world, screen=screen, took={}, steps=(take_on, one_grant, quiet)), (
            text.getvalue()
        )
        assert not play(world, screen=screen, took={}, steps=(fails,))
        grant = "/apis/aksaccess.dev/v1alpha1/namespaces/team-a/apiaccessgrants/laptop"
        assert cluster.request("GET", grant)["metadata"]["finalizers"]
        world.operator.kill()

    first, already = told[0]
    assert cluster.url in first
    assert "context sandbox" in first
    assert already == 0, "the cluster is named before anything is stored there"
    assert "namespace/team-a unchanged" in text.getvalue(), "it was claimed before the story began"
    assert "no object that the operator can write has changed" in text.getvalue()
    assert "Left out: writes that the API server refused" in text.getvalue()
    assert snapshot(cluster) == before
    cluster.request(
        "DELETE", "/apis/events.k8s.io/v1/namespaces/default/events/of-an-earlier-installation"
    )


def test_an_interrupted_demo_cleans_up(cluster: ControlPlane) -> None:
    """By one signal of those that it takes as Ctrl-C (tests/unit/sandbox/test_interrupts.py)."""
    when = "condition=Programmed aag/laptop"
    with Scratch() as scratch, ExitStack() as stack:
        command = [sys.executable, "-u", "-m", "sandbox", "demo"]
        command += ["--kubeconfig", str(cluster.kubeconfig), "--context", "sandbox"]
        process = Process(command, name="demo", scratch=scratch, cwd=ROOT)
        stack.callback(process.stop)

        def reached() -> bool:
            process.ensure_running()
            return when in process.log.read_text()

        wait_until(reached, what=when, timeout=90, detail=process.log_tail)
        process.signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 1
        assert "everything is removed" in process.log.read_text()


def test_a_killed_demo_is_recognised_and_removed_later(cluster: ControlPlane) -> None:
    with opened(cluster) as theirs:
        claim(theirs, run="killed")
        cluster.kubectl("apply", "-f", str(ROOT / "examples" / "plain"))
        held(cluster, "/apis/aksaccess.dev/v1alpha1/apiaccesstargets/prod-weu")
        config_map = "/api/v1/namespaces/team-a/configmaps/kept"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}}
        cluster.request("POST", config_map.removesuffix("/kept"), body)
        held(cluster, config_map)
        with refused(cluster, cluster.kubeconfig) as told:
            assert "a demo is running, or one was killed" in told[0]
            _, _, printed = told[0].partition("remove what it left: ")

        assert Removal(theirs, run="another").finish() == [], "it is not that run's to remove"
        assert cluster.request("GET", things()[0].path)["metadata"]["labels"][LABEL] == "killed"

        reason = "example.com/keep in 1 resource instances"
        removal = Removal(theirs, run=None)
        with ThreadPoolExecutor() as aside:
            removing = aside.submit(pasted, printed)
            wait_until(
                lambda: reason in str(cluster.request("GET", "/api/v1/namespaces/team-a")),
                what="the printed command to get as far as the object that is held",
                timeout=60,
            )
            wait_until(
                lambda: [reason in each for each in removal.finish(seconds=0)] == [True],
                what="all to go but the namespace with that object",
                timeout=60,
            )
            (left,) = removal.finish(seconds=0)
            assert left.startswith("Namespace team-a (")
            held(cluster, config_map, by=None)
            assert "everything is removed" in removing.result()
    said: list[str] = []
    remove(cluster.kubeconfig, context=None, say=said.append)
    assert said[-1] == "nothing of a demo is there"


def pasted(command: str) -> str:
    """What a printed command prints in a shell that knows nothing of this project."""
    known = {name: os.environ[name] for name in ("HOME", ASSETS_VARIABLE) if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", **known},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


RBAC = "/apis/rbac.authorization.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OTHER_KIND = {
    "group": "aksaccess.dev",
    "scope": "Namespaced",
    "names": {"plural": "others", "singular": "other", "kind": "Other", "listKind": "OtherList"},
    "versions": [
        {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object"}},
        }
    ],
}


def test_what_is_there_already_is_named_and_left_alone(cluster: ControlPlane) -> None:
    theirs = (
        (f"/api/v1/namespaces/{NAMESPACE}", "v1", "Namespace", {}),
        ("/api/v1/namespaces/team-a", "v1", "Namespace", {}),
        (f"{RBAC}/clusterroles/{SERVICE_ACCOUNT}", f"{RBAC[6:]}", "ClusterRole", {"rules": []}),
        (
            f"{CRDS}/others.aksaccess.dev",
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            {"spec": OTHER_KIND},
        ),
    )
    for path, version, kind, more in theirs:
        collection, _, name = path.rpartition("/")
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}
        cluster.request("POST", collection, body)
    found = settled(cluster)
    with refused(cluster, cluster.kubeconfig) as told:
        for path, _, kind, _ in theirs:
            assert f"{kind} {path.rpartition('/')[2]}" in told[0]
        assert "run `make demo` alone" in told[0]
    remove(cluster.kubeconfig, context=None, say=lambda _: None)
    with opened(cluster) as ours:
        with pytest.raises(ClusterError, match="somebody else just made Namespace"):
            claim(ours, run="too-late")
        Removal(ours, run="too-late").finish()
    assert snapshot(cluster) == found, "no removal takes what is theirs"
    for path, *_ in theirs:
        cluster.request("DELETE", path)
    for path in (*(each[0] for each in theirs), "/apis/aksaccess.dev"):
        wait_until(partial(gone, cluster, path), what=f"{path} to go", timeout=30)


def test_missing_rights_are_named(cluster: ControlPlane) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "weak"}}
    cluster.request("POST", "/api/v1/namespaces/somebodys/serviceaccounts", account)
    rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "delete"]}
    role = {"kind": "ClusterRole", "metadata": {"name": "weak"}, "rules": [rule]}
    binding = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "weak"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "weak"},
        "subjects": [{"kind": "ServiceAccount", "name": "weak", "namespace": "somebodys"}],
    }
    for collection, body in (("clusterroles", role), ("clusterrolebindings", binding)):
        made = {"apiVersion": "rbac.authorization.k8s.io/v1", **body}
        cluster.request("POST", f"{RBAC}/{collection}", made)
    with refused(cluster, cluster.kubeconfig_for("weak", "somebodys")) as told:
        assert "you may not create namespaces, create customresourcedefinitions.apiext" in told[0]
        assert f"create serviceaccounts/token in {NAMESPACE}" in told[0]
        assert "watch apiaccessgrants.aksaccess.dev" in told[0]
        assert "Take a context of a cluster administrator" in told[0]
    cluster.request("DELETE", f"{RBAC}/clusterrolebindings/weak")
    cluster.request("DELETE", f"{RBAC}/clusterroles/weak")
    cluster.request("DELETE", "/api/v1/namespaces/somebodys/serviceaccounts/weak")


def test_a_server_or_context_that_is_not_there_is_one_sentence(
    cluster: ControlPlane, tmp_path: Path
) -> None:
    with refused(cluster, cluster.kubeconfig, "nowhere") as told:
        assert "has no usable context nowhere" in told[0]
    with refused(cluster, tmp_path / "none") as told:
        assert "there is no kubeconfig" in told[0]
    away = tmp_path / "away"
    with socket.socket() as nobody:  # bound, and nobody listens
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        away.write_text(
            cluster.kubeconfig.read_text().replace(cluster.url, f"https://127.0.0.1:{port}")
        )
        with refused(cluster, away) as told:
            assert (
                f"https://127.0.0.1:{port} (context sandbox of {away}) cannot be reached" in told[0]
            )
            assert "connection refused" in told[0]
    unknown = json.loads(cluster.kubeconfig.read_text())
    unknown["users"][0]["user"] = {"token": "expired"}
    away.write_text(json.dumps(unknown))
    with refused(cluster, away) as told:
        assert "does not let you in: Unauthorized" in told[0]

"""Commands in a pod, without a kubeconfig: kubectl takes the ServiceAccount and its namespace.

kubectl knows one place for a ServiceAccount's files, so each command runs where that place is a
folder of the test: in a mount namespace of its own.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from aks_access.engine.ports import Kind
from sandbox.chart import NAMESPACE, ROOT, SERVICE_ACCOUNT
from sandbox.controlplane import binary
from tests.integration.kube_support import wait_allowed
from tests.integration.world import OPERATOR, World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

_OWN = ["unshare", "--user", "--map-root-user", "--mount"]
_POD = """\
mount -t tmpfs none /var/run
mkdir -p /var/run/secrets/kubernetes.io
cp -r "$0" /var/run/secrets/kubernetes.io/serviceaccount
exec "$@"
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pod(world: World, tmp_path: Path) -> Run:
    """Runs a command of ours, or kubectl's, as a pod of the test's namespace would."""
    if subprocess.run([*_OWN, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not allowed here")
    namespace = world.home()
    subject = {"kind": "ServiceAccount", "name": "runner", "namespace": namespace}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner"}}
    rbac = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "runner"},
        "roleRef": {
            "apiGroup": rbac,
            "kind": "ClusterRole",
            "name": "aks-access-operator-grants-edit",
        },
        "subjects": [subject],
    }
    world.kubectl("apply", "-n", namespace, "-f", "-", documents=[account, binding])
    wait_allowed(world.plane, "patch", "aag", who=f"{namespace}:runner")
    files = tmp_path / "account"
    files.mkdir()
    config = yaml.safe_load(world.plane.kubeconfig_for("runner", namespace).read_text())
    (files / "token").write_text(config["users"][0]["user"]["token"])
    (files / "namespace").write_text(namespace)
    (files / "ca.crt").write_bytes(world.plane.certificate_authority.read_bytes())
    server = urlsplit(world.plane.url)
    variables = {
        "PATH": os.pathsep.join([str(binary("kubectl").parent), "/usr/bin", "/bin"]),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }

    def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_OWN, "sh", "-ec", _POD, str(files), *command],
            env={**variables, **more},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


OURS = (sys.executable, "-m", "aks_access")


def test_a_pod_lets_itself_in_and_out_in_its_own_namespace(world: World, pod: Run) -> None:
    target = world.target(world.cluster())
    ask = ("grant", target.name, "--ip", "81.2.69.142", "--for", "1h", "--reason", "x")
    world.object(Kind.GRANT, name="job", namespace=world.home())
    done = pod(*OURS, *ask, "--name", "job", "-o", "name")
    assert (done.returncode, done.stdout) == (0, "apiaccessgrant/job\n"), done.stderr
    seen = pod("kubectl", "get", "apiaccessgrants", "-o", "jsonpath={.items[*].metadata.name}")
    assert seen.stdout == "job", seen.stderr
    for command in (("extend", "job", "--for", "2h"), ("explain", "job"), ("revoke", "job")):
        done = pod(*OURS, *command)
        assert done.returncode in (0, 1), done.stderr
        assert (done.stderr, "job" in done.stdout) == ("", True)


@pytest.mark.parametrize(
    ("kubeconfig", "more", "namespace"),
    [
        ("", {"POD_NAMESPACE": "elsewhere"}, "elsewhere"),
        ("", {"KUBERNETES_SERVICE_PORT": ""}, ""),
        ("none", {}, None),
        ("named", {}, "named"),
    ],
)
def test_the_namespace_is_the_one_that_kubectl_takes(
    world: World,
    pod: Run,
    tmp_path: Path,
    kubeconfig: str,
    more: dict[str, str],
    namespace: str | None,
) -> None:
    """`None` is the pod's own: it is taken where a kubeconfig's context names none, too."""
    if kubeconfig:
        config = yaml.safe_load(world.plane.kubeconfig.read_text())
        config["contexts"][0]["context"].pop("namespace", None)
        if kubeconfig == "named":
            config["contexts"][0]["context"]["namespace"] = namespace
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        more = {**more, "KUBECONFIG": str(file)}
    code = "from aks_access.cli.hub.kubectl import Kubectl; print(Kubectl().namespace())"
    ours = pod(sys.executable, "-c", code, **more)
    kubectls = pod("kubectl", "get", "configmaps", "-v=6", **more)
    if not namespace and namespace is not None:
        assert "No context of the kubeconfig is chosen" in ours.stderr
        assert "localhost:8080" in kubectls.stderr
        return
    expected = namespace or world.home()
    assert ours.stdout == f"{expected}\n", ours.stderr
    assert f"/namespaces/{expected}/configmaps" in kubectls.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--as", "jane"), "You may not: apiaccessgrants.aksaccess.dev "),
        (("--request-timeout", "20s"), 'No grant "none" in namespace '),
    ],
)
def test_a_flag_that_changes_kubectls_defaults_reaches_the_same_server(
    pod: Run, flags: tuple[str, str], said: str
) -> None:
    done = pod(*OURS, "explain", "none", *flags)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_doctor_asks_for_the_operators_rights_where_it_may(world: World, pod: Run) -> None:
    done = pod(*OURS, "doctor")
    assert "were not looked at: you may not impersonate it" in done.stdout, done.stderr
    impersonates = {
        "apiGroups": [""],
        "resources": ["serviceaccounts"],
        "resourceNames": [SERVICE_ACCOUNT],
        "verbs": ["impersonate"],
    }
    _bind(world, rules=[impersonates])
    done = pod(*OURS, "doctor")
    assert f"{OPERATOR} has all 27 rights that the operator needs" in done.stdout, done.stderr


def _bind(world: World, *, rules: list[dict[str, list[str]]]) -> None:
    """Give the pod's account rights in the operator's namespace."""
    api, home = "rbac.authorization.k8s.io", world.home()
    head = {"apiVersion": f"{api}/v1", "metadata": {"name": home}}
    role = {**head, "kind": "Role", "rules": rules}
    binding = {
        **head,
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": api, "kind": "Role", "name": home},
        "subjects": [{"kind": "ServiceAccount", "name": "runner", "namespace": home}],
    }
    world.kubectl("apply", "-n", NAMESPACE, "-f", "-", documents=[role, binding])


@pytest.mark.parametrize(
    ("kubeconfig", "code", "said"),
    [
        ({"current-context": "gone"}, 2, 'The kubeconfig has no context "gone".'),
        (
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "gone"}}],
            },
            2,
            'The kubeconfig has no cluster "gone", which a context or a flag names.',
        ),
        ({"clusters": []}, 3, "In a pod without a kubeconfig its ServiceAccount is taken: unset"),
    ],
)
def test_a_kubeconfig_that_names_nothing_is_one_clear_line(
    pod: Run, tmp_path: Path, kubeconfig: dict[str, object], code: int, said: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **kubeconfig}))
    done = pod(*OURS, "explain", "none", "--as", "jane", KUBECONFIG=str(file))
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("aks-access: "), done.stderr
    assert (said in done.stderr, done.stderr.count("\n")) == (True, 1), done.stderr

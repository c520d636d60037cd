"""`kubectl aks-access grant`, `extend` and `revoke` beside a running operator, as people run them.

They come from an address of the internet, through a proxy that lets them to an API server of AKS as
the cluster's list says.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from aks_access.engine.ports import Kind
from sandbox.chart import ROOT
from sandbox.controlplane import binary
from tests.integration.internet import Internet
from tests.integration.kube_support import wait_allowed
from tests.integration.scenes import OFFICE
from tests.integration.things import Cluster, Object
from tests.integration.world import World

pytestmark = pytest.mark.timeout(120)  # a dozen processes, each of which starts Python

HOME, CAFE = "81.2.69.142", "20.50.1.7"


@dataclass(slots=True)
class Person:
    """Somebody with kubectl, its plugin, and a kubeconfig."""

    folder: Path
    namespace: str
    variables: Mapping[str, str]
    kubeconfig: Path
    said: str = field(default="", init=False)
    """Standard error of the last command."""

    def __post_init__(self) -> None:
        for name in ("aks-access", "kubectl-aks_access"):
            program = self.folder / name
            program.write_text(
                f"#!{sys.executable}\nfrom aks_access.__main__ import main\nmain()\n"
            )
            program.chmod(0o755)

    def run(self, line: str, *, code: int = 0) -> str:
        """`kubectl aks-access …` in the own namespace; returns standard output."""
        return self.script(f"kubectl aks-access {line} -n {self.namespace}", code=code)

    def script(self, text: str, *, code: int = 0) -> str:
        """A script, run as a pipeline's runner does; returns standard output."""
        done = subprocess.run(
            ["bash", "-e", "-c", text],
            env={
                "PATH": os.pathsep.join(
                    [str(self.folder), str(binary("kubectl").parent), "/usr/bin", "/bin"]
                ),
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.kubeconfig),
                "PYTHONPATH": str(ROOT / "operator"),
                **self.variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        self.said = done.stderr
        assert done.returncode == code, f"{text}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture
def internet(world: World, tmp_path: Path) -> Iterator[Internet]:
    """Where the person is: at home."""

    def enforced(host: str) -> list[str] | None:
        views = [cluster.view() for cluster in world.clusters]
        return next(view.applied for view in views if view.body["properties"]["fqdn"] == host)

    with Internet(tmp_path, lists=enforced) as made:
        yield made


@pytest.fixture
def person(world: World, internet: Internet, tmp_path: Path) -> Person:
    """An administrator in a namespace of the test."""
    return Person(
        folder=tmp_path,
        namespace=world.home(),
        variables=internet.variables,
        kubeconfig=world.plane.kubeconfig,
    )


@pytest.fixture
def grant(world: World, person: Person) -> Callable[[str], Object]:
    """The grant of a name in the person's namespace."""
    return lambda name: world.object(Kind.GRANT, name=name, namespace=person.namespace)


def test_two_hours_from_home_then_from_the_cafe(
    world: World, person: Person, internet: Internet, grant: Callable[[str], Object]
) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    laptop = grant("laptop")
    ask = f"grant {target.name} --my-ip --for 2h --reason INC-77 --name laptop --wait"
    out = person.run(ask)
    assert re.fullmatch(
        r"apiaccessgrant/laptop  applied, until \S+Z · in Azure after \d+ s · "
        r"API server answered after \d+ s\n",
        out,
    )
    assert person.said.startswith(f"your IPv4, seen by 2 services: {HOME}\n")
    cluster.wait_ranges(OFFICE, f"{HOME}/32")
    assert internet.asked

    person.run("extend laptop --for 3h")
    internet.address = CAFE
    person.run(ask.replace("2h", "4h"))
    cluster.wait_ranges(OFFICE, f"{CAFE}/32")
    managers = {each["manager"] for each in laptop.read()["metadata"]["managedFields"]}
    assert not any(each.startswith("kubectl") for each in managers)


def test_access_ends_at_a_word_and_begins_again_at_another(
    world: World, person: Person, grant: Callable[[str], Object]
) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant("laptop")
    ask = f"grant {target.name} --ip {HOME} --for 2h --reason INC-77 --name laptop"
    person.run(ask)
    out = person.run("extend laptop --for 3h --wait")
    assert re.search("extended, until .* in Azure after .* API server answered after", out)
    assert person.run("revoke laptop -o name") == "apiaccessgrant/laptop\n"
    assert re.fullmatch(
        r"apiaccessgrant/laptop  revoked already · out of Azure after \d+ s\n",
        person.run("revoke apiaccessgrant/laptop --wait"),
    )
    cluster.wait_ranges(OFFICE)
    person.run(ask, code=1)
    assert "was revoked. --again lets it in again" in person.said
    person.run("extend laptop --for 4h", code=1)
    assert "was revoked" in person.said
    person.run(f"{ask} --again")
    cluster.wait_ranges(OFFICE, f"{HOME}/32")


def test_what_the_operator_would_refuse_is_said_in_its_words_and_not_applied(
    world: World, person: Person, grant: Callable[[str], Object]
) -> None:
    policy = {"maxDuration": "1h", "contact": "platform@contoso.com"}
    target = world.target(world.cluster(), policy=policy)
    person.run(f"grant {target.name} --ip {HOME} --for 2h --reason x --name long", code=1)
    assert not grant("long").exists()
    told = world.grant(target, HOME, expiresAt=world.at(7200)).wait_state("PolicyDenied")
    message, _, in_git = told["status"]["conditions"][0]["message"].partition(" Commit")
    assert in_git == " an earlier expiresAt, or ask platform@contoso.com."
    without_time = re.compile(r"\d{4}-\S+Z")
    at_hand = f"{message} Use --for 1h at most (--until T), or ask platform@contoso.com."
    assert without_time.sub("T", at_hand) in without_time.sub("T", person.said)
    person.run(f"grant {target.name} --ip {HOME} --for 50m --reason x --name short")
    grant("short").wait_state("Active")
    person.run("extend short --for 2h", code=1)
    assert f"is more than 1h, the limit of {target.name}" in person.said


@pytest.mark.parametrize(("ranges", "code"), [([OFFICE], 1), ([OFFICE, f"{HOME}/32"], 0)])
def test_in_observe_nothing_is_written_and_the_api_server_decides(
    world: World,
    person: Person,
    grant: Callable[[str], Object],
    ranges: list[str],
    code: int,
) -> None:
    cluster = world.cluster(ranges)
    target = world.target(cluster, mode="Observe")
    grant("me")
    out = person.run(f"grant {target.name} --my-ip --for 1h --reason x --name me --wait", code=code)
    assert f"Observed: {target.name} is in mode Observe, nothing is written." in person.said
    assert ("API server answered" in out) is (code == 0)
    assert cluster.ranges == ranges


def test_a_grant_of_git_is_revoked_alone_and_what_still_admits_it_is_named(
    world: World, person: Person
) -> None:
    cluster = world.cluster([OFFICE, "81.2.69.0/24"])
    target = world.target(cluster)
    app = {"argocd.argoproj.io/tracking-id": "team-a:aksaccess.dev/ApiAccessGrant:x/y"}
    tracked = world.grant(target, HOME, expiresAt=world.at(3600), annotations=app)
    tracked.wait_state("Active")
    for line in (
        f"grant {target.name} --ip {HOME} --for 2h --reason x --name {tracked.name}",
        f"extend {tracked.name} --for 2h",
    ):
        person.run(line, code=1)
        assert "is tracked by Argo CD application team-a" in person.said
        assert "Git" in person.said
    out = person.run(f"revoke {tracked.name} --wait")
    assert "revoked · out of Azure after" in out
    assert "application team-a: remove it from Git too." in person.said
    assert f"Closed, but 81.2.69.0/24 (foreign) still admits {HOME}/32" in person.said
    cluster.wait_ranges(OFFICE, "81.2.69.0/24")


def test_a_cluster_that_cannot_be_restricted_ends_the_wait(
    world: World, person: Person, grant: Callable[[str], Object]
) -> None:
    target = world.target(world.cluster(None, shape={"private": True}))
    grant("me")
    person.run(f"grant {target.name} --my-ip --for 1h --reason x --name me --wait", code=1)
    assert "Private cluster: ranges do not apply. Use `az aks command invoke" in person.said


def test_azure_has_another_address_than_the_caller_comes_from(
    world: World, person: Person, grant: Callable[[str], Object]
) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant("me")
    ask = f"grant {target.name} --ip {CAFE} --for 1h --reason x --name me --wait"
    assert "answered" not in person.run(f"{ask} --no-probe")
    out = person.run(f"{ask} --timeout 12s", code=1)
    assert "in Azure after" in out
    assert "does not answer from here" in person.said
    assert "not yet" in person.said


def test_what_stands_there_from_elsewhere_is_not_taken_over(world: World, person: Person) -> None:
    target = world.target(world.cluster())
    by_hand = world.grant(target, CAFE, expiresAt=world.at(3600))
    by_length = world.grant(target, CAFE, duration="1h")
    person.run(f"grant {target.name} --ip {HOME} --for 2h --reason x --name {by_hand.name}", code=1)
    assert f"Grant {person.namespace}/{by_hand.name} is there, and " in person.said
    assert "Use another --name" in person.said
    line = f"grant {target.name} --ip {CAFE} --for 2h --reason x --name {by_length.name}"
    person.run(line, code=1)
    assert person.said.count("\n") == 1
    assert "expiresAt and duration are both set" in person.said
    person.run(f"extend {by_length.name} --for 2h")
    assert "duration" not in by_length.read()["spec"]


def test_a_dry_run_stores_nothing(
    world: World, person: Person, grant: Callable[[str], Object]
) -> None:
    target = world.target(world.cluster())
    ask = f"grant {target.name} --ip {HOME} --for 1h --reason x --name me"
    for how in ("--dry-run=server -o json", "-o yaml"):
        assert person.run(f"{ask} {how}")
    assert not grant("me").exists()
    person.run(ask)
    person.run("extend me --for 2h --dry-run=server")
    person.run("revoke me --dry-run=server")
    assert grant("me").read()["metadata"]["generation"] == 1


def test_whoever_may_only_write_grants_of_a_namespace_gets_in(
    world: World, person: Person, internet: Internet, grant: Callable[[str], Object]
) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    rights = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "grants", "namespace": person.namespace},
        "rules": [
            {
                "apiGroups": ["aksaccess.dev"],
                "resources": ["apiaccessgrants"],
                "verbs": ["get", "list", "watch", "create", "patch"],
            }
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "grants", "namespace": person.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "grants"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": person.namespace}],
    }
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": person.namespace},
    }
    world.kubectl("apply", "-f", "-", documents=[account, rights, binding])
    person.kubeconfig = world.plane.kubeconfig_for("default", person.namespace)
    wait_allowed(world.plane, "patch", "aag", who=f"{person.namespace}:default")
    grant("me")
    out = person.run(f"grant {target.name} --my-ip --for 1h --reason x --name me --wait")
    assert "in Azure after" in out
    assert f"you may not read target {target.name}" in person.said
    assert internet.asked == []
    person.run("extend me --for 2h")
    person.run("revoke me --wait")
    cluster.wait_ranges(OFFICE)
    person.namespace = world.namespace()
    person.run(f"grant {target.name} --ip {HOME} --for 1h --reason x", code=1)
    assert "You may not: " in person.said
    assert person.said.count("\n") == 1


def test_an_hour_over_is_opened_again(
    world: World, person: Person, grant: Callable[[str], Object]
) -> None:
    cluster: Cluster = world.cluster()
    target = world.target(cluster)
    person.run(f"grant {target.name} --ip {HOME} --for 3s --reason x --name me")
    grant("me").wait_state("Expired")
    assert "ended already, " in person.run("revoke me")
    assert "(ended " in person.run("extend me --for 1h --wait --no-probe")
    cluster.wait_ranges(OFFICE, f"{HOME}/32")


def test_why_somebody_does_not_get_in_who_does_not_know_their_address(
    world: World, person: Person, internet: Internet, grant: Callable[[str], Object]
) -> None:
    target = world.target(world.cluster())
    grant("me")
    ask = f"explain --my-ip {target.name}"
    assert "BLOCKED  no entry covers it" in person.run(ask, code=1)
    assert person.said == f"your IPv4, seen by 2 services: {HOME}\n"
    person.run(f"grant {target.name} --my-ip --for 1h --reason x --name me --wait")
    target.wait_state("InSync")  # it tells of the entry, as the grant does before or after it
    assert f"{target.name}  ALLOWED by {HOME}/32  {person.namespace}/me, until " in person.run(ask)
    internet.address = CAFE
    assert "BLOCKED  no entry covers it" in person.run(ask, code=1)
    assert person.said == f"your IPv4, seen by 2 services: {CAFE}\n"


def steps(file: str) -> Iterator[tuple[str, str]]:
    """The steps of a job that use our command: when they run, and the script."""
    whole = yaml.safe_load((ROOT / "examples" / "ci" / file).read_text())
    for step in whole["jobs"]["deploy"]["steps"] if "jobs" in whole else whole["steps"]:
        script = step.get("run") or step.get("script") or ""
        if "aks-access " in script:
            yield step.get("if") or step.get("condition") or "", script


@pytest.mark.parametrize(
    ("file", "variables"),
    [
        (
            "github-access.yaml",
            {
                "GITHUB_RUN_ID": "77",
                "GITHUB_RUN_ATTEMPT": "1",
                "GITHUB_SHA": "0a1b2c",
                "GITHUB_ACTOR": "dev",
            },
        ),
        (
            "azure-devops-access.yaml",
            {
                "BUILD_BUILDID": "77",
                "SYSTEM_JOBATTEMPT": "1",
                "BUILD_SOURCEVERSION": "0a1b2c",
                "BUILD_REQUESTEDFOREMAIL": "dev@contoso.com",
            },
        ),
    ],
)
def test_a_job_lets_itself_in_and_out(
    world: World,
    person: Person,
    grant: Callable[[str], Object],
    file: str,
    variables: Mapping[str, str],
) -> None:
    policy = {"requireReason": True, "requireRequestedBy": True, "maxDuration": "1h"}
    cluster = world.cluster()
    target = world.target(cluster, policy=policy)
    person.variables = {**person.variables, **variables}
    person.kubeconfig = person.folder / "kubeconfig"
    config = yaml.safe_load(world.plane.kubeconfig.read_text())
    config["contexts"][0]["name"] = "hub"
    person.kubeconfig.write_text(yaml.safe_dump({**config, "current-context": "none"}))
    [(first, let_in), (last, take_out)] = [
        (when, script.replace("prod-weu", target.name).replace("team-a", person.namespace))
        for when, script in steps(file)
    ]
    assert (first, last) == ("", "always()")
    grant("ci-77-1")
    assert "API server answered after" in person.script(let_in)
    cluster.wait_ranges(OFFICE, f"{HOME}/32")
    assert person.script(take_out) == "apiaccessgrant/ci-77-1  revoked\n"
    cluster.wait_ranges(OFFICE)

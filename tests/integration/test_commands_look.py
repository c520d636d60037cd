"""`who`, `explain` and `status` as people call them: by the real kubectl, of a running operator."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aks_access.__main__ import COMMANDS
from sandbox.chart import ROOT
from sandbox.controlplane import ControlPlane, binary
from sandbox.controlplane.client import ApiError
from sandbox.processes import Scratch, wait_until
from tests.integration.things import DEADLINE, Object
from tests.integration.world import World

FOREIGN = "20.50.1.0/24"
LAPTOP = "81.2.69.142/32"
WHO = {"requestedBy": "dev@contoso.com", "ticketRef": "INC-77", "reason": "debug the ingress"}
ALONE = {"run", "ledger", "doctor", "adopt"}
"""Commands that may load a client library: they talk to Azure, or are the operator's."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with kubectl, our plugin and a kubeconfig."""

    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command; output and errors apart."""
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def says(self, *arguments: str, code: int = 0) -> str:
        """What `kubectl aks-access …` prints, which ends with this code."""
        done = self.run("kubectl", "aks-access", *arguments)
        assert (done.returncode, done.stderr) == (code, ""), done
        return done.stdout

    def reads(self, *arguments: str, code: int = 0) -> Any:
        """The same as JSON."""
        return json.loads(self.says(*arguments, "-o", "json", code=code))

    def using(self, kubeconfig: Path) -> "Person":
        """Somebody else."""
        return Person({**self.environment, "KUBECONFIG": str(kubeconfig)})


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """A folder of the PATH with the commands as an installation has them, and kubectl."""
    places = {
        "aks-access": "aks_access.__main__",
        "kubectl-aks_access": "aks_access.__main__",
        "kubectl_complete-aks_access": "aks_access.cli.plugin",
    }
    with Scratch() as scratch:
        for name, module in places.items():
            script = scratch.path / name
            script.write_text(f"#!{sys.executable}\nfrom {module} import main\nmain()\n")
            script.chmod(0o755)
        (scratch.path / "kubectl").symlink_to(binary("kubectl"))
        yield scratch.path


def person_on(plane: ControlPlane, programs: Path) -> Person:
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("_AKS", "KUBE", "NO_COLOR"))
    }
    return Person(
        {
            **kept,
            **plane.environment,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "operator"),
            "COLUMNS": "120",
            "TERM": "xterm",
        }
    )


@pytest.fixture
def person(world: World, programs: Path) -> Person:
    return person_on(world.plane, programs)


def let_in(world: World, *ranges: str) -> tuple[Object, Object]:
    """A target with a foreign entry, and a grant that the operator let in."""
    target = world.target(world.cluster([FOREIGN]), policy={"contact": "platform@contoso.com"})
    grant = world.grant(target, *(ranges or (LAPTOP,)), expiresAt=world.at(3600), **WHO)
    grant.wait_state("Active")
    raw = target.wait_state("InSync")
    assert "Grant" in {each["origin"] for each in raw["status"]["entries"]}
    return target, grant


def columns(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line) for line in text.splitlines()]


def test_who_tells_each_entry_and_its_owner(world: World, person: Person) -> None:
    target, grant = let_in(world)
    end = grant.status["expiresAt"]
    foreign, ours = columns(person.says("who", target.name))
    assert foreign == [FOREIGN, "foreign", "never"]
    assert ours[:2] == [LAPTOP, f"{grant.namespace}/{grant.name}"]
    assert ours[2] in (end[11:16] + "Z", end[:16] + "Z")
    assert ours[3:] == ["dev@contoso.com", "INC-77"]
    (told,) = person.reads("who", target.name)["targets"]
    assert [each["grant"] for each in told["entries"]] == [None, f"{grant.namespace}/{grant.name}"]
    assert (told["state"], told["decidedBy"], told["notes"]) == ("InSync", "list", [])


def test_explain_never_disagrees_with_the_list(world: World, person: Person) -> None:
    target, grant = let_in(world)
    denied = world.grant(target, "81.2.0.0/20", expiresAt=world.at(3600))
    denied.wait_state("PolicyDenied")
    cluster = world.clusters[0]
    assert person.says("explain", "20.50.1.7", target.name).startswith(
        f"{target.name}  ALLOWED by {FOREIGN}  foreign, not ours, never expires"
    )
    ours = person.says("explain", LAPTOP, target.name)
    assert f"ALLOWED by {LAPTOP}  {grant.namespace}/{grant.name}, until " in ours
    told = person.says("explain", "81.2.1.1", target.name, code=1)
    verdict, cause = told.splitlines()
    assert columns(verdict) == [[target.name, "BLOCKED", "no entry covers it"]]
    assert cause == f"{target.name}: {denied.namespace}/{denied.name}: " + (
        f"PolicyDenied: {denied.message()}"
    )
    assert not any(each.startswith("81.2.0") for each in cluster.ranges or ())


def test_a_closed_grant_that_something_else_admits(world: World, person: Person) -> None:
    target, _ = let_in(world)
    closed = world.grant(target, "20.50.1.7", expiresAt=world.at(3600), **WHO)
    closed.wait_state("Active")
    closed.patch(revoked=True)
    closed.wait_state("Revoked")
    told = person.says("explain", "20.50.1.7", target.name)
    assert f"Closed, but {FOREIGN} (foreign) still admits 20.50.1.7/32." in told
    grant = person.says("explain", f"grant/{closed.name}", "-n", closed.namespace, code=1)
    assert f"Closed, but {FOREIGN} (foreign) still admits 20.50.1.7/32." in grant


def test_explain_of_a_grant_says_what_its_conditions_say(world: World, person: Person) -> None:
    target, grant = let_in(world)
    told = person.says("explain", grant.name, "-n", grant.namespace)
    assert told.startswith(f"{grant.namespace}/{grant.name} lets in: {LAPTOP}, from ")
    for each in grant.status["conditions"]:
        assert f"{each['type']}" in told
    waiting = world.grant(target, "81.2.69.7", notBefore=world.at(1800), expiresAt=world.at(3600))
    waiting.wait_state("Scheduled")
    found = person.reads("explain", f"{waiting.namespace}/{waiting.name}", code=1)
    assert (found["letIn"], found["state"]) == (False, "Scheduled")
    assert found["conditions"] == waiting.status["conditions"]


def test_an_edit_is_explained_before_the_operator_has_seen_it(
    restart_world: World, programs: Path
) -> None:
    target, grant = let_in(restart_world)
    restart_world.station.stop()
    grant.patch(ipRanges=["81.2.0.0/20"])
    person = person_on(restart_world.plane, programs)
    told = person.says("explain", "81.2.1.1", target.name, code=1)
    assert f"{grant.namespace}/{grant.name}: NotSeen: The operator has not reported" in told
    assert f"81.2.0.0/20 is wider than /24, the limit of {target.name}." in told
    said = person.says("explain", f"{grant.namespace}/{grant.name}", code=1)
    assert "The operator has not seen the last edit yet" in said


def test_status_shows_all_targets_what_hangs_first(world: World, person: Person) -> None:
    target, _ = let_in(world)
    hub = world.target(world.cluster(None))
    hub.wait_state("ClusterUnrestricted")
    found = {each["name"]: each for each in person.reads("status")["targets"]}
    assert (found[target.name]["state"], found[target.name]["health"]) == ("InSync", "fine")
    assert (found[hub.name]["health"], found[hub.name]["decidedBy"]) == ("hangs", "open")
    assert list(found).index(hub.name) < list(found).index(target.name)
    shown = person.says("status")
    assert shown.splitlines()[0].split()[:3] == ["TARGET", "STATE", "ENTRIES"]
    assert f"{hub.name}: ClusterUnrestricted: {hub.message()}" in shown
    assert "\x1b" not in shown


WATCH = ("env", "--default-signal=INT", "aks-access", "status", "--watch")
"""Ctrl-C is ignored by whom a shell put behind, the tests and what they start."""


@pytest.fixture
def watching(person: Person) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        WATCH,
        env=person.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_watch_shows_each_change_until_ctrl_c(
    world: World, watching: subprocess.Popen[str]
) -> None:
    assert watching.stdout is not None
    assert watching.stdout.readline(), "the state before"
    target = world.target(world.cluster([FOREIGN]))
    for line in watching.stdout:
        if line.startswith(f"{target.name} "):
            break
    watching.send_signal(signal.SIGINT)
    watching.stdout.read()
    assert watching.wait() == 0


def test_a_watch_draws_on_a_terminal_and_leaves_it_as_it_was(world: World, person: Person) -> None:
    target, _ = let_in(world)
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as screen,
        subprocess.Popen(
            WATCH,
            env=person.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process,
    ):
        try:
            os.close(theirs)
            said = b""
            while target.name.encode() not in said:
                said += screen.read(4096)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # how a terminal says that nobody writes any more
                while chunk := screen.read(4096):
                    said += chunk
            assert process.wait() == 0
        finally:
            process.kill()
    assert b"\x1b[?1049h" in said, "the second screen"
    assert said.rstrip().endswith(b"\x1b[?25h\x1b[?1049l"), "the first one again, with its cursor"
    assert "●".encode() in said


def test_who_may_read_targets_alone_is_told_what_is_missing(world: World, person: Person) -> None:
    target, grant = let_in(world)
    name = world.unique("reader")
    for path, body in _reader(name, namespace=grant.namespace):
        world.plane.request("POST", path, body)
    other = person.using(world.plane.kubeconfig_for(name, grant.namespace))
    wait_until(
        lambda: other.run("kubectl", "get", "aat").returncode == 0,
        what="the right to arrive",
        timeout=DEADLINE,
    )
    told = other.says("who", target.name)
    assert f"{LAPTOP}  {grant.namespace}/{grant.name}" in told
    assert "dev@contoso.com" not in told
    assert "you may not read" in told
    assert "You may not read grants" in other.says("explain", LAPTOP, target.name)
    refused = other.run("kubectl", "aks-access", "explain", grant.name, "-n", grant.namespace)
    assert refused.returncode == 1
    assert "You may not: " in refused.stderr
    assert refused.stderr.count("\n") == 1


def _reader(name: str, *, namespace: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A ServiceAccount that reads targets and nothing else."""
    roles = "rbac.authorization.k8s.io"
    yield (
        f"/api/v1/namespaces/{namespace}/serviceaccounts",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
    )
    yield (
        f"/apis/{roles}/v1/clusterroles",
        {
            "apiVersion": f"{roles}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [
                {
                    "apiGroups": ["aksaccess.dev"],
                    "resources": ["apiaccesstargets"],
                    "verbs": ["get", "list"],
                }
            ],
        },
    )
    yield (
        f"/apis/{roles}/v1/clusterrolebindings",
        {
            "apiVersion": f"{roles}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": roles, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["who", "none"], 'No target "none". There are: '),
        (["explain", "81.2.69.142", "none"], 'No target "none". There are: '),
        (["explain", "none"], 'No grant "none" in namespace default. '),
    ],
)
def test_what_is_not_there_is_one_line(
    world: World, person: Person, arguments: list[str], sentence: str
) -> None:
    let_in(world)
    done = person.run("kubectl", "aks-access", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["who", "status", "explain 81.2.69.142"])
def test_looking_imports_no_client(world: World, person: Person, command: str) -> None:
    let_in(world)
    code = (
        "import sys; from aks_access.__main__ import cli\n"
        f"cli.main({command.split()!r}, standalone_mode=False)\n"
        "print('MODULES', *sys.modules)"
    )
    done = person.run(sys.executable, "-c", code)
    loaded = {name.partition(".")[0] for name in done.stdout.partition("MODULES ")[2].split()}
    assert loaded, done
    assert not loaded & {"kopf", "kubernetes", "azure", "aiohttp", "asyncio", "rich"}
    assert not loaded & {"prometheus_client"}


def test_kubectl_completes_its_plugin(world: World, person: Person) -> None:
    target, grant = let_in(world)

    def offered(*words: str) -> list[str]:
        done = person.run("kubectl", "__complete", "aks-access", *words)
        *lines, directive = done.stdout.splitlines()
        assert directive == ":4", done
        return [line.partition("\t")[0] for line in lines]

    assert target.name in offered("who", target.name[:3])
    assert grant.name in offered("explain", "-n", grant.namespace, "")
    assert offered("") == [*COMMANDS]


def test_bash_completes_targets(world: World, person: Person) -> None:
    target, _ = let_in(world)
    script = f"""
        source <(aks-access completion bash)
        COMP_WORDS=(aks-access who {target.name[:3]}); COMP_CWORD=2; COMPREPLY=()
        _aks_access_completion aks-access; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = person.run("bash", "-c", script)
    assert done.stderr == ""
    assert target.name in done.stdout.splitlines()


@pytest.mark.parametrize(("shell", "current"), [("zsh", "2"), ("fish", "")])
def test_other_shells_are_answered_in_their_way(
    world: World, person: Person, shell: str, current: str
) -> None:
    """What the functions that `completion` prints for them ask, and split."""
    target, _ = let_in(world)
    asked = {
        "_AKS_ACCESS_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "aks-access who ",
        "COMP_CWORD": current,
    }
    said = Person({**person.environment, **asked}).run("aks-access").stdout
    lines = said.splitlines()
    assert f"plain,{target.name}" in lines or ["plain", target.name] in [
        lines[at : at + 2] for at in range(0, len(lines), 3)
    ], said


def test_the_fields_that_people_typed_are_printed_as_text(world: World, person: Person) -> None:
    target = world.target(world.cluster([FOREIGN]))
    try:
        grant = world.grant(target, LAPTOP, requestedBy="a\x1b[31mb", expiresAt=world.at(3600))
    except ApiError:
        pytest.skip("the API server takes no such text")
    grant.wait_state("Active")
    assert "\x1b" not in person.says("who", target.name)

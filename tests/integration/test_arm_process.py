"""The ARM emulator as a child process, steered over HTTP, used by other processes."""

import base64
import json
import os
import select
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.arm.control import ArmControl, ControlError
from sandbox.arm.process import ArmProcess
from sandbox.processes import ProcessError

pytestmark = pytest.mark.integration

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
CLUSTER = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/prod"
)
GET_WITHOUT_LOOP = f"""
from azure.identity import ClientSecretCredential
from azure.mgmt.containerservice import ContainerServiceClient
import os, sys
credential = ClientSecretCredential("tenant", "script", "secret", disable_instance_discovery=True)
client = ContainerServiceClient(credential, "{SUBSCRIPTION}", base_url=sys.argv[1],
                                credential_scopes=["https://management.azure.com/.default"])
print(client.managed_clusters.get("rg", "prod").e_tag)
"""
GET_IN_A_LOOP = f"""
import asyncio, sys
from azure.identity.aio import WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
async def main():
    async with (
        WorkloadIdentityCredential(disable_instance_discovery=True) as credential,
        ContainerServiceClient(credential, "{SUBSCRIPTION}", base_url=sys.argv[1],
            credential_scopes=["https://management.azure.com/.default"]) as client,
    ):
        print((await client.managed_clusters.get("rg", "prod")).e_tag)
asyncio.run(main())
"""
START_AND_SHOW = """
import sys, time
from sandbox.arm.process import ArmProcess
arm = ArmProcess()
print(arm.pid, arm.ca_file, flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def arm() -> Iterator[ArmProcess]:
    with ArmProcess(operation_seconds=0.2) as process:
        yield process


@pytest.fixture
def control(arm: ArmProcess) -> ArmControl:
    arm.control.reset()
    arm.control.create_cluster(CLUSTER, ranges=["20.1.0.0/24"])
    return arm.control


@pytest.mark.parametrize("source", [GET_WITHOUT_LOOP, GET_IN_A_LOOP], ids=["msal", "aio"])
def test_other_process_by_environment_variables(
    arm: ArmProcess, control: ArmControl, tmp_path: Path, source: str
) -> None:
    token = tmp_path / "token"
    token.write_text(unsigned_token())
    pod = {
        "AZURE_TENANT_ID": "tenant",
        "AZURE_CLIENT_ID": "script",
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
    }
    script = subprocess.run(
        [sys.executable, "-c", source, arm.url],
        env=os.environ | pod | arm.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert script.returncode == 0, script.stderr
    assert script.stdout.strip() == control.cluster(CLUSTER).etag
    assert {entry.client_id for entry in control.journal(since=1)} >= {"script"}


def unsigned_token() -> str:
    """A service account token as the kubelet would project it, but for its signature."""
    claims = {"aud": "api://AzureADTokenExchange", "exp": int(time.time()) + 600}
    parts = ({"alg": "RS256"}, claims, "signature")
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join(part.decode().rstrip("=") for part in encoded)


def test_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.arm", "--state-dir", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        assert ready["url"].startswith("https://localhost:")
        assert ready == json.loads((tmp_path / "endpoints.json").read_text())
        assert ready["pid"] == child.pid
        assert Path(ready["ca_file"]) == tmp_path / "arm-ca.pem"
        assert ArmControl.connect(ready["control_url"]).clusters() == []
        child.terminate()
        assert child.wait(20) == 0


def test_commands_over_http(control: ArmControl) -> None:
    assert [found.resource_id for found in control.clusters()] == [CLUSTER]
    view = control.edit_ranges(CLUSTER, add=["20.2.2.2"])
    assert view.ranges == ["20.1.0.0/24", "20.2.2.2/32"]
    control.set_options(CLUSTER, refused_ranges=["20.3.3.3/32"], order="reversed")
    with pytest.raises(ControlError, match="InvalidParameter"):
        control.edit_ranges(CLUSTER, add=["20.3.3.3"])
    control.add_fault(method="PUT", status=500)
    assert control.faults()[0].hits == 0
    entries = control.journal()
    assert [(entry.area, entry.method) for entry in entries] == [
        ("control", "CREATE"),
        ("control", "EDIT"),
    ]
    assert control.damage() == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nothing", {}, "no command 'nothing'"),
        ("cluster", {"resource_id": "/x"}, "not a managed cluster's"),
        ("cluster", {"resource_id": f"{CLUSTER}9"}, "no cluster"),
        ("cluster", {"wrong": 1}, "unexpected keyword"),
        ("set_options", {"resource_id": CLUSTER, "options": {"typo": 1}}, "typo"),
        ("add_fault", {"path": "("}, "unterminated subpattern"),
        ("finish_operation", {"resource_id": CLUSTER}, "no operation in progress"),
    ],
)
def test_refused_commands(
    control: ArmControl, name: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ControlError, match=message):
        control._call(name, **arguments)


def test_wait_for_an_entry(control: ArmControl) -> None:
    since = control.last_sequence()
    later = threading.Timer(0.2, lambda: control.edit_ranges(CLUSTER, add=["20.2.2.2"]))
    later.start()
    found = control.wait_for(lambda entry: entry.method == "EDIT", since=since, seconds=20)
    later.join()
    assert found.after == ["20.1.0.0/24", "20.2.2.2/32"]
    with pytest.raises(TimeoutError, match="EDIT"):
        control.wait_for(lambda entry: entry.method == "PUT", since=since, seconds=0.3)


def test_plain_get(arm: ArmProcess, control: ArmControl) -> None:
    for name in ("journal?since=0&wait=1", "damage", "buckets", "clusters", "faults"):
        with urllib.request.urlopen(f"{arm.control_url}/{name}") as answer:
            assert "result" in json.load(answer)


def test_child_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_SHOW],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    pid, ca_file = parent.stdout.readline().split(maxsplit=1)
    handle = os.pidfd_open(int(pid))
    try:
        assert Path(ca_file.strip()).exists()
        parent.kill()
        parent.wait()
        assert ended(handle, seconds=20)
    finally:
        os.close(handle)
        parent.stdin.close()
        parent.stdout.close()


def ended(handle: int, *, seconds: float) -> bool:
    """Whether the process of a pidfd ends within `seconds`: it becomes readable then."""
    return bool(select.select([handle], [], [], seconds)[0])


def test_start_that_fails_says_why(arm: ArmProcess) -> None:
    port = int(arm.url.rsplit(":", 1)[-1])
    with pytest.raises(ProcessError, match="address already in use"):
        ArmProcess(port=port)

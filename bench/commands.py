"""How long people wait for a command: `python -m bench.commands`.

On the sandbox (a real API server, the ARM emulator, the operator as a child process), each command
as a process of its own, wall-clock, one after another in turn with `kubectl get` of the same
objects, median and range. First with a cluster and two grants that the operator let in. Then, with
the operator stopped, with `--grants` more objects, copies of one that it wrote with its status, and
a target whose list names the first 200 of them.
"""

import argparse
import base64
import copy
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aks_access.api.names import API_VERSION
from aks_access.api.target_status import ENTRIES_LIMIT
from bench.figures import figures
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT, apply_chart
from sandbox.controlplane import ControlPlane, binary
from sandbox.operator import OperatorProcess
from sandbox.processes import wait_until

NAMESPACES: Final = 100
"""Over which the many grants are spread."""
_ROOT: Final = f"/apis/{API_VERSION}"
_CLUSTER: Final = (
    "/subscriptions/5ca1ab1e-0000-4000-8000-0000000000bb/resourceGroups/bench"
    "/providers/Microsoft.ContainerService/managedClusters/prod"
)
_CONNECTIONS: Final = 4


class Bench:
    """Commands and objects on one control plane."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.kubectl = str(binary("kubectl"))
        folder = Path(sys.executable).parent
        self.environment = {
            **plane.environment,
            "PATH": os.pathsep.join(
                [str(Path(self.kubectl).parent), str(folder), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(ROOT / "operator"),
        }
        self.program = str(folder / "aks-access")

    def seconds(
        self, commands: Mapping[str, Sequence[str]], *, runs: int
    ) -> dict[str, list[float]]:
        """Wall-clock seconds of each command, after one run that is not counted.

        `{run}` in a command is the number of the run, for what can be done once only.
        """
        spent: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(runs + 1):
            for name, command in commands.items():
                line = [word.replace("{run}", str(run)) for word in command]
                began = time.perf_counter()
                done = subprocess.run(line, env=self.environment, capture_output=True, check=False)
                if run:
                    spent[name].append(time.perf_counter() - began)
                if done.returncode not in (0, 1) or not done.stdout:
                    raise RuntimeError(f"{name}: {done.stderr.decode()}")
        return spent

    def prepare(self, arm: ArmProcess) -> None:
        """A cluster, its target, and two grants that the operator lets in."""
        arm.control.create_cluster(_CLUSTER, ranges=["51.140.8.0/24"])
        self._post("/api/v1/namespaces", "v1", "Namespace", "team", None)
        policy = {"allowedNamespaces": {"from": "All"}}
        spec = {"resourceId": _CLUSTER, "mode": "Merge", "policy": policy}
        self._post(f"{_ROOT}/apiaccesstargets", API_VERSION, "ApiAccessTarget", "prod", spec)
        ends = datetime.now(UTC) + timedelta(hours=8)
        for number in (1, 2):
            grant = {
                "targetRef": {"name": "prod"},
                "ipRanges": [f"81.2.69.{number}"],
                "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "reason": "INC-77: debug the ingress",
                "requestedBy": "dev@contoso.com",
            }
            path = f"{_ROOT}/namespaces/team/apiaccessgrants"
            self._post(path, API_VERSION, "ApiAccessGrant", f"g{number}", grant)
        wait_until(self._in, what="the grants to be let in", timeout=60)

    def multiply(self, count: int) -> None:
        """So many grants like the first, and a target that names the first of them."""
        grant = self.plane.request("GET", f"{_ROOT}/namespaces/team/apiaccessgrants/g1")
        target = self.plane.request("GET", f"{_ROOT}/apiaccesstargets/prod")
        for number in range(NAMESPACES):
            self._post("/api/v1/namespaces", "v1", "Namespace", f"team-{number}", None)
        many = [_like(grant, number) for number in range(count)]
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            for done in pool.map(
                self._store, [many[at::_CONNECTIONS] for at in range(_CONNECTIONS)]
            ):
                assert done
        entry = next(each for each in target["status"]["entries"] if each["origin"] == "Grant")
        target["status"]["entries"] = [
            {**entry, "range": f"{each['spec']['ipRanges'][0]}/32", "grants": [_path(each)]}
            for each in many[:ENTRIES_LIMIT]
        ]
        target["status"]["summary"]["entries"] = f"{ENTRIES_LIMIT}/{ENTRIES_LIMIT}"
        self.plane.request("PUT", f"{_ROOT}/apiaccesstargets/prod/status", target)

    def _store(self, objects: Iterable[dict[str, Any]]) -> bool:
        connection = _connection(self.plane)
        for each in objects:
            place = f"{_ROOT}/namespaces/{each['metadata']['namespace']}/apiaccessgrants"
            made = _send(connection, "POST", place, each)
            made["status"] = each["status"]
            _send(connection, "PUT", f"{place}/{made['metadata']['name']}/status", made)
        connection.close()
        return True

    def _in(self) -> bool:
        items = self.plane.request("GET", f"{_ROOT}/apiaccessgrants")["items"]
        states = [each.get("status", {}).get("summary", {}).get("state") for each in items]
        return states == ["Active", "Active"]

    def _post(self, path: str, version: str, kind: str, name: str, spec: Any) -> None:
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
        self.plane.request("POST", path, body if spec is None else {**body, "spec": spec})


def _like(grant: Mapping[str, Any], number: int) -> dict[str, Any]:
    made = copy.deepcopy(dict(grant))
    made["metadata"] = {"name": f"g{number}", "namespace": f"team-{number % NAMESPACES}"}
    made["spec"]["ipRanges"] = [f"81.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"]
    return made


def _path(grant: Mapping[str, Any]) -> str:
    return f"{grant['metadata']['namespace']}/{grant['metadata']['name']}"


def _connection(plane: ControlPlane) -> http.client.HTTPSConnection:
    config = json.loads(plane.kubeconfig.read_text())
    user = config["users"][0]["user"]
    files = {}
    for name in ("client-certificate-data", "client-key-data"):
        files[name] = plane.directory / f"bench-{name}-{time.monotonic_ns()}"
        files[name].write_bytes(base64.b64decode(user[name]))
    context = ssl.create_default_context(cafile=str(plane.certificate_authority))
    context.load_cert_chain(*files.values())
    port = int(plane.url.rpartition(":")[2])
    return http.client.HTTPSConnection("127.0.0.1", port, context=context)


def _send(
    connection: http.client.HTTPSConnection, method: str, path: str, body: object
) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    connection.request(method, path, body=json.dumps(body), headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= http.client.BAD_REQUEST:
        raise RuntimeError(f"{method} {path}: {content.decode()}")
    found: dict[str, Any] = json.loads(content)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane())
        apply_chart(plane)
        bench = Bench(plane)
        with ArmProcess(operation_seconds=0.3) as arm, OperatorProcess(plane=plane, arm=arm) as own:
            own.wait_leading()
            bench.prepare(arm)
        ours, kubectl = bench.program, bench.kubectl
        few = {
            "aks-access --help": [ours, "--help"],
            "kubectl get aat": [kubectl, "get", "aat"],
            "aks-access who prod": [ours, "who", "prod"],
            "kubectl aks-access who prod": [kubectl, "aks-access", "who", "prod"],
            "aks-access explain 81.2.69.1": [ours, "explain", "81.2.69.1"],
            "aks-access status": [ours, "status"],
            **_writes(ours),
        }
        sys.stdout.write("1 target, 2 grants\n")
        report(bench.seconds(few, runs=given.runs))
        if not given.grants:
            return 0
        bench.multiply(given.grants)
        many = {
            "kubectl get aag --all-namespaces": [kubectl, "get", "aag", "--all-namespaces"],
            "aks-access who prod": [ours, "who", "prod"],
            "aks-access explain 81.0.39.1": [ours, "explain", "81.0.39.1"],
            "aks-access explain team-1/g1": [ours, "explain", "team-1/g1"],
            "aks-access status": [ours, "status"],
        }
        sys.stdout.write(f"1 target with {ENTRIES_LIMIT} entries, {given.grants:,} grants\n")
        report(bench.seconds(many, runs=given.runs))
    sys.stdout.write(
        f"median and range of {given.runs} runs as processes, wall clock, after one that is not "
        f"counted; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
    )
    return 0


def _writes(ours: str) -> dict[str, list[str]]:
    """The life of a grant, another one in each run; then one that is there already."""
    place, name = ["--namespace", "team"], "laptop-{run}"
    again = [ours, "grant", "prod", "--ip", "81.2.69.9", "--for", "2h", "--reason", "INC-77"]
    return {
        "aks-access grant prod": [*again, "--name", name, *place],
        "aks-access extend": [ours, "extend", name, "--for", "3h", *place],
        "aks-access revoke": [ours, "revoke", name, *place],
        "aks-access grant prod, in the context": [*again, "--name", name],
        "aks-access grant prod, once more": [*again, "--name", "desk"],
    }


def report(spent: Mapping[str, Sequence[float]]) -> None:
    """A line for each command."""
    for name, values in spent.items():
        sys.stdout.write(f"  {name:<38}{figures(values, unit='ms')}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

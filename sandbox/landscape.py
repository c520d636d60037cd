"""Everything that stands in for a real installation, together: what demo and `up` start.

A management cluster with the chart's CRDs and rights, the ARM emulator with the three clusters
that examples/plain/targets.yaml names, and the operator between them.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.arm.process import ArmProcess
from sandbox.auditor import Auditor
from sandbox.chart import ROOT, apply_chart
from sandbox.controlplane import ControlPlane, binary
from sandbox.controlplane.progress import Progress
from sandbox.management import Ground, ManagementCluster, Say, Site, Witness
from sandbox.operator import OperatorProcess

EXAMPLES: Final = ROOT / "examples"

BEFORE: Final[Mapping[str, list[str] | None]] = {
    "prod-weu": ["51.140.8.0/24", "20.82.10.7/32"],
    "lab-neu": ["51.140.99.3/32", "20.82.10.7/32"],
    "dev-weu": None,
}
"""Each cluster's list as the operator finds it; None = it was never restricted."""

OPERATION_SECONDS: Final = 1.0
"""How long a write to a cluster takes; AKS needs 40 to 100 s."""

UNHURRIED: Final[Mapping[str, str]] = {
    "lease_duration": "15s",
    "renew_deadline": "10s",
    "retry_period": "1s",
    "put_timeout": "8s",
}
"""A Lease that a machine busy with other things does not lose."""

_PROGRAMS = ("kube-apiserver", "etcd", "kubectl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """What runs; `clusters` is target name to ARM id, `operator` None where none was asked for."""

    plane: ManagementCluster
    witness: Witness
    arm: ArmProcess
    kubectl: Path
    clusters: Mapping[str, str]
    operator: OperatorProcess | None


@contextlib.contextmanager
def own_control_plane(say: Say) -> Iterator[Site]:
    """A control plane on this machine, built before where need be."""
    progress = Progress()
    for program in _PROGRAMS:
        binary(program, progress=progress)
    with ControlPlane() as plane:
        apply_chart(plane)
        say(f"kube-apiserver and etcd run at {plane.url}, with the chart's CRDs and rights")
        yield Site(cluster=plane, witness=Auditor(plane), kubectl=binary("kubectl"))


@contextlib.contextmanager
def landscape(
    *,
    say: Say,
    on: Ground = own_control_plane,
    run_operator: bool = True,
    **settings: str,
) -> Iterator[Landscape]:
    """Start everything, and take everything away at the end; `say` is told of each step.

    `settings` are the operator's, by name.
    """
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(on(say))
        arm = stack.enter_context(ArmProcess(operation_seconds=OPERATION_SECONDS))
        clusters = _create_clusters(arm)
        say(f"the ARM emulator runs at {arm.url}, with {', '.join(clusters)}")
        pace: dict[str, str] = {**UNHURRIED, **settings}
        operator = None
        if run_operator:
            operator = stack.enter_context(
                OperatorProcess(plane=site.cluster, arm=arm, environment=site.variables, **pace)
            )
            operator.wait_ready()
            operator.wait_leading()
            say(f"the operator runs (process {operator.pid}) and leads")
        yield Landscape(
            plane=site.cluster,
            witness=site.witness,
            arm=arm,
            kubectl=site.kubectl,
            clusters=clusters,
            operator=operator,
        )


def targets() -> list[dict[str, Any]]:
    """The objects of examples/plain/targets.yaml."""
    return list(yaml.safe_load_all((EXAMPLES / "plain" / "targets.yaml").read_text()))


def _create_clusters(arm: ArmProcess) -> dict[str, str]:
    clusters = {each["metadata"]["name"]: each["spec"]["resourceId"] for each in targets()}
    for name, resource_id in clusters.items():
        arm.control.create_cluster(resource_id, ranges=BEFORE[name])
    return clusters

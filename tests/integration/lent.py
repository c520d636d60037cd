"""Somebody's cluster that the demo is lent: what stands on it, what the demo may do there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.controlplane import AuditEvent, ControlPlane
from sandbox.controlplane.binaries import any_kubectl
from sandbox.controlplane.client import ApiError
from sandbox.existing.cluster import ExistingCluster, existing_cluster
from sandbox.existing.errors import ClusterError
from sandbox.existing.site import existing
from sandbox.processes import wait_until


def snapshot(plane: ControlPlane) -> dict[str, str]:
    """Every object of every kind to its uid and version; without Leases, which live."""
    found = {}
    groups = [group["preferredVersion"] for group in plane.request("GET", "/apis")["groups"]]
    roots = ["/api/v1", *(f"/apis/{each['groupVersion']}" for each in groups)]
    for root in roots:
        for each in plane.request("GET", root)["resources"]:
            if "list" in each["verbs"] and each["name"] not in ("leases", "componentstatuses"):
                path = f"{root}/{each['name']}"
                for item in plane.request("GET", path)["items"]:
                    meta = item["metadata"]
                    key = f"{path} {meta.get('namespace', '')}/{meta['name']}"
                    found[key] = f"{meta['uid']} {meta['resourceVersion']}"
    return found


def settled(plane: ControlPlane) -> dict[str, str]:
    """The snapshot once the controllers of a young cluster have come to rest."""
    seen: list[dict[str, str]] = []

    def rests() -> bool:
        seen.append(snapshot(plane))
        return seen[-1:] == seen[-2:-1]

    wait_until(rests, what="the cluster to settle", timeout=30, interval=0.5)
    return seen[-1]


@contextmanager
def opened(plane: ControlPlane) -> Iterator[ExistingCluster]:
    """The cluster as the demo sees it."""
    with existing_cluster(plane.kubeconfig, context=None, kubectl=any_kubectl()) as made:
        yield made


def writes(plane: ControlPlane, *, since: datetime) -> list[AuditEvent]:
    """What the user of the kubeconfig had stored since then; questions and dry runs are none."""
    return plane.audit(
        lambda each: (
            each.timestamp >= since
            and each.user == "sandbox-admin"
            and each.verb not in ("get", "list", "watch")
            and not each.resource.endswith("reviews")
            and "dryRun" not in each.uri
        )
    )


@contextmanager
def refused(
    plane: ControlPlane, kubeconfig: Path, context: str | None = None
) -> Iterator[list[str]]:
    """The demo is refused within the block, having stored nothing; gives its sentence."""
    begun, told = datetime.now(UTC), list[str]()
    with (
        pytest.raises(ClusterError) as caught,
        existing(kubeconfig, context=context)(lambda _: None),
    ):
        pytest.fail("the cluster was taken")
    told.append(str(caught.value))
    assert writes(plane, since=begun) == []
    yield told


def held(plane: ControlPlane, path: str, *, by: str | None = "example.com/keep") -> None:
    """Let a finalizer hold an object; None = no longer."""
    body = {"metadata": {"finalizers": by and [by]}}
    plane.request("PATCH", path, body, content_type="application/merge-patch+json")


def gone(plane: ControlPlane, path: str) -> bool:
    """Whether there is nothing at that path any more."""
    try:
        plane.request("GET", path)
    except ApiError as error:
        return error.code == 404
    return False

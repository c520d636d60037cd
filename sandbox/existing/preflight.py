"""Looks before anything is touched: can the demo run there, and would it be in somebody's way?"""

import re
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import yaml

from sandbox.chart import CHART, NAMESPACE, ROOT
from sandbox.controlplane.client import ApiError
from sandbox.existing.cluster import ExistingCluster
from sandbox.existing.errors import ClusterError
from sandbox.existing.inventory import LABEL, group, lasting, run_of, things

_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_CLOCK_SECONDS: Final = 20.0
"""Furthest that clocks may be apart; beyond 30 s the operator itself lets nobody in."""

_CREATE_AND_DELETE: Final = ("create", "get", "delete")
_FOLLOW: Final = ("list", "watch")


def version_of(cluster: ExistingCluster) -> str:
    """Its Kubernetes version. Raises ClusterError where it cannot be asked or is too old."""
    where = cluster.context
    try:
        version = str(cluster.request("GET", "/version")["gitVersion"])
    except ApiError as error:
        if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise ClusterError(
                f"{where} does not let you in: {error.said}. Log in anew, or take another context."
            ) from error
        raise ClusterError(_unreachable(where, error.said)) from error
    except OSError as error:
        raise ClusterError(_unreachable(where, str(error))) from error
    oldest = oldest_version()
    if (found := parsed(version)) < oldest:
        raise ClusterError(
            f"{where} runs Kubernetes {version}; the CRDs need {_dotted(oldest)} or later "
            f"(it is the first to take CEL's IP address functions in a CRD), not {_dotted(found)}."
        )
    return version


def check(cluster: ExistingCluster) -> None:
    """Raise ClusterError for missing rights, for what is in the way, and for what is refused."""
    _rights(cluster)
    _occupied(cluster)
    _rehearse(cluster)


def parsed(version: str) -> tuple[int, int]:
    """Major and minor of a version such as v1.33.2-eks-1; (0, 0) where it is none."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def oldest_version() -> tuple[int, int]:
    """The oldest Kubernetes that the chart allows."""
    chart: dict[str, str] = yaml.safe_load((CHART / "Chart.yaml").read_text())
    return parsed(chart["kubeVersion"].removeprefix(">="))


def _occupied(cluster: ExistingCluster) -> None:
    runs: set[str | None] = set()
    there = []
    for thing in lasting():
        found = _get(cluster, thing.path)
        if found is not None:
            there.append(str(thing))
            runs.add(run_of(found))
    ours = {thing.name for thing in lasting()}
    for crd in (_get(cluster, _CRDS) or {"items": []})["items"]:
        if crd["spec"]["group"] == group() and crd["metadata"]["name"] not in ours:
            there.append(f"CustomResourceDefinition {crd['metadata']['name']}")
            runs.add(run_of(crd))
    if not there:
        return
    if None not in runs:
        raise ClusterError(
            f"on {cluster.context} a demo is running, or one was killed; of it there are: "
            f"{', '.join(there)} (label {LABEL}). Nothing was touched. If it no longer runs, "
            f"remove what it left: {again(cluster, '--remove')}"
        )
    raise ClusterError(
        f"{cluster.context} has already: {', '.join(there)}. The demo makes objects of these "
        "names and removes them at its end, so it does not run beside them. Nothing was touched. "
        "Take another cluster, or run `make demo` alone: it brings its own."
    )


def again(cluster: ExistingCluster, *options: str) -> str:
    """The demo's command for this cluster, to paste into a shell in any directory."""
    context = cluster.context
    given = ["--kubeconfig", str(context.file.absolute()), "--context", context.name]
    command = shlex.join([sys.executable, "-m", "sandbox", "demo", *given, *options])
    return f"(cd {shlex.quote(str(ROOT))} && {command})"


def _rights(cluster: ExistingCluster) -> None:
    if _may(cluster, {"verb": "*", "group": "*", "resource": "*"}):
        return
    missing = [
        f"{each['verb']} {each['resource']}"
        + (f".{each['group']}" if each["group"] else "")
        + (f" in {each['namespace']}" if each.get("namespace") else "")
        for each in _needed()
        if not _may(cluster, each)
    ]
    if missing:
        raise ClusterError(
            f"on {cluster.context} you may not {', '.join(missing)}, which the demo needs. "
            "Nothing was touched. Take a context of a cluster administrator."
        )


def _needed() -> Iterator[dict[str, str]]:
    """As attributes of SelfSubjectAccessReviews."""
    rbac = "rbac.authorization.k8s.io"
    yield from _each(_CREATE_AND_DELETE, "", "namespaces")
    yield from _each(
        (*_CREATE_AND_DELETE, "list"), "apiextensions.k8s.io", _CRDS.rpartition("/")[2]
    )
    for resource in ("clusterroles", "clusterrolebindings"):
        yield from _each(_CREATE_AND_DELETE, rbac, resource)
    for resource in ("roles", "rolebindings"):
        yield from _each(("create",), rbac, resource, namespace=NAMESPACE)
    yield from _each(("create",), "", "serviceaccounts", namespace=NAMESPACE)
    yield from _each(("create",), "", "serviceaccounts/token", namespace=NAMESPACE)
    yield from _each(_FOLLOW, "", "configmaps", namespace=NAMESPACE)
    yield from _each((*_FOLLOW, "delete"), "events.k8s.io", "events")
    for thing in things():
        if thing.kind == "CustomResourceDefinition":
            plural = thing.manifest["spec"]["names"]["plural"]
            yield from _each((*_CREATE_AND_DELETE, *_FOLLOW, "patch"), group(), plural)


def _each(
    verbs: tuple[str, ...], group: str, resource: str, *, namespace: str = ""
) -> Iterator[dict[str, str]]:
    for verb in verbs:
        yield {"verb": verb, "group": group, "resource": resource, "namespace": namespace}


def _may(cluster: ExistingCluster, attributes: dict[str, str]) -> bool:
    asked = dict(attributes)
    asked["resource"], _, asked["subresource"] = asked["resource"].partition("/")
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    try:
        return bool(cluster.request("POST", _REVIEWS, body)["status"]["allowed"])
    except ApiError as error:
        raise _refusal(cluster, "whether you have the rights", error) from error


def _rehearse(cluster: ExistingCluster) -> None:
    """Have the API server try everything cluster-scoped, without storing it (dry run)."""
    for thing in lasting():
        try:
            made = cluster.request("POST", f"{thing.collection}?dryRun=All", thing.labelled("none"))
        except ApiError as error:
            if error.code == HTTPStatus.BAD_REQUEST:  # a webhook that knows no dry run
                continue
            raise ClusterError(
                f"{cluster.context} refuses {thing}: {error.said}. Nothing was touched."
            ) from error
        created = datetime.fromisoformat(made["metadata"]["creationTimestamp"])
        apart = (created - datetime.now(UTC)).total_seconds()
        if abs(apart) > _CLOCK_SECONDS:
            raise ClusterError(
                f"the clock of {cluster.context} and this machine's are {abs(apart):.0f} s apart; "
                "the operator lets nobody in while clocks are in doubt. Set the clocks."
            )


def _get(cluster: ExistingCluster, path: str) -> dict[str, Any] | None:
    try:
        return cluster.request("GET", path)
    except ApiError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise _refusal(cluster, f"GET {path}", error) from error


def _refusal(cluster: ExistingCluster, asked: str, error: ApiError) -> ClusterError:
    return ClusterError(
        f"{cluster.context} was asked {asked} and said: {error.said}. Nothing was touched. "
        "Take a context of a cluster administrator."
    )


def _unreachable(where: object, told: str) -> str:
    return f"{where} cannot be reached: {told}. Start it, or take another context."


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))

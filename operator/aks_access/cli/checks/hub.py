"""What `doctor` looks at on the management cluster, apart from targets."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from aks_access.api.names import GROUP, PLURALS, VERSION, Kind
from aks_access.api.timestamps import TimestampError, parse_timestamp
from aks_access.cli.checks.checkup import Checked, failed, passed, skipped, warned
from aks_access.cli.checks.rights import operators, peoples
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.cli.hub.installed import Installed
from aks_access.errors import KubeForbidden, StartupError
from aks_access.plan.wording import instant, listed

OLDEST: Final = (1, 31)
"""Of Kubernetes: the CRDs' rules need it."""

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
_APPLY: Final = "aks-access crds | kubectl apply --server-side -f -"
_API_SERVER: Final = "API server"
_OPERATOR: Final = "operator"


def checks_hub(
    cluster: Cluster, *, operator: Installed, namespace: str, now: datetime
) -> Iterator[Checked]:
    """API server, CRDs, the operator itself and everybody's rights."""
    yield _version(cluster.version())
    yield _clock(cluster.date(), now=now)
    yield from _crds(cluster)
    yield from _deployment(operator, namespace=namespace)
    yield _lease(cluster, operator=operator, namespace=namespace, now=now)
    yield _operators_rights(cluster, operator=operator, namespace=namespace)
    yield _own_rights(cluster)


def _version(text: str) -> Checked:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    if found is None:
        return warned(_API_SERVER, f"its version is not known ({text!r}).")
    if (int(found[1]), int(found[2])) < OLDEST:
        return failed(
            _API_SERVER, f"is {text}; the CRDs' rules need 1.31 or later. Upgrade the cluster."
        )
    return passed(_API_SERVER, f"is {text}.")


def _clock(time: datetime | None, *, now: datetime) -> Checked:
    if time is None:
        return skipped(_API_SERVER, "its clock could not be read.")
    off = abs(time - now)
    if off > CLOCK_TOLERANCE:
        return warned(
            _API_SERVER,
            f"its clock and this machine's differ by {round(off.total_seconds())} s; the operator "
            "adds nothing while its own is off by more than 30 s. Mend whichever is wrong.",
        )
    return passed(_API_SERVER, "its clock agrees with this machine's.")


def _crds(cluster: Cluster) -> Iterator[Checked]:
    from aks_access.api.crd import definition

    for kind in Kind:
        name = f"{PLURALS[kind]}.{GROUP}"
        try:
            found = cluster.get(Resource.CRDS, name=name)
        except KubeForbidden:
            yield skipped(name, "you may not read CRDs.")
            continue
        yield _crd(name, found=found, wanted=definition(kind))


def _crd(name: str, *, found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Checked:
    if found is None:
        return failed(name, f"is not installed. Run: {_APPLY}")
    conditions = (found.get("status") or {}).get("conditions") or ()
    if any(each["type"] == "Established" and each["status"] != "True" for each in conditions):
        return failed(name, "is not established; `kubectl describe crd` says why.")
    served = {each["name"]: each for each in found["spec"]["versions"] if each.get("served")}
    ours = next(each for each in wanted["spec"]["versions"] if each["name"] == VERSION)
    if VERSION not in served:
        return failed(name, f"does not serve {VERSION}. Run: {_APPLY}")
    if served[VERSION].get("schema") != ours["schema"]:
        return warned(
            name,
            f"has the schema of another version than this command. Bring the older of the two up "
            f"to date; the CRDs: {_APPLY}",
        )
    stored = (found.get("status") or {}).get("storedVersions") or [VERSION]
    if stored != [VERSION]:
        return warned(
            name, f"has objects stored as {listed(stored)}; write them anew before an upgrade."
        )
    return passed(name, f"is installed, as this version ({VERSION}) has it.")


def _deployment(operator: Installed, *, namespace: str) -> Iterator[Checked]:
    found = operator.deployment
    if found is None:
        yield failed(
            _OPERATOR,
            f"{operator.doubt}. Install the chart, or name its namespace: --operator-namespace",
        )
        return
    about = _OPERATOR
    name = f"Deployment {namespace}/{found['metadata']['name']}"
    ready = (found.get("status") or {}).get("readyReplicas", 0)
    wanted = found["spec"].get("replicas", 1)
    if not ready:
        yield failed(
            about,
            f"{name}: none of {wanted} replicas is ready. Run: kubectl -n {namespace} logs "
            f"deploy/{found['metadata']['name']}",
        )
    elif ready < wanted:
        yield warned(about, f"{name}: {ready} of {wanted} replicas are ready.")
    else:
        yield passed(about, f"{name}: {ready} of {wanted} replicas are ready.")
    if operator.doubt:
        yield failed(about, f"{name}: {operator.doubt}.")
    elif not operator.management_egress:
        yield warned(
            about,
            "managementEgress is empty: the management cluster's own way out is in no list by the "
            "operator's doing. Set operator.managementEgress unless it needs none.",
        )


def _lease(cluster: Cluster, *, operator: Installed, namespace: str, now: datetime) -> Checked:
    name = operator.settings.lease_name
    about, lease = _OPERATOR, f"Lease {namespace}/{name}"
    try:
        found = cluster.get(Resource.LEASES, namespace=namespace, name=name)
    except KubeForbidden:
        return skipped(about, f"you may not read {lease}, which tells who leads.")
    spec = (found or {}).get("spec") or {}
    holder = spec.get("holderIdentity")
    if not holder:
        return failed(about, f"nobody leads: no replica holds {lease}. Look at the pods' logs.")
    try:
        renewed = parse_timestamp(str(spec.get("renewTime")))
    except TimestampError:
        return failed(about, f"{holder} holds {lease}, and its renewTime cannot be read.")
    length = timedelta(seconds=float(spec.get("leaseDurationSeconds") or 0))
    if now - renewed > length + CLOCK_TOLERANCE:
        return failed(
            about,
            f"nobody leads: {holder} renewed {lease} at {instant(renewed)} last. Look at the "
            "pods' logs.",
        )
    return passed(about, f"{holder} leads.")


def _operators_rights(cluster: Cluster, *, operator: Installed, namespace: str) -> Checked:
    account = "aks-access-operator"
    if operator.deployment is not None:
        template = operator.deployment["spec"]["template"]["spec"]
        account = template.get("serviceAccountName", account)
    user = f"system:serviceaccount:{namespace}:{account}"
    rights = list(operators(namespace=namespace, lease=operator.settings.lease_name))
    try:
        missing = [str(each) for each in rights if not cluster.may(each, as_user=user)]
    except KubeForbidden:
        return skipped(
            _OPERATOR, f"the rights of {user} were not looked at: you may not impersonate it."
        )
    except StartupError:
        return skipped(
            _OPERATOR,
            f"the rights of {user} were not looked at: with --as, kubectl reaches no server by "
            "this kubeconfig. Name another context: --context NAME; or in a pod, unset KUBECONFIG.",
        )
    if missing:
        return failed(_OPERATOR, f"{user} may not {listed(missing)}. Apply the chart's roles.")
    return passed(_OPERATOR, f"{user} has all {len(rights)} rights that the operator needs.")


def _own_rights(cluster: Cluster) -> Checked:
    namespace = cluster.namespace()
    missing = [each for each in peoples(namespace=namespace) if not cluster.may(each)]
    if missing:
        verbs = listed([each.verb for each in missing])
        return warned(
            "you",
            f"may not {verbs} grants in {namespace}. Where you should: bind the chart's role "
            "aks-access-operator-grants-edit to you there.",
        )
    return passed("you", f"may make and change grants in {namespace}.")

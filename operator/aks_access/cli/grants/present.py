"""A grant that is on the management cluster: found, and judged by what else is there.

The sentences are the operator's own, as `validate` has them. What may not be read is not judged:
the operator judges every grant again, with all that it knows.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL
from aks_access.api.reasons import GrantReason
from aks_access.cli.files.documents import documents
from aks_access.cli.files.findings import Finding, Level
from aks_access.cli.files.judging import Asked, judged
from aks_access.cli.files.known import Surrounding
from aks_access.cli.files.remedies import Advice
from aks_access.cli.grants.around import Around
from aks_access.cli.grants.ask import as_yaml
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.errors import KubeForbidden, KubeNotFound
from aks_access.plan.model import Grant, GrantUid
from aks_access.projection import project_grant


def found(cluster: Cluster, *, namespace: str, name: str) -> Mapping[str, Any]:
    """The grant. Raises KubeNotFound with the way to see which there are."""
    raw = cluster.get(Resource.GRANTS, namespace=namespace, name=name)
    return answered(raw, namespace=namespace, name=name)


def answered(raw: Mapping[str, Any] | None, *, namespace: str, name: str) -> Mapping[str, Any]:
    """The grant that was asked for. Raises KubeNotFound where there is none."""
    if raw is None:
        raise KubeNotFound(
            f"There is no grant {namespace}/{name}: `kubectl get aag -n {namespace}` lists those "
            "there are, -n names another namespace."
        )
    return raw


def facts(raw: Mapping[str, Any]) -> Grant:
    """What the object says, as the operator reads it."""
    return project_grant(raw, argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL)


def denials(
    raw: Mapping[str, Any], *, around: Around, now: datetime, advice: Advice
) -> list[Finding]:
    """What the operator would refuse a grant for, as far as its surroundings may be read.

    `raw` is the object as it is to be, with the status of the one that it replaces; `around` is
    asked for its target and namespace, `advice` what to do instead.
    """
    grant = facts(raw)
    if grant.problems:
        return []  # the API server says it better
    asked = Asked(
        document=next(documents(as_yaml(_written(raw)), source=grant.name)),
        grant=replace(grant, uid=grant.uid or GrantUid("new")),
    )
    known = _surrounding(grant, around=around)
    errors = _errors(asked, known=known, now=now, advice=advice)
    if errors:
        _add_targets(known, around=around)  # the sentence names those that are open
        errors = _errors(asked, known=known, now=now, advice=advice)
    return errors


def _errors(asked: Asked, *, known: Surrounding, now: datetime, advice: Advice) -> list[Finding]:
    found = judged([asked], known=known, now=now, changed=None, advice=advice)
    # One that waits for its target is not refused: what it has stays, and the rest comes later.
    waits = GrantReason.TARGET_BLOCKED
    return [each for each in found if each.level is Level.ERROR and each.rule != waits]


def _written(raw: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: raw["metadata"].get(key, "") for key in ("name", "namespace")}
    return {**{key: raw[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata}


def _surrounding(grant: Grant, *, around: Around) -> Surrounding:
    known = Surrounding()
    try:
        one = around.target()
    except KubeForbidden:
        return known
    if one:
        known.take(targets=[one])
    else:
        _add_targets(known, around=around)
    try:
        if any(not each.policy.all_namespaces for each in known.targets.values()):
            team = around.team()
            known.take(namespaces=[team] if team is not None else [])
        if grant.range_sets:
            known.take(sets=around.sets())
    except KubeForbidden:
        pass  # what is not known is not judged
    return known


def _add_targets(known: Surrounding, *, around: Around) -> None:
    with contextlib.suppress(KubeForbidden):
        known.take(targets=around.targets())

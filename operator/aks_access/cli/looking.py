"""What commands that look read of the management cluster, and no more than they need.

Reading ten thousand grants takes seconds, reading the two that a cluster's list names does not.
What a person may not read is left out, and said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aks_access.cli.cluster import Cluster, Resource
from aks_access.cli.together import together
from aks_access.errors import KubeForbidden, KubeNotFound

if TYPE_CHECKING:
    from aks_access.plan.model import Namespace, RangeSet

_FEW: Final = 4
"""So many objects or namespaces are asked for one by one; more in one list."""

_NAMED: Final = 10


@dataclass(slots=True)
class Found:
    """Grants by `namespace/name`, as the API server serves them, and what could not be read."""

    grants: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)

    def add(self, raws: Iterable[Mapping[str, Any]]) -> None:
        """Take them in."""
        for raw in raws:
            metadata = raw["metadata"]
            self.grants[f"{metadata['namespace']}/{metadata['name']}"] = raw


def targets(cluster: Cluster, names: Sequence[str]) -> list[dict[str, Any]]:
    """The targets of these names, or all. Raises KubeNotFound, which names those there are."""
    if not names:
        return cluster.all(Resource.TARGETS)
    wanted = list(dict.fromkeys(names))
    if len(wanted) <= _FEW:
        found = together([partial(cluster.get, Resource.TARGETS, name=name) for name in wanted])
        if all(found):
            return [raw for raw in found if raw is not None]
    every = {raw["metadata"]["name"]: raw for raw in cluster.all(Resource.TARGETS)}
    for name in wanted:
        if name not in every:
            there = ", ".join(sorted(every)[:_NAMED]) or "none"
            more = len(every) - _NAMED
            raise KubeNotFound(
                f'No target "{name}". There are: {there}{f" and {more} more" if more > 0 else ""}.'
            )
    return [every[name] for name in wanted]


def grants(cluster: Cluster, *, namespace: str = "") -> Found:
    """All grants, those of a namespace, or those of one's own where all may not be read."""
    found = Found()
    try:
        found.add(cluster.all(Resource.GRANTS, namespace=namespace))
    except KubeForbidden:
        own = cluster.namespace()
        if namespace:
            raise
        found.hidden.append(f"You may not read the grants of namespaces other than {own}.")
        try:
            found.add(cluster.all(Resource.GRANTS, namespace=own))
        except KubeForbidden:
            found.hidden = ["You may not read grants: who asked, and why, is not shown."]
    return found


def grants_named(cluster: Cluster, paths: Iterable[str]) -> Found:
    """The grants of these `namespace/name`, as far as they are there and may be read."""
    wanted = sorted(set(paths))
    found = Found()
    places = sorted({path.partition("/")[0] for path in wanted})
    if len(places) > _FEW and len(wanted) > _FEW:
        return grants(cluster)
    asked: list[partial[list[dict[str, Any]]]] = (
        [partial(_one, cluster, path) for path in wanted]
        if len(wanted) <= _FEW
        else [partial(cluster.all, Resource.GRANTS, namespace=place) for place in places]
    )
    kept = set(wanted)
    for raws in together([partial(_allowed, each) for each in asked]):
        if raws is None:
            found.hidden = ["Some of these grants you may not read: who asked is not shown."]
        else:
            found.add(raw for raw in raws if _path(raw) in kept)
    return found


def range_sets(cluster: Cluster) -> "dict[str, RangeSet] | None":
    """All range sets by name; None where they may not be read."""
    from aks_access.projection import project_range_set

    raws = _allowed(partial(cluster.all, Resource.RANGE_SETS))
    return None if raws is None else {each.name: each for each in map(project_range_set, raws)}


def namespaces(cluster: Cluster) -> "dict[str, Namespace] | None":
    """All namespaces by name; None where they may not be read."""
    from aks_access.projection import project_namespace

    raws = _allowed(partial(cluster.all, Resource.NAMESPACES))
    return None if raws is None else {each.name: each for each in map(project_namespace, raws)}


def _path(raw: Mapping[str, Any]) -> str:
    return f"{raw['metadata']['namespace']}/{raw['metadata']['name']}"


def _one(cluster: Cluster, path: str) -> list[dict[str, Any]]:
    namespace, _, name = path.partition("/")
    raw = cluster.get(Resource.GRANTS, namespace=namespace, name=name)
    return [] if raw is None else [raw]


def _allowed(question: partial[list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """The answer; None where it may not be had."""
    try:
        return question()
    except KubeForbidden:
        return None

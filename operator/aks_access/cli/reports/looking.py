"""What commands that look read of the management cluster, and no more than they need.

Reading ten thousand grants takes seconds, reading the two that a cluster's list names does not.
What a person may not read is left out, and said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aks_access.cli.hub.cluster import Cluster, Piece, Resource
from aks_access.cli.hub.together import together
from aks_access.errors import KubeForbidden, KubeNotFound

if TYPE_CHECKING:
    from aks_access.cli.reports.glimpse import Glimpse
    from aks_access.plan.model import Namespace, RangeSet

_FEW: Final = 4
"""So many targets are asked for one by one, more in one list; and so many kubectls at once."""
_MANY: Final = 200
"""Up to so many grants are asked for at once, or by name; more in one list."""

_NAMED: Final = 10


@dataclass(slots=True)
class Found:
    """Grants by `namespace/name`, and what could not be read."""

    grants: "dict[str, Glimpse]" = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)


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


def few(cluster: Cluster) -> Found | None:
    """All grants; None where they are many, or may not all be read."""
    try:
        pieces, whole = cluster.first(Resource.GRANTS, most=_MANY)
    except KubeForbidden:
        return None
    return _found(pieces) if whole else None


def grants(cluster: Cluster, *, namespace: str = "") -> Found:
    """All grants, those of a namespace, or those of one's own where all may not be read."""
    try:
        return _listed(cluster, namespace=namespace)
    except KubeForbidden:
        if namespace:
            raise
    own = cluster.namespace()
    try:
        found = _listed(cluster, namespace=own)
    except KubeForbidden:
        return Found(hidden=["You may not read grants: who asked, and why, is not shown."])
    found.hidden.append(f"You may not read the grants of namespaces other than {own}.")
    return found


def _listed(cluster: Cluster, *, namespace: str) -> Found:
    return _found(cluster.pieces(Resource.GRANTS, namespace=namespace))


def _found(grants: "Iterable[Piece | Mapping[str, Any]]") -> Found:
    from aks_access.cli.reports.glimpse import Glimpse  # the answer is there

    return Found({found.path: found for found in map(Glimpse.of, grants)})


def grants_named(cluster: Cluster, paths: Iterable[str]) -> Found:
    """The grants of these `namespace/name`, as far as they are there and may be read."""
    wanted = [(place, name) for place, _, name in (path.partition("/") for path in sorted(paths))]
    if len(wanted) > _MANY:
        return grants(cluster)
    parts = [part for at in range(_FEW) if (part := wanted[at::_FEW])]
    answers = together([partial(cluster.some, Resource.GRANTS, part) for part in parts])
    found = _found(raw for raws, _ in answers for raw in raws)
    if any(withheld for _, withheld in answers):
        found.hidden.append("Some of these grants you may not read: who asked is not shown.")
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


def _allowed(question: partial[list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """The answer; None where it may not be had."""
    try:
        return question()
    except KubeForbidden:
        return None

"""What commands that look read of the management cluster, and no more than they need.

Reading ten thousand grants takes seconds, reading the two that a cluster's list names does not.
What a person may not read is left out, and said.
"""

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aks_access.cli.cluster import Cluster, Resource
from aks_access.cli.together import together
from aks_access.errors import KubeForbidden, KubeNotFound

if TYPE_CHECKING:
    from aks_access.plan.model import Namespace, RangeSet

_FEW: Final = 4
"""So many targets are asked for one by one, more in one list; and so many kubectls at once."""
_MANY: Final = 200
"""Up to so many grants are asked for by name, one after another; more in one list."""

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
        with _uncollected():
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


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Reads ten thousand objects in half the time: new ones would have all looked through."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # they stay to the end
        if enabled:
            gc.enable()


def grants_named(cluster: Cluster, paths: Iterable[str]) -> Found:
    """The grants of these `namespace/name`, as far as they are there and may be read."""
    wanted = [(place, name) for place, _, name in (path.partition("/") for path in sorted(paths))]
    if len(wanted) > _MANY:
        return grants(cluster)
    found = Found()
    parts = [part for at in range(_FEW) if (part := wanted[at::_FEW])]
    for raws, withheld in together(
        [partial(cluster.some, Resource.GRANTS, part) for part in parts]
    ):
        found.add(raws)
        if withheld:
            found.hidden = ["Some of these grants you may not read: who asked is not shown."]
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

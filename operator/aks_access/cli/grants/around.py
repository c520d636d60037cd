"""What of the management cluster a grant is judged by, asked for while there is other work to do.

Each question is a process of its own, and waits for no other but for what it needs to know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.cli.hub.together import Asked

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Around:
    """The questions that every grant brings up; each answer raises KubeForbidden where it may not
    be had.

    Attributes:
        target: the one that is named; None where none is, or there is no such.
        team: the grant's namespace, where the target's policy chooses among namespaces.
    """

    cluster: Cluster
    target: Callable[[], Raw | None]
    team: Callable[[], Raw | None]

    @classmethod
    def ask(
        cls, cluster: Cluster, *, target: Callable[[], str], namespace: Callable[[], str]
    ) -> Self:
        """Ask at once; the names may still be coming."""
        one = Asked(lambda: cluster.get(Resource.TARGETS, name=target()))

        def team() -> Raw | None:
            found = one()
            if found is not None and _takes_all(found):
                return None
            return cluster.get(Resource.NAMESPACES, name=namespace())

        return cls(cluster, one, Asked(team))

    def targets(self) -> list[dict[str, Any]]:
        """All of them."""
        return self.cluster.all(Resource.TARGETS)

    def sets(self) -> list[dict[str, Any]]:
        """All range sets."""
        return self.cluster.all(Resource.RANGE_SETS)


@dataclass(frozen=True, slots=True)
class Looked:
    """What is asked before a grant is written, all at once.

    Attributes:
        namespace: the one that is named, or the context's.
        there: the grant of that name; None where there is none.
        around: what it is judged by.
    """

    cluster: Cluster
    namespace: Asked[str]
    there: Asked[Raw | None]
    around: Around

    @classmethod
    def ask(cls, cluster: Cluster, *, namespace: str, name: str, target: str | None = None) -> Self:
        """Ask; `namespace` "" is the context's, and `target` None the one that the grant names."""
        place = Asked(lambda: namespace or cluster.namespace())
        there: Asked[Raw | None] = Asked(
            lambda: cluster.get(Resource.GRANTS, namespace=place(), name=name)
        )
        around = Around.ask(
            cluster,
            target=lambda: _target_of(there()) if target is None else target,
            namespace=place,
        )
        return cls(cluster, place, there, around)


def _target_of(grant: Raw | None) -> str:
    """The name of the target that a grant names; "" where it names none."""
    spec = (grant or {}).get("spec") or {}
    return str((spec.get("targetRef") or {}).get("name") or "")


def _takes_all(target: Raw) -> bool:
    """Whether its policy takes grants of every namespace."""
    policy = (target.get("spec") or {}).get("policy") or {}
    return (policy.get("allowedNamespaces") or {}).get("from") == "All"

"""What must be there before the operator can work: its CRDs, and its rights.

kopf waits for ever for a kind that is not served, and a missing right shows hours later as a
finalizer that nobody removes. So both are asked for at the start, and told in sentences that name
the way out.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Protocol

from aks_access.api import names
from aks_access.engine.ports import Kind
from aks_access.errors import KubeError, KubeNotFound
from aks_access.kube.resources import CONFIG_MAPS, EVENTS, LEASES, RESOURCES, Resource

_AT_ONCE: Final = 8
_REVIEW: Final = "authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource (`plural` or `plural/subresource`).

    Attributes:
        namespace: "" = everywhere.
        name: of the only object that is meant; "" = any.
    """

    group: str
    resource: str
    verb: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        group = f".{self.group}" if self.group else ""
        name = f" {self.name}" if self.name else ""
        where = f"in namespace {self.namespace}" if self.namespace else "in the whole cluster"
        return f"{self.verb} {self.resource}{group}{name} {where}"


def _rights(
    resource: Resource, verbs: str, *, sub: str = "", namespace: str = "", name: str = ""
) -> Iterable[Right]:
    plural = f"{resource.plural}/{sub}" if sub else resource.plural
    return [Right(resource.group, plural, verb, namespace, name) for verb in verbs.split()]


def required_rights(*, namespace: str, lease: str) -> Sequence[Right]:
    """Every right that this package uses; `namespace` is the operator's own, `lease` its Lease."""
    grant, target, range_set = (
        RESOURCES[kind] for kind in (Kind.GRANT, Kind.TARGET, Kind.RANGE_SET)
    )
    return [
        *_rights(grant, "get list watch patch delete"),
        *_rights(target, "get list watch patch"),
        *_rights(range_set, "get list watch"),
        *(r for kind in (grant, target, range_set) for r in _rights(kind, "patch", sub="status")),
        *_rights(RESOURCES[Kind.NAMESPACE], "get list watch"),
        *_rights(EVENTS, "create"),
        *_rights(CONFIG_MAPS, "get list create patch delete", namespace=namespace),
        *_rights(LEASES, "create", namespace=namespace),  # RBAC: no name is known at a creation
        *_rights(LEASES, "get update", namespace=namespace, name=lease),
    ]


class Asker(Protocol):
    """What asking needs of a `Connection`."""

    async def get(self, path: str) -> Mapping[str, object]:
        """Read JSON. Raises `KubeError`."""
        ...

    async def post(self, path: str, *, body: Mapping[str, object]) -> Mapping[str, object]:
        """Create an object. Raises `KubeError`."""
        ...


class Discovery:
    """Asks the API server what it serves, and what this ServiceAccount may do.

    `lease` is the name of the operator's Lease.
    """

    def __init__(self, *, connection: Asker, lease: str) -> None:
        self._connection = connection
        self._lease = lease

    async def missing_kinds(self) -> Sequence[str]:
        """Sentences about what of the CRDs is not served; empty = all is there.

        Raises `KubeError` where the API server cannot be asked.
        """
        try:
            answer = await self._connection.get(RESOURCES[Kind.GRANT].root)
        except KubeNotFound:
            return [
                f"the API server does not serve {names.API_VERSION}: install the CRDs, "
                "or update them if they are of another version"
            ]
        found = answer.get("resources")
        served = (
            {entry.get("name") for entry in found or () if isinstance(entry, dict)}
            if isinstance(found, list)
            else set()
        )
        wanted = [plural + sub for plural, sub in product(names.PLURALS.values(), ("", "/status"))]
        return [
            f"the API server does not serve {plural} in {names.API_VERSION}: "
            "install or update the CRDs"
            for plural in wanted
            if plural not in served
        ]

    async def missing_rights(self, *, namespace: str) -> Sequence[str]:
        """Sentences about the rights that are missing; empty = all are there.

        Asked by SelfSubjectAccessReview, which every authenticated user may create. Raises
        `KubeError` where the API server cannot be asked.
        """
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(right: Right) -> str | None:
            async with slots:
                return None if await self._allowed(right) else str(right)

        rights = required_rights(namespace=namespace, lease=self._lease)
        answers = await asyncio.gather(*map(ask, rights))
        return [
            f"the operator may not {missing}: add it to its ClusterRole or Role "
            "(the Helm chart's are complete)"
            for missing in answers
            if missing is not None
        ]

    async def _allowed(self, right: Right) -> bool:
        plural, _, sub = right.resource.partition("/")
        attributes = {
            "group": right.group,
            "resource": plural,
            "subresource": sub,
            "verb": right.verb,
            "namespace": right.namespace,
            "name": right.name,
        }
        answer = await self._connection.post(
            f"/apis/{_REVIEW}/selfsubjectaccessreviews",
            body={
                "apiVersion": _REVIEW,
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
        status = answer.get("status")
        if not isinstance(status, dict):
            raise KubeError("the answer to a SelfSubjectAccessReview has no status")
        return status.get("allowed") is True

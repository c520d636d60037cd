"""What commands ask of the management cluster, whoever answers: kubectl, or a fake in a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, Union
from urllib.parse import quote

from aks_access.api import names

if TYPE_CHECKING:
    from msgspec import Raw

FIELD_MANAGER: Final = "aks-access"
"""Whose fields a command's writes are; Flux strips those of managers whose name says kubectl."""


NOT_THERE: Final = str(2**63 - 1)
"""A resourceVersion that no object has: it is the last that there can be."""

Piece = Union[bytes, "Raw"]
"""An object as its JSON."""


class Resource(Enum):
    """A kind, as the API server serves it."""

    GRANTS = (names.API_VERSION, names.PLURALS[names.Kind.GRANT], names.Kind.GRANT, True)
    TARGETS = (names.API_VERSION, names.PLURALS[names.Kind.TARGET], names.Kind.TARGET, False)
    RANGE_SETS = (
        names.API_VERSION,
        names.PLURALS[names.Kind.RANGE_SET],
        names.Kind.RANGE_SET,
        False,
    )
    NAMESPACES = ("v1", "namespaces", "Namespace", False)
    CONFIG_MAPS = ("v1", "configmaps", "ConfigMap", True)
    DEPLOYMENTS = ("apps/v1", "deployments", "Deployment", True)
    LEASES = ("coordination.k8s.io/v1", "leases", "Lease", True)
    CRDS = (
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        False,
    )

    def __init__(self, api_version: str, plural: str, kind: str, namespaced: bool) -> None:
        self.api_version = api_version
        self.plural = plural
        self.kind = kind
        self.namespaced = namespaced

    @property
    def root(self) -> str:
        """Path of what its version serves."""
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"

    @property
    def full_name(self) -> str:
        """As kubectl takes it without asking which versions there are: `plural.version.group`."""
        group, slash, version = self.api_version.partition("/")
        return f"{self.plural}.{version}.{group}" if slash else self.plural

    def path(self, *, namespace: str = "", name: str = "") -> str:
        """Path of one object, of all in a namespace, or of all there are."""
        place = f"namespaces/{quote(namespace, safe='')}/" if self.namespaced and namespace else ""
        end = f"/{quote(name, safe='')}" if name else ""
        return f"{self.root}/{place}{self.plural}{end}"


class DryRun(StrEnum):
    """How far a write goes."""

    NONE = "none"  # it is made
    CLIENT = "client"  # nothing is sent
    SERVER = "server"  # the API server checks it, with admission, and stores nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A verb on a resource (`plural`, or `plural/subresource`); "" = every namespace or name."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        named = f"{self.resource}.{self.group}" if self.group else self.resource
        place = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {named}{place}"

    def review(self) -> dict[str, object]:
        """The question as the API server takes it."""
        resource, _, part = self.resource.partition("/")
        asked = {
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": part,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
        }


class Cluster(Protocol):
    """The management cluster. Objects are dicts as in the API's JSON.

    Every call raises `KubeForbidden` where a right is missing, another `KubeError` where the API
    server refuses, `StartupError` where it cannot be reached, `InputError` where a flag is wrong.
    """

    def namespace(self) -> str:
        """The namespace of the context, `default` where it names none."""

    def all(self, resource: Resource, *, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, or those of a namespace."""

    def pieces(self, resource: Resource, *, namespace: str = "") -> "Sequence[Piece]":
        """The same, each as its JSON."""

    def first(self, resource: Resource, *, most: int) -> "tuple[Sequence[Piece], bool]":
        """The first `most` objects of a kind, each as its JSON; and whether these are all."""

    def get(self, resource: Resource, *, name: str, namespace: str = "") -> dict[str, Any] | None:
        """One object; None where there is no such."""

    def some(
        self, resource: Resource, paths: Sequence[tuple[str, str]]
    ) -> tuple[list[dict[str, Any]], bool]:
        """Those that are there of these `(namespace, name)`; and whether some may not be read."""

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        dry_run: DryRun = DryRun.NONE,
        force: bool = False,
    ) -> dict[str, Any]:
        """Create the object or bring it up to date, as `FIELD_MANAGER`; returns it as it is then.

        `dry_run` is `NONE` or `SERVER`. Raises `KubeConflict` where a field is somebody else's,
        unless `force` takes it over. A `metadata.resourceVersion` and `uid` in it make it
        conditional: raises `KubeConflict` where the object is not that one any more. With
        `NOT_THERE` for a version and no uid there must be no such object.
        """

    def patch(
        self,
        resource: Resource,
        *,
        name: str,
        namespace: str = "",
        change: Mapping[str, Any],
        dry_run: DryRun = DryRun.NONE,
    ) -> dict[str, Any]:
        """Change an object by a merge patch (RFC 7386) as `FIELD_MANAGER`.

        A `metadata.resourceVersion` in it makes it conditional: raises `KubeConflict` where the
        object changed since, and `KubeNotFound` where it is gone.
        """

    def watch(
        self, resource: Resource, *, name: str, namespace: str = "", seconds: float
    ) -> Iterator[dict[str, Any]]:
        """One object as it is, then at each change; ends when it is gone or time is up.

        The same state may come again.
        """

    def version(self) -> str:
        """The API server's version, like `v1.36.3`."""

    def date(self) -> datetime | None:
        """What time the API server has, to the second, UTC; None where it cannot be told."""

    def may(self, right: Right, *, as_user: str = "") -> bool:
        """Whether the person has a right, or the user that they speak for.

        Raises `KubeForbidden` where they may not speak for that one.
        """

"""The operator's own ConfigMaps: one document each, written under a condition.

What ledgers and activations share. Documents are found by their name's prefix, so that one whose
labels were taken off still counts. A write is conditional on the resourceVersion that was read,
and touches nothing but our labels, our annotations and our key: what an administrator annotated
stays.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from aks_access.errors import KubeConflict, KubeNotFound
from aks_access.kube.answers import items_of, meta_text, meta_texts, metadata
from aks_access.kube.connection import Connection
from aks_access.kube.resources import CONFIG_MAPS

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "aks-access-operator"

_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Document:
    """One ConfigMap as read; `text` None = it lacks our key."""

    name: str
    version: str
    uid: str
    text: str | None
    annotations: Mapping[str, str]


class ConfigMaps:
    """ConfigMaps of one namespace whose only key of interest is `data_key`."""

    def __init__(
        self, *, connection: Connection, namespace: str, data_key: str, label: str
    ) -> None:
        self.namespace = namespace
        self._connection = connection
        self._data_key = data_key
        self._label = label
        self._path = CONFIG_MAPS.collection(namespace=namespace)

    async def read(self, name: str) -> Document | None:
        """Read one; None where there is none."""
        try:
            raw = await self._connection.get(
                CONFIG_MAPS.object(namespace=self.namespace, name=name)
            )
        except KubeNotFound:
            return None
        data = raw.get("data")
        text = data.get(self._data_key) if isinstance(data, Mapping) else None
        return Document(
            name=name,
            version=meta_text(raw, "resourceVersion"),
            uid=meta_text(raw, "uid"),
            text=text if isinstance(text, str) else None,
            annotations=meta_texts(raw, "annotations"),
        )

    async def described(self, *, prefix: str) -> AsyncIterator[tuple[str, Mapping[str, str]]]:
        """Name and annotations of all whose name begins with `prefix`; documents stay unread."""
        query = {"limit": str(_PAGE_SIZE)}
        while True:
            page = await self._connection.get(self._path, query=query, accept=_METADATA_ONLY)
            for raw in items_of(page):
                if meta_text(raw, "name").startswith(prefix):
                    yield meta_text(raw, "name"), meta_texts(raw, "annotations")
            token = metadata(page).get("continue")
            if not isinstance(token, str) or not token:
                return
            query["continue"] = token

    async def write(
        self, *, name: str, version: str, text: str, annotations: Mapping[str, str]
    ) -> str:
        """Create (`version` "") or change it; returns the new version.

        Raises `KubeConflict` where it is not at `version`, exists already or is gone.
        """
        described: dict[str, object] = {
            "name": name,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, self._label: "true"},
            "annotations": dict(annotations),
        }
        body: dict[str, object] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": described,
            "data": {self._data_key: text},
        }
        if not version:
            return meta_text(await self._connection.post(self._path, body=body), "resourceVersion")
        described["resourceVersion"] = version
        path = CONFIG_MAPS.object(namespace=self.namespace, name=name)
        try:
            raw = await self._connection.merge_patch(path, body=body)
        except KubeNotFound as error:
            raise KubeConflict(
                f"the ConfigMap {self.namespace}/{name} was deleted by somebody else",
                status=error.status,
            ) from error
        return meta_text(raw, "resourceVersion")

    async def delete(self, *, name: str, version: str = "") -> None:
        """Delete it, at `version` only unless that is ""; gone already is no error.

        Raises `KubeConflict` where it is not at `version`.
        """
        options: dict[str, object] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if version:
            options["preconditions"] = {"resourceVersion": version}
        path = CONFIG_MAPS.object(namespace=self.namespace, name=name)
        try:
            await self._connection.delete(path, body=options)
        except KubeNotFound:
            return

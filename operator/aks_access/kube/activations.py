"""First activations of `duration` grants, on one ConfigMap per namespace.

In the operator's own namespace, so that whoever may edit a grant cannot make its time start over.
The first time that is written wins. A ConfigMap that cannot be read is an error and never "no
activation": that would let every expired grant of the namespace in once more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from aks_access.api.names import GROUP
from aks_access.errors import KubeConflict, KubeError
from aks_access.kube.activations_document import DATA_KEY, NAME_PREFIX, Entries, decode, encode
from aks_access.kube.config_maps import ConfigMaps, Document
from aks_access.kube.connection import Connection

ACTIVATIONS_LABEL: Final = f"{GROUP}/activations"
NAMESPACE_ANNOTATION: Final = f"{GROUP}/namespace"

_ATTEMPTS: Final = 8


class KubeActivations:
    """`ports.Activations` on a real API server."""

    def __init__(self, *, connection: Connection, namespace: str) -> None:
        self._maps = ConfigMaps(
            connection=connection, namespace=namespace, data_key=DATA_KEY, label=ACTIVATIONS_LABEL
        )
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load_all(self) -> Mapping[str, datetime]:
        """Every recorded activation, of all namespaces: activation key to UTC.

        Raises `KubeError`, also where one of the ConfigMaps cannot be used.
        """
        found: Entries = {}
        async for name, _ in self._maps.described(prefix=NAME_PREFIX):
            found.update(self._entries(await self._maps.read(name)))
        return found

    async def record(
        self, *, namespace: str, entries: Mapping[str, datetime]
    ) -> Mapping[str, datetime]:
        """Add entries of grants in `namespace`; one that is recorded keeps its first time.

        Returns them as they stand: an earlier try may have arrived although its answer did not.
        """
        stored = await self._change(namespace, lambda known: {**entries, **known})
        return {key: stored[key] for key in entries}

    async def forget(self, *, namespace: str, keys: Sequence[str]) -> None:
        """Drop entries; a ConfigMap that becomes empty goes."""
        dropped = frozenset(keys)
        await self._change(
            namespace, lambda known: {k: v for k, v in known.items() if k not in dropped}
        )

    async def _change(self, namespace: str, change: Callable[[Entries], Entries]) -> Entries:
        """Change a namespace's entries; grants let in together take turns. Returns what stands."""
        async with self._turns[namespace]:
            for _ in range(_ATTEMPTS):
                with suppress(KubeConflict):
                    return await self._try_change(namespace, change)
        raise KubeConflict(
            f"the activations of namespace {namespace} were changed by somebody else "
            f"{_ATTEMPTS} times while they were to be written"
        )

    async def _try_change(self, namespace: str, change: Callable[[Entries], Entries]) -> Entries:
        name = NAME_PREFIX + namespace
        document = await self._maps.read(name)
        known = self._entries(document)
        wanted = change(known)
        if wanted == known:
            return known
        version = "" if document is None else document.version
        if not wanted:
            await self._maps.delete(name=name, version=version)
            return wanted
        await self._maps.write(
            name=name,
            version=version,
            text=encode(wanted),
            annotations={NAMESPACE_ANNOTATION: namespace},
        )
        return wanted

    def _entries(self, document: Document | None) -> Entries:
        if document is None:
            return {}
        try:
            if document.text is None:
                raise ValueError(f"it has no {DATA_KEY}")
            return decode(document.text)
        except ValueError as error:
            raise KubeError(
                f"the ConfigMap {self._maps.namespace}/{document.name} cannot be used: {error}. "
                "Restore it from a backup"
            ) from error

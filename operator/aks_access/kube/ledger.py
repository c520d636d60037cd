"""Ledgers on ConfigMaps, in the operator's own namespace.

One ConfigMap per cluster, named by a hash of the ARM id. What the document says is the business
of `ledger_document.py`, how it is written safely that of `config_maps.py`; here stands which is
whose, how large one may become, and the words for one that is no use.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from aks_access.api.names import ACKNOWLEDGE_ANNOTATION, GROUP, LEDGER_PREFIX, ledger_name
from aks_access.engine.ports import LedgerRef
from aks_access.errors import LedgerNewer, LedgerTooLarge, LedgerUnreadable
from aks_access.kube.config_maps import ConfigMaps
from aks_access.kube.connection import Connection
from aks_access.kube.ledger_document import DATA_KEY, SIZE_LIMIT, decode, encode, key_in
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, cluster_key

logger = logging.getLogger(__name__)

LEDGER_LABEL: Final = f"{GROUP}/ledger"
RESOURCE_ID_ANNOTATION: Final = f"{GROUP}/resource-id"
TARGET_ANNOTATION: Final = f"{GROUP}/target"


class KubeLedgers:
    """`ports.Ledgers` on a real API server."""

    def __init__(self, *, connection: Connection, namespace: str) -> None:
        self._maps = ConfigMaps(
            connection=connection, namespace=namespace, data_key=DATA_KEY, label=LEDGER_LABEL
        )

    async def load(self, *, key: ClusterKey) -> Ledger | None:
        """Read a cluster's ledger. None where there is none; `LedgerUnreadable` if it is no use."""
        document = await self._maps.read(ledger_name(key))
        if document is None:
            return None
        try:
            if document.text is None:
                raise LedgerUnreadable(f"it has no {DATA_KEY}")
            return decode(document.text, key=key, version=document.version)
        except LedgerUnreadable as error:
            sentence = f"the ledger {self._where(key)} cannot be used: {error}"
            raise type(error)(sentence, version=document.version) from error

    async def keys(self) -> Mapping[ClusterKey, str]:
        """Every cluster with a ledger, unreadable ones included, and the ConfigMap's name."""
        found: dict[ClusterKey, str] = {}
        async for name, annotations in self._maps.described(prefix=LEDGER_PREFIX):
            key = await self._key_of(name, annotations.get(RESOURCE_ID_ANNOTATION, ""))
            if key is not None:
                found[key] = name
        return found

    async def save(self, *, ledger: Ledger) -> Ledger:
        """Write the ledger, conditional on `ledger.version`; returns it with its new version.

        Raises `KubeConflict` where somebody else wrote, created or deleted it, `LedgerTooLarge`.
        """
        saved = replace(ledger, sequence=ledger.sequence + 1)
        text = encode(saved)
        size = len(text.encode())
        if size > SIZE_LIMIT:
            raise LedgerTooLarge(
                f"the ledger {self._where(ledger.key)} of {ledger.resource_id} would have {size} "
                f"bytes with {len(ledger.entries)} entries; the limit is {SIZE_LIMIT}"
            )
        version = await self._maps.write(
            name=ledger_name(ledger.key),
            version=ledger.version,
            text=text,
            annotations={
                RESOURCE_ID_ANNOTATION: ledger.resource_id,
                TARGET_ANNOTATION: ledger.target_name,
            },
        )
        return replace(saved, version=version)

    async def delete(self, *, key: ClusterKey) -> None:
        """Delete the ledger; gone already is no error.

        Raises `LedgerNewer` for one that a newer operator wrote, and `KubeConflict` where somebody
        wrote it at this moment.
        """
        document = await self._maps.read(ledger_name(key))
        if document is None:
            return
        try:
            decode(document.text or "", key=key, version=document.version)
        except LedgerNewer as error:
            raise LedgerNewer(f"the ledger {self._where(key)} is not deleted: {error}") from error
        except LedgerUnreadable as error:
            logger.info("the ledger %s is deleted although %s", self._where(key), error)
        await self._maps.delete(name=ledger_name(key), version=document.version)

    async def acknowledgement(self, *, key: ClusterKey) -> str | None:
        """The acknowledge annotation of the ledger's ConfigMap."""
        document = await self._maps.read(ledger_name(key))
        return None if document is None else document.annotations.get(ACKNOWLEDGE_ANNOTATION)

    async def reference(self, *, key: ClusterKey) -> LedgerRef | None:
        """The ledger's ConfigMap as Events name it; None where there is none."""
        document = await self._maps.read(ledger_name(key))
        if document is None:
            return None
        return LedgerRef(name=document.name, namespace=self._maps.namespace, uid=document.uid)

    def _where(self, key: ClusterKey) -> str:
        return f"{self._maps.namespace}/{ledger_name(key)}"

    async def _key_of(self, name: str, annotated: str) -> ClusterKey | None:
        """From the annotation; from the document where that was taken off or does not fit."""
        if annotated and ledger_name(cluster_key(annotated)) == name:
            return cluster_key(annotated)
        document = await self._maps.read(name)
        if document is None:
            return None
        key = key_in(document.text or "")
        if key is not None and ledger_name(key) == name:
            return key
        logger.error(
            "the ledger %s/%s does not say which cluster it is about: restore it from a backup, "
            "or delete it if that cluster is gone",
            self._maps.namespace,
            name,
        )
        return None

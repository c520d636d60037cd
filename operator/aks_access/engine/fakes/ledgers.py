"""`ports.Ledgers` and `ports.Activations` in memory, with what can happen to a ConfigMap."""

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from aks_access.api.names import ledger_name
from aks_access.engine.fakes.faults import Faults
from aks_access.engine.ports import LedgerRef
from aks_access.errors import KubeConflict, LedgerNewer, LedgerTooLarge, LedgerUnreadable
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey


class Codec(NamedTuple):
    """What storing does to a ledger; the product's own finds what it loses on the way."""

    write: Callable[[Ledger], Any]
    read: Callable[[ClusterKey, Any], Ledger]


PLAIN = Codec(write=copy.deepcopy, read=lambda _, stored: copy.deepcopy(stored))


class _Save(NamedTuple):
    ledger: Ledger
    document: Any


@dataclass(slots=True)
class _Stored:
    last: _Save
    version: int
    unreadable: str = ""
    newer: bool = False
    acknowledgement: str | None = None
    past: list[_Save] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return self.last.ledger


class SimLedgers:
    """Ledgers by cluster.

    Attributes:
        saves: (loop time, ledger) of every successful save, oldest first.
        most: the most entries that fit, None = any number.
        codec: how ledgers are written and read.
        acknowledged: clusters whose ConfigMap somebody annotated, oldest first.
        witness: told of every version: the cluster, the ledger (None = none that can be read), and
            whether it was the engine that wrote or deleted it.
    """

    def __init__(
        self,
        *,
        latency: float = 0.01,
        codec: Codec = PLAIN,
    ) -> None:
        self.latency = latency
        self.codec = codec
        self.faults = Faults()
        self.saves: list[tuple[float, Ledger]] = []
        self.most: int | None = None
        self.acknowledged: list[ClusterKey] = []
        self.witness: Callable[[ClusterKey, Ledger | None, bool], None] | None = None
        self._stored: dict[ClusterKey, _Stored] = {}
        self._version = 5000

    def peek(self, key: ClusterKey) -> Ledger | None:
        """The ledger as stored."""
        found = self._stored.get(key)
        return found.ledger if found is not None else None

    def lose(self, key: ClusterKey) -> None:
        """Somebody deletes the ConfigMap."""
        del self._stored[key]
        self._tell(key, None, by_engine=False)

    def spoil(self, key: ClusterKey, problem: str = "it is no JSON") -> None:
        """Somebody makes the ConfigMap unreadable."""
        self._touch(key).unreadable = problem
        self._tell(key, None, by_engine=False)

    def upgrade(self, key: ClusterKey) -> None:
        """A newer operator writes the ledger in a schema of its own."""
        self._touch(key).newer = True

    def return_to(self, key: ClusterKey) -> Ledger:
        """The newer operator is back and reads what it wrote; returns that."""
        found = self._touch(key)
        found.newer = False
        return found.ledger

    def spoiled(self, key: ClusterKey) -> bool:
        """Whether the ConfigMap is there and unreadable."""
        found = self._stored.get(key)
        return found is not None and bool(found.unreadable)

    def roll_back(self, key: ClusterKey, *, by: int) -> None:
        """A restore brings back what stood there `by` saves ago."""
        found = self._touch(key)
        found.last = found.past[-1 - by]
        self._tell(key, found.ledger, by_engine=False)

    def rewrite(self, key: ClusterKey, ledger: Ledger) -> None:
        """Somebody writes another ledger into the ConfigMap, and nobody is told."""
        self._touch(key).last = _Save(ledger, self.codec.write(ledger))

    def meddle(self, key: ClusterKey) -> None:
        """Somebody else writes the ConfigMap (only its resourceVersion moves)."""
        self._touch(key)

    def acknowledge(self, key: ClusterKey, code: str) -> None:
        """Somebody annotates the ConfigMap."""
        self._touch(key).acknowledgement = code
        self.acknowledged.append(key)

    async def reference(self, *, key: ClusterKey) -> LedgerRef | None:
        """The ledger as Events name it."""
        await self._sent("reference", key)
        await self._answered("reference", key)
        if key not in self._stored:
            return None
        return LedgerRef(name=ledger_name(key), namespace="operator", uid=key)

    async def load(self, *, key: ClusterKey) -> Ledger | None:
        """Read a ledger."""
        await self._sent("load", key)
        found = self._stored.get(key)
        if found is not None and found.unreadable:
            sentence = f"the ledger of {key} cannot be used: {found.unreadable}"
            raise LedgerUnreadable(sentence, version=str(found.version))
        if found is not None and found.newer:
            sentence = f"the ledger of {key} cannot be used: a newer operator wrote it"
            raise LedgerNewer(sentence, version=str(found.version))
        ledger = None
        if found is not None:
            read = self.codec.read(key, found.last.document)
            ledger = replace(read, version=str(found.version))
        await self._answered("load", key)
        return ledger

    async def keys(self) -> Mapping[ClusterKey, str]:
        """Every cluster with a ledger."""
        await self._sent("keys", "")
        found = {key: ledger_name(key) for key in self._stored}
        await self._answered("keys", "")
        return found

    async def save(self, *, ledger: Ledger) -> Ledger:
        """Write a ledger, conditional on its version."""
        key = ledger.key
        await self._sent("save", key)
        found = self._stored.get(key)
        if (str(found.version) if found is not None else "") != ledger.version:
            raise KubeConflict(f"the ledger of {key} was changed by somebody else", status=409)
        if self.most is not None and len(ledger.entries) > self.most:
            raise LedgerTooLarge(f"the ledger of {key} would have {len(ledger.entries)} entries")
        self._version += 1
        document = self.codec.write(replace(ledger, sequence=ledger.sequence + 1))
        kept = replace(self.codec.read(key, document), version=ledger.version)
        last = _Save(kept, document)
        past = [*found.past, last] if found is not None else [last]
        given = found.acknowledgement if found is not None else None
        self._stored[key] = _Stored(last, self._version, acknowledgement=given, past=past)
        self.saves.append((asyncio.get_running_loop().time(), kept))
        self._tell(key, kept, by_engine=True)
        version = str(self._version)
        await self._answered("save", key)
        return replace(ledger, sequence=kept.sequence, version=version)

    async def delete(self, *, key: ClusterKey) -> None:
        """Delete a ledger."""
        await self._sent("delete", key)
        known = self._stored.get(key)
        if known is not None and known.newer:
            raise LedgerNewer(f"the ledger of {key} is not deleted: a newer operator wrote it")
        if self._stored.pop(key, None) is not None:
            self._tell(key, None, by_engine=True)
        await self._answered("delete", key)

    async def acknowledgement(self, *, key: ClusterKey) -> str | None:
        """The annotation."""
        await self._sent("acknowledgement", key)
        found = self._stored.get(key)
        await self._answered("acknowledgement", key)
        return found.acknowledgement if found is not None else None

    def _tell(self, key: ClusterKey, ledger: Ledger | None, *, by_engine: bool) -> None:
        if self.witness is not None:
            self.witness(key, ledger, by_engine)

    def _touch(self, key: ClusterKey) -> _Stored:
        self._version += 1
        found = self._stored[key]
        found.version = self._version
        return found

    async def _sent(self, method: str, about: str) -> None:
        await asyncio.sleep(self.latency / 2)
        self.faults.take(method, about, applied=False)

    async def _answered(self, method: str, about: str) -> None:
        await asyncio.sleep(self.latency / 2)
        self.faults.take(method, about, applied=True)


class SimActivations:
    """First activations by namespace; `recorded` has (loop time, key) of each new one."""

    def __init__(self, *, latency: float = 0.01) -> None:
        self.latency = latency
        self.faults = Faults()
        self.recorded: list[tuple[float, str]] = []
        self._entries: dict[str, dict[str, datetime]] = {}

    def known(self) -> dict[str, datetime]:
        """Every activation as stored."""
        return {key: when for known in self._entries.values() for key, when in known.items()}

    async def load_all(self) -> Mapping[str, datetime]:
        """Every activation."""
        await self._sent("load_all")
        found = self.known()
        await asyncio.sleep(self.latency / 2)
        return found

    async def record(
        self, *, namespace: str, entries: Mapping[str, datetime]
    ) -> Mapping[str, datetime]:
        """Add entries; the first time stays. Returns them as they stand."""
        await self._sent("record")
        known = self._entries.setdefault(namespace, {})
        for key, when in entries.items():
            if key not in known:
                known[key] = when
                self.recorded.append((asyncio.get_running_loop().time(), key))
        await asyncio.sleep(self.latency / 2)
        self.faults.take("record", applied=True)
        return {key: known[key] for key in entries}

    async def forget(self, *, namespace: str, keys: Sequence[str]) -> None:
        """Drop entries."""
        await self._sent("forget")
        known = self._entries.get(namespace, {})
        for key in keys:
            known.pop(key, None)
        await asyncio.sleep(self.latency / 2)
        self.faults.take("forget", applied=True)

    async def _sent(self, method: str) -> None:
        await asyncio.sleep(self.latency / 2)
        self.faults.take(method, applied=False)

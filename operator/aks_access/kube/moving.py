"""Moving ledgers from one management cluster to another: reading all, and writing them over there.

The same grants have other uids on the other cluster, so owners are found again by namespace and
name. Nothing that stands there is ever overwritten, and nothing is written before everything was
checked: a ledger that replaces another one takes away or leaves access.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aks_access.api.names import ledger_name
from aks_access.engine.ports import Kind
from aks_access.errors import ImportRefused, LedgerUnreadable
from aks_access.kube.activations import KubeActivations
from aks_access.kube.answers import meta_text
from aks_access.kube.connection import Connection
from aks_access.kube.ledger import KubeLedgers
from aks_access.kube.ledger_export import Export
from aks_access.kube.relist import Relist
from aks_access.plan.ledger import PLATFORM_OWNERS, Ledger
from aks_access.plan.model import ClusterKey, Target
from aks_access.projection import project_target


@dataclass(frozen=True, slots=True)
class Arrival:
    """One ledger at its new place.

    Attributes:
        ledger: with this cluster's uids, as it is to be saved.
        present: it stands there already, with just this content.
        missing: `namespace/name` of owners that are not there: what they hold will be taken out.
    """

    ledger: Ledger
    present: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A checked import: `activations` are the records that are not there yet."""

    arrivals: Sequence[Arrival]
    activations: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Hub:
    """One management cluster, as far as moving goes."""

    connection: Connection
    namespace: str

    @property
    def ledgers(self) -> KubeLedgers:
        """Its ledgers."""
        return KubeLedgers(connection=self.connection, namespace=self.namespace)

    @property
    def activations(self) -> KubeActivations:
        """Its activations."""
        return KubeActivations(connection=self.connection, namespace=self.namespace)

    async def read(self, *, target: str | None = None) -> Export:
        """Every ledger, or that of one target; activations always all.

        Raises `KubeError`, `LedgerUnreadable`, and `ImportRefused` where the target has no ledger.
        """
        found = []
        for key in sorted(await self.ledgers.keys()):
            ledger = await self.ledgers.load(key=key)
            if ledger is not None and target in (None, ledger.target_name):
                found.append(ledger)
        if target is not None and not found:
            raise ImportRefused(
                f"there is no ledger of a target {target} in namespace {self.namespace}. "
                "`kubectl get aat` lists the targets; one in mode Observe has no ledger"
            )
        return Export(ledgers=found, activations=await self.activations.load_all())

    async def check(self, export: Export) -> Move:
        """What an import would write. Raises `ImportRefused` where anything stands against it."""
        targets = {}
        for raw in (await Relist(connection=self.connection).complete(kind=Kind.TARGET))[0]:
            found = project_target(raw)
            targets[found.key] = found
        grants, _ = await Relist(connection=self.connection).complete(kind=Kind.GRANT)
        paths = {
            f"{meta_text(raw, 'namespace')}/{meta_text(raw, 'name')}": meta_text(raw, "uid")
            for raw in grants
        }
        arrivals = [
            await self._arrival(ledger=ledger, targets=targets, paths=paths)
            for ledger in export.ledgers
        ]
        uids = {
            uid: paths[path]
            for ledger in export.ledgers
            for uid, path in ledger.names.items()
            if path in paths
        }
        return Move(arrivals=arrivals, activations=await self._new(export.activations, uids))

    async def write(self, move: Move) -> None:
        """Write what was checked: activations first, so that no duration starts over."""
        by_namespace: dict[str, dict[str, datetime]] = {}
        for key, when in move.activations.items():
            by_namespace.setdefault(_namespace(key), {})[key] = when
        for namespace, entries in sorted(by_namespace.items()):
            await self.activations.record(namespace=namespace, entries=entries)
        for arrival in move.arrivals:
            if not arrival.present:
                await self.ledgers.save(ledger=arrival.ledger)

    async def _arrival(
        self, *, ledger: Ledger, targets: Mapping[ClusterKey, Target], paths: Mapping[str, str]
    ) -> Arrival:
        target = targets.get(ledger.key)
        where = f"{self.namespace}/{ledger_name(ledger.key)}"
        if target is None:
            raise ImportRefused(
                f"no ApiAccessTarget here has the resourceId {ledger.resource_id}: its ledger "
                "would be taken for that of a target that is gone, and its access taken away. "
                f"Apply the target {ledger.target_name} first"
            )
        moved, missing = _rehomed(ledger=ledger, target=target, paths=paths)
        try:
            there = await self.ledgers.load(key=ledger.key)
        except LedgerUnreadable as error:
            raise ImportRefused(f"{error}. Nothing is overwritten") from error
        if there is None:
            return Arrival(ledger=moved, present=False, missing=missing)
        if there.content == moved.content:
            return Arrival(ledger=there, present=True, missing=missing)
        raise ImportRefused(
            f"the ConfigMap {where} holds another ledger of {ledger.resource_id}: number "
            f"{there.sequence} with {len(there.entries)} entries, the file has number "
            f"{ledger.sequence} with {len(ledger.entries)}. Nothing is overwritten. If the file is "
            "right, stop the operator here (scale it to 0), delete that ConfigMap and import again"
        )

    async def _new(
        self, exported: Mapping[str, datetime], uids: Mapping[str, str]
    ) -> dict[str, datetime]:
        there = await self.activations.load_all()
        new = {}
        for key, when in exported.items():
            moved = _rekeyed(key, uids)
            if moved not in there:
                new[moved] = when
            elif there[moved] != when:
                raise ImportRefused(
                    f"the first activation {moved} is recorded here as {there[moved]:%FT%TZ}, the "
                    f"file says {when:%FT%TZ}. Nothing is overwritten: stop the operator here, "
                    f"delete the ConfigMap aks-access-activations-{_namespace(moved)} and import "
                    "again, or delete the grant if it is another one"
                )
        return new


def _rehomed(
    *, ledger: Ledger, target: Target, paths: Mapping[str, str]
) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with the uids of the other cluster, and the owners that are not there."""
    uids = {uid: paths[path] for uid, path in ledger.names.items() if path in paths}
    entries = {
        name: replace(
            entry,
            owners=tuple(uids.get(owner, owner) for owner in entry.owners),
            released=tuple(uids.get(owner, owner) for owner in entry.released),
        )
        for name, entry in ledger.entries.items()
    }
    owners = {owner for entry in ledger.entries.values() for owner in entry.owners}
    missing = sorted(ledger.names.get(o, o) for o in owners - uids.keys() - PLATFORM_OWNERS)
    moved = replace(
        ledger,
        target_name=target.name,
        target_uid=target.uid,
        sequence=max(ledger.sequence, target.ledger_sequence or 0),
        entries=entries,
        names={uids.get(uid, uid): path for uid, path in ledger.names.items()},
        refused={},
        version="",
    )
    return moved, tuple(missing)


def _namespace(key: str) -> str:
    """Of an activation key: `name:NS/NAME` or `uid:NS/UID`."""
    return key.partition(":")[2].partition("/")[0]


def _rekeyed(key: str, uids: Mapping[str, str]) -> str:
    head, _, uid = key.rpartition("/")
    return f"{head}/{uids.get(uid, uid)}" if key.startswith("uid:") else key

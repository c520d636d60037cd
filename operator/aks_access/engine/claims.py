"""Which target holds a cluster, how it takes hold, and how it lets go."""

import logging
from dataclasses import dataclass, replace

from aks_access.api.names import TARGET_FINALIZER
from aks_access.engine.announcer import Announcer
from aks_access.engine.board import Board
from aks_access.engine.config import EngineConfig
from aks_access.engine.look import Look, Next
from aks_access.engine.looptime import loop_time
from aks_access.engine.memory import ClusterMemory
from aks_access.engine.notes import Note, finding_note
from aks_access.engine.orphans import Orphans, left_open
from aks_access.engine.ports import Kind, Ledgers, Objects
from aks_access.engine.publisher import Publisher
from aks_access.engine.refs import target_ref
from aks_access.engine.reports import TargetReport
from aks_access.engine.store import Store
from aks_access.engine.verdicts import Blocker, blocked_report
from aks_access.plan import holders
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Target

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """Finalizers of targets, duplicates, and the end of a target or an orphaned ledger."""

    store: Store
    board: Board
    objects: Objects
    ledgers: Ledgers
    publisher: Publisher
    announcer: Announcer
    config: EngineConfig
    orphans: Orphans
    memories: dict[ClusterKey, ClusterMemory]

    async def finalize(self, target: Target) -> None:
        """Add our finalizer to the target."""
        raw = await self.objects.add_finalizer(ref=target_ref(target), finalizer=TARGET_FINALIZER)
        self.store.changed(Kind.TARGET, raw)

    async def released(self, *, look: Look) -> bool:
        """Let go of a target, or of an orphaned ledger, when nothing of ours stands any more.

        A suspended target stays: what somebody clears meanwhile goes back when that is lifted. So
        does the ledger that alone knows what an open cluster's list was.
        """
        target = look.target
        if not self.store.synced:
            return False
        if target is not None and (target.deleting is None or target.suspend):
            return False
        plan, ledger = look.plan, look.ledger
        standing = plan.held or plan.removals or plan.held_removals
        if standing or plan.write or ledger.in_flight is not None or look.adoption.lost:
            return False
        if left_open(look):
            return False
        await self.let_go(key=look.key, target=target, name=look.name)
        return True

    async def let_go(self, *, key: ClusterKey, target: Target | None, name: str) -> None:
        """The target's finalizer first: a target that remembers a ledger must not lose it."""
        if target is not None:
            await self.objects.remove_finalizer(ref=target_ref(target), finalizer=TARGET_FINALIZER)
            self.board.drop_target(target.name)
        await self.ledgers.delete(key=key)
        self.publisher.retire(name)
        self.forget(key)

    async def detach(self, *, key: ClusterKey, target: Target, stored: Ledger | None) -> Next:
        """Leave the list as it is: from here on every entry is somebody else's."""
        if stored is not None and not stored.detached:
            detached = replace(stored, detached=True, entries={}, in_flight=None)
            saved = await self.ledgers.save(ledger=detached)
            if (memory := self.memories.get(key)) is not None:
                memory.ledger = saved  # serves while the ledger cannot be read
            self.announcer.detached(target=target, ledger=stored)
        await self.let_go(key=key, target=target, name=target.name)
        return Next()

    async def without_target(self, *, key: ClusterKey, unreadable: str) -> Next:
        """A key that neither a target nor a readable ledger stands for."""
        if unreadable:
            message = (
                f"{unreadable}. Its target is gone, and what it holds is not revoked: restore the "
                "ConfigMap from a backup, or take the entries out by hand and delete it."
            )
            await self.orphans.tell(key=key, message=message)
            self.board.post(TargetReport(key=key, target="", known=False))
            return Next(after=self.config.drift)
        return self.forget(key)

    def forget(self, key: ClusterKey) -> Next:
        """Nothing is held there any more, or never was."""
        self.memories.pop(key, None)
        self.orphans.forget(key)
        self.board.drop_cluster(key)
        return Next()

    async def displaced(
        self, *, key: ClusterKey, claimants: list[Target], target: Target | None
    ) -> None:
        """Tell the cluster's other targets that they are duplicates; let deleted ones go."""
        for other in claimants:
            if target is None or other.uid == target.uid:
                continue
            if other.deleting is not None and other.finalized:
                await self.objects.remove_finalizer(
                    ref=target_ref(other), finalizer=TARGET_FINALIZER
                )
                continue
            note = _barrier(other, holder=target)
            await self.blocked(key=key, target=other, note=note, duplicate=True)

    async def unusable(self, *, key: ClusterKey, target: Target, unreadable: str) -> Next:
        """An invalid target without a ledger: say so, and wait for an edit.

        One that remembers a ledger does not go: mended, it says that this is lost.
        """
        note = _barrier(target, holder=target)
        known = not unreadable and target.ledger_sequence is None
        await self.blocked(key=key, target=target, note=note, known=known)
        if known and target.deleting is not None and target.finalized:
            await self.objects.remove_finalizer(ref=target_ref(target), finalizer=TARGET_FINALIZER)
        return Next()

    async def blocked(
        self,
        *,
        key: ClusterKey,
        target: Target,
        note: Note,
        duplicate: bool = False,
        known: bool = True,
    ) -> None:
        """Report a target that can judge none of its grants; `known` = nothing is held there."""
        if not self.store.synced:
            return
        grants = self.store.matching(target).values()
        report = blocked_report(
            key=key,
            target=target,
            grants=grants,
            blocker=Blocker(reason=note.reason, message=note.message, retries=note.transient),
            planned_at=loop_time(),
            known=known,
        )
        if duplicate:
            self.board.post_duplicate(report)
        else:
            self.board.post(report)
        await self.publisher.publish_note(target=target, note=note)


def _barrier(target: Target, *, holder: Target) -> Note:
    """Why the target, displaced or unusable, judges no grant."""
    finding = holders.barrier(target, holder=holder)
    assert finding is not None
    return finding_note(finding=finding, target=target, cluster=target.resource_id)

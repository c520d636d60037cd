"""Which keys a change concerns, and how urgently.

Only a change of what a plan reads counts; the echo of our own status writes moves nothing.
Additions settle for a moment, so that twenty grants of one apply become one write; whatever may
take access away goes at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from aks_access.engine.aims import status_targets
from aks_access.engine.board import Board
from aks_access.engine.hints import ADDING, TAKING, Hints, takes_nothing
from aks_access.engine.ports import Kind
from aks_access.engine.queue import WorkQueue
from aks_access.engine.store import Changed, Store
from aks_access.engine.worlds import Worlds
from aks_access.plan.access import matches
from aks_access.plan.model import ClusterKey, Grant, GrantUid, Namespace, RangeSet, Target


@dataclass(slots=True)
class Router:
    """Turns changes into queue entries."""

    worlds: Worlds
    board: Board
    targets: WorkQueue[ClusterKey]
    grants: WorkQueue[GrantUid]
    range_sets: WorkQueue[str]
    hints: Hints = field(default_factory=Hints)

    @property
    def _store(self) -> Store:
        return self.worlds.store

    def changed(self, change: Changed) -> None:
        """Enqueue what the change concerns."""
        match change.kind:
            case Kind.GRANT:
                self._grant(change)
            case Kind.TARGET:
                self._target(change)
            case Kind.RANGE_SET:
                self._range_set(change)
            case Kind.NAMESPACE:
                self._namespace(change)

    def remember_deletion(self, change: Changed) -> None:
        """A follower's part of a change: that a grant was seen deleted."""
        if isinstance(change.before, Grant):
            self.worlds.deletions.add(change.before.uid)

    def hint(self, grant: Grant) -> None:
        """Look at every target of the grant, now."""
        for key in self._keys(grant):
            self.targets.put(key)

    def everything(self, ledgers: Iterable[ClusterKey]) -> None:
        """Look at every cluster, grant and range set."""
        for key in {*(t.key for t in self._store.targets()), *ledgers}:
            self.targets.put(key)
        for uid in self._store.grants():
            self.grants.put(uid)
        for name in self._store.range_sets():
            self.range_sets.put(name)

    def nudge(self, grant: Grant) -> None:
        """Look at every target of the grant when hints have been quiet."""
        for key in self._keys(grant):
            self.targets.put_settled(key)

    def _keys(self, grant: Grant) -> set[ClusterKey]:
        store = self._store
        named = {grant.target_name or "", *status_targets(grant)}
        keys = {target.key for target in map(store.target, named) if target is not None}
        if grant.selector is not None:
            keys |= {t.key for t in store.targets() if matches(grant=grant, target=t)}
        return keys | set(self.board.held(grant.uid))

    def _grant(self, change: Changed) -> None:
        before, after = change.before, change.after
        old = before if isinstance(before, Grant) else None
        new = after if isinstance(after, Grant) else None
        if old is not None and new is not None and _grant_core(old) == _grant_core(new):
            if old.status != new.status:
                # Perhaps not ours: a write of the leader before us may arrive after our own.
                self.grants.put(new.uid)
            return
        grant = new or old
        if grant is None:
            return
        if new is None and change.seen:
            self.remember_deletion(change)
        self.grants.put(grant.uid)
        keys = self._keys(grant) | (self._keys(old) if old is not None else set())
        addition = self._adds(old=old, new=new)
        only_finalizer = (
            old is not None
            and new is not None
            and _grant_core(replace(old, finalized=new.finalized)) == _grant_core(new)
        )
        if only_finalizer and grant.finalized:
            return
        for key in keys:
            self._look(key=key, namespace=grant.namespace, addition=addition)

    def _adds(self, *, old: Grant | None, new: Grant | None) -> bool:
        """Whether the change can take nothing away that stands."""
        if old is not None and new is not None:
            before, after = _grant_core(old), _grant_core(new)
            if takes_nothing(before=before, after=after):
                return True
        known = new or old
        return known is not None and self.board.holdings_known and not self.board.held(known.uid)

    def _look(self, *, key: ClusterKey, namespace: str, addition: bool) -> None:
        looks = ADDING if addition else TAKING
        wait = self.hints.wait(cluster=key, namespace=namespace, looks=looks)
        if wait > 0.0:
            self.targets.put_after(key, wait)
        elif addition:
            self.targets.put_settled(key)
        else:
            self.targets.put(key)

    def _target(self, change: Changed) -> None:
        before, after = change.before, change.after
        old = before if isinstance(before, Target) else None
        new = after if isinstance(after, Target) else None
        if old is not None and new is not None and _target_core(old) == _target_core(new):
            return
        for target in (old, new):
            if target is None:
                continue
            self.targets.put(target.key)
            for uid, grant in self._store.grants().items():
                if matches(grant=grant, target=target) or target.name in status_targets(grant):
                    self.grants.put(uid)
        if new is None and old is not None:
            self.board.drop_target(old.name)

    def _range_set(self, change: Changed) -> None:
        before, after = change.before, change.after
        old = before if isinstance(before, RangeSet) else None
        new = after if isinstance(after, RangeSet) else None
        if old is not None and new is not None and _set_core(old) == _set_core(new):
            return
        found = new or old
        if found is None:
            return
        self.range_sets.put(found.name)
        keys = {t.key for t in self._store.targets() if found.name in t.baseline_sets}
        for grant in self._store.grants().values():
            if found.name in grant.range_sets:
                keys |= self._keys(grant)
        for key in keys:
            self.targets.put(key)

    def _namespace(self, change: Changed) -> None:
        before, after = change.before, change.after
        if before == after:
            return
        found = after if isinstance(after, Namespace) else before
        if not isinstance(found, Namespace):
            return
        for grant in self._store.grants().values():
            if grant.namespace == found.name:
                for key in self._keys(grant):
                    self.targets.put(key)


def _grant_core(grant: Grant) -> Grant:
    """The grant without what our own status writes change."""
    return replace(
        grant,
        resource_version="",
        status={},
        started=None,
        evaluated=None,
        activated=None,
        closed=None,
    )


def _target_core(target: Target) -> Target:
    return replace(target, resource_version="", status={}, ledger_sequence=None)


def _set_core(found: RangeSet) -> RangeSet:
    return replace(found, resource_version="", status={})

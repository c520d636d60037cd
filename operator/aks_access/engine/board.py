"""Where the TargetReconciler leaves what it found for the GrantReconciler.

Reports are kept per target and holdings per cluster, in memory: after a restart every target
reports anew, and until all of a grant's targets have, its status stays as it is.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from aks_access.engine.reports import GrantReport, TargetReport
from aks_access.plan.model import ClusterKey, GrantUid


class Board:
    """The reports; `on_change` gets the uids of the grants for which something changed."""

    def __init__(self, *, on_change: Callable[[set[GrantUid]], None]) -> None:
        self._on_change = on_change
        self._reports: dict[str, TargetReport] = {}
        self._preparing: dict[str, frozenset[GrantUid]] = {}
        self._held: dict[ClusterKey, Mapping[GrantUid, tuple[str, ...]]] = {}
        self._holders: dict[GrantUid, set[ClusterKey]] = {}
        self._awaited: frozenset[ClusterKey] = frozenset()
        self._waiting: set[GrantUid] = set()
        self._unprepared: dict[str, set[GrantUid]] = {}
        self._unknown: dict[ClusterKey, str] = {}

    def wait(self, uid: GrantUid) -> None:
        """Tell of the next report of any target, changed or not (a deleted grant waits)."""
        self._waiting.add(uid)

    def rest(self, uid: GrantUid) -> None:
        """End `wait`."""
        self._waiting.discard(uid)

    def expect(self, keys: Iterable[ClusterKey]) -> None:
        """The clusters whose ledgers exist: until each has reported, anything may be held."""
        self._awaited = frozenset(keys)

    def post(self, report: TargetReport) -> None:
        """Take a report in place of the last one of the same target and cluster."""
        before = self._reports.get(report.target)
        touched = _touched(before, report)
        if report.target:
            self._keep(report)
            self._unprepared[report.target] = set(report.prepare)
        if report.known:
            touched |= self._hold(report)
        else:
            self._unknown[report.key] = report.target
        self._awaited -= {report.key}
        touched |= self._waiting
        if touched:
            self._on_change(touched)

    def _hold(self, report: TargetReport) -> set[GrantUid]:
        """Take what the ledger holds; returns the grants for which that is news."""
        now = report.held
        held = self._let_go(report.key)
        self._held[report.key] = now
        for uid in now:
            self._holders.setdefault(uid, set()).add(report.key)
        self._unknown.pop(report.key, None)
        if report.key in self._awaited:
            return set(held) | set(now)
        return {uid for uid in {*held, *now} if held.get(uid) != now.get(uid)}

    def _let_go(self, key: ClusterKey) -> Mapping[GrantUid, tuple[str, ...]]:
        """Forget what is held there; returns it."""
        held = self._held.pop(key, {})
        for uid in held:
            self._holders[uid].discard(key)
            if not self._holders[uid]:
                del self._holders[uid]
        return held

    def post_duplicate(self, report: TargetReport) -> None:
        """Take the report of a target that another one of the same cluster displaces."""
        touched = _touched(self._reports.get(report.target), report)
        self._keep(report)
        if touched:
            self._on_change(touched)

    def _keep(self, report: TargetReport) -> None:
        self._reports[report.target] = report
        if report.prepare:
            self._preparing[report.target] = report.prepare
        else:
            self._preparing.pop(report.target, None)

    def drop_target(self, name: str) -> None:
        """Forget a target that is gone."""
        report = self._reports.pop(name, None)
        self._unprepared.pop(name, None)
        self._preparing.pop(name, None)
        # Its ledger may still hold what cannot be read: that is asked of those that are gone.
        gone = [key for key, target in self._unknown.items() if target == name]
        self._unknown.update(dict.fromkeys(gone, ""))
        if report is not None:
            self._on_change(set(report.grants) | report.prepare)

    def drop_cluster(self, key: ClusterKey) -> None:
        """Forget a cluster whose ledger is gone: nothing is held there."""
        touched = set(self._let_go(key))
        if key in self._awaited:
            touched |= self._waiting
        self._awaited -= {key}
        self._unknown.pop(key, None)
        if touched:
            self._on_change(touched)

    def clear(self) -> None:
        """Forget everything (leadership lost)."""
        self._reports.clear()
        self._held.clear()
        self._holders.clear()
        self._waiting.clear()
        self._unprepared.clear()
        self._preparing.clear()
        self._unknown.clear()
        self._awaited = frozenset()

    def report(self, *, target: str, uid: GrantUid) -> GrantReport | None:
        """What this target last said of the grant."""
        found = self._reports.get(target)
        return found.grants.get(uid) if found is not None else None

    def planned_at(self, target: str) -> float:
        """Loop time of the snapshot behind the target's last report; -1 before the first."""
        found = self._reports.get(target)
        return found.planned_at if found is not None else -1.0

    def held(self, uid: GrantUid) -> dict[ClusterKey, tuple[str, ...]]:
        """Entries that ledgers hold for the grant, by cluster."""
        return {key: self._held[key][uid] for key in self._holders.get(uid, ())}

    def unknown(self, targets: Collection[str]) -> bool:
        """Whether a ledger of one of these targets cannot be read ("" = one that is gone)."""
        return any(target in targets for target in self._unknown.values())

    @property
    def holdings_known(self) -> bool:
        """Whether every ledger was looked at: but for `unknown` ones `held` is the truth."""
        return not self._awaited

    def prepared(self, uid: GrantUid) -> bool:
        """Note that the grant has finalizer and activation; whether a target waits for no more."""
        complete = False
        for waiting in self._unprepared.values():
            if uid in waiting:
                waiting.discard(uid)
                complete = complete or not waiting
        return complete

    def to_prepare(self, uid: GrantUid) -> bool:
        """Whether a target waits for the grant's finalizer and activation."""
        return any(uid in waiting for waiting in self._preparing.values())


def _touched(before: TargetReport | None, after: TargetReport) -> set[GrantUid]:
    old = before.grants if before is not None else {}
    touched = {uid for uid in {*old, *after.grants} if old.get(uid) != after.grants.get(uid)}
    if before is None:
        return touched | after.prepare | after.overdue
    return touched | (before.prepare ^ after.prepare) | (before.overdue ^ after.overdue)

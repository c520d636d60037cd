"""Safety, judged at every write to Azure and every release, from outside the operator.

A process may act on a world that is as old as its view; what it did is wrong when nothing that it
may have seen allows it. What must stand comes from `tests.reference`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aks_access.engine.fakes.clusters import Request
from aks_access.engine.ports import Kind
from aks_access.plan.ledger import EntryState
from aks_access.plan.model import ClusterKey
from tests.facts import SENTINEL, activation_key, asked, canonical, instant, part, tracked, uid_of
from tests.reference import Case, cause, idle, kept_foreign, platform
from tests.sim.histories.operator import LAG, current
from tests.sim.histories.script import BASELINE, OTHERS, POOL, TARGETS
from tests.sim.world import key_of

if TYPE_CHECKING:
    from tests.sim.histories.place import Place

Raw = dict[str, Any]
OURS_PERHAPS = frozenset({*POOL, *BASELINE})
LIMITS = ("maxGrantsPerNamespace", "maxEntriesPerNamespace")


@dataclass(frozen=True, slots=True)
class Moment:
    """The objects from loop time `at` on."""

    at: float
    clock: datetime
    targets: Mapping[str, Raw]
    grants: tuple[Raw, ...]
    sets: Mapping[str, Raw]
    namespaces: Mapping[str, Raw]


class Watcher:
    """See the module.

    Attributes:
        violations: sentences, each with the invariant that is broken.
        perhaps: per cluster, entries that others may have put in: theirs or ours, who can tell.
        cleared: per cluster, the list that stood when somebody cleared it.
        lost: clusters whose ledger was lost, spoiled or rolled back.
        refusable: every range that AKS refused at some time.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._moments: list[Moment] = []
        self.violations: list[str] = []
        self.perhaps: dict[str, set[str]] = {name: set() for name in TARGETS}
        self.cleared: dict[str, set[str]] = {name: set() for name in TARGETS}
        self.lost: set[str] = set()
        self.refusable: set[str] = set()
        self._fresh: set[str] = set()

    # the world as it was

    def remember(self) -> None:
        """Somebody did something."""
        moment = self.now()
        if self._moments and self._moments[-1].at == moment.at:
            self._moments[-1] = moment  # nobody saw what stood for no time
            return
        self._moments.append(moment)

    def now(self) -> Moment:
        """The objects as they are."""
        api = self._place.api

        def every(kind: Kind) -> list[Raw]:
            names = [name.rpartition("/") for name in api.names(kind)]
            return [
                raw for space, _, name in names if (raw := api.find(kind, name, namespace=space))
            ]

        return Moment(
            at=self._place.now,
            clock=self._place.clock.now(),
            targets={raw["metadata"]["name"]: raw for raw in every(Kind.TARGET)},
            grants=tuple(every(Kind.GRANT)),
            sets={raw["metadata"]["name"]: raw for raw in every(Kind.RANGE_SET)},
            namespaces={raw["metadata"]["name"]: raw for raw in every(Kind.NAMESPACE)},
        )

    def _seen_since(self, start: float) -> list[Moment]:
        later = [moment for moment in self._moments if moment.at > start]
        before = [moment for moment in self._moments if moment.at <= start]
        return [*before[-1:], *later]

    def live(self, name: str) -> set[str] | None:
        """The list in Azure, canonical."""
        ranges = self._place.azure.cluster(key_of(name)).ranges
        return None if ranges is None else set(map(canonical, ranges))

    def case(self, moment: Moment, name: str, **more: Any) -> Case:
        """One cluster's case for the reference; the target must be there."""
        place = self._place
        cluster = place.azure.cluster(key_of(name))
        facts: dict[str, Any] = {
            "now": moment.clock,
            "target": moment.targets[name],
            "grants": moment.grants,
            "sets": moment.sets,
            "namespaces": moment.namespaces,
            "activations": place.activations.known(),
            "live": cluster.ranges,
            "management": {str(item) for item in place.config.management_egress},
            "outbound": cluster.outbound_type,
        }
        return Case(**{**facts, **more})

    # judgements

    def put(self, request: Request) -> None:
        """A list was accepted."""
        name = self._place.name_of(request.key)
        process, now = current.get(), self._place.now
        since = process.knows_since(now) if process is not None else now - LAG
        sent = set(map(canonical, request.sent or ()))
        before = None if request.before is None else set(map(canonical, request.before))
        judged = self._place.figures.judged
        judged["put"] += 1
        if SENTINEL in sent and len(sent) > 1:
            self.broken("I1", name, f"the sentinel stands beside {sorted(sent)}")
        moments = self._seen_since(since)
        targets = [moment.targets.get(name) for moment in moments]
        if targets and all(target is not None and idle(target) for target in targets):
            self.broken("I12", name, "a write although it is observed, suspended or detached")
        self._fresh = self._not_ready(since)
        cases = list(self._cases(name, moments, since))
        for entry in sorted(sent - (before or set()) - {SENTINEL}):
            judged["addition"] += 1
            self._added(name, entry, before, cases)
        for entry in sorted((before or set()) - sent - {SENTINEL}):
            judged["removal"] += 1
            self._removed(name, entry, cases, orphaned=None in targets)

    def _cases(self, name: str, moments: list[Moment], since: float) -> Iterator[Case]:
        """The cases that a process may have seen, at the earliest and latest time of each."""
        clock = self._place.clock.now()
        status = {uid_of(raw): raw.get("status") for raw in self.now().grants}
        early = clock - timedelta(seconds=self._place.now - since)
        for moment in moments:
            if name not in moment.targets:
                continue
            grants = tuple(
                {**raw, "status": status.get(uid_of(raw)) or raw.get("status", {})}
                for raw in moment.grants
            )
            for when in {early, clock, max(moment.clock, min(early, clock))}:
                yield self.case(replace(moment, clock=when, grants=grants), name)

    def _added(self, name: str, entry: str, before: set[str] | None, cases: list[Case]) -> None:
        if before is None and entry in self.cleared[name]:
            return
        lenient = [replace(case, lenient=True) for case in cases]
        if not any(entry in platform(case) or cause(case, entry) for case in lenient):
            self.broken("I3", name, f"{entry} was added although nobody asks for it")
        ledger = self._place.ledgers.peek(key_of(name))
        known = ledger.entries.get(entry) if ledger is not None else None
        recorded = known is not None and known.state is not EntryState.WITHDRAWN
        if entry in POOL and not recorded:
            self.broken("I5", name, f"{entry} was added and no ledger says so")

    def _removed(self, name: str, entry: str, cases: list[Case], *, orphaned: bool) -> None:
        if entry in OTHERS:
            if not cases or all(entry in kept_foreign(_with(case, entry)) for case in cases):
                self.broken("I2", name, f"the foreign entry {entry} was taken out")
            return
        if orphaned or not cases:
            return
        if all(entry in platform(case) or self._must(case, entry) for case in cases):
            self.broken("I3", name, f"{entry} was taken out although it is asked for all the time")
        ledger = self._place.ledgers.peek(key_of(name))
        if name in self.lost or ledger is None or entry in ledger.entries or entry in BASELINE:
            return
        if all(entry in kept_foreign(_with(case, entry)) for case in cases):
            self.broken("I2", name, f"{entry} was taken out and no ledger says that it is ours")

    def _must(self, case: Case, entry: str) -> bool:
        policy = part(case.target, "spec", "policy") or {}
        if any(limit in policy for limit in LIMITS) or "maxDuration" in policy:
            return False
        known = self._refused(part(case.target, "metadata", "name"))
        unready = known | self._fresh
        sure = [raw for raw in case.grants if uid_of(raw) not in unready and _settled(raw)]
        return bool(cause(replace(case, grants=sure), entry))

    def _not_ready(self, since: float) -> set[str]:
        """Grants that had neither finalizer nor recorded start at that time."""
        late = {
            w.name
            for w in self._place.objects.writes
            if w.method == "add_finalizer" and w.at > since
        }
        begun = {key for at, key in self._place.activations.recorded if at <= since}
        found = set()
        for raw in self.now().grants:
            counted = part(raw, "spec", "duration") is not None and activation_key(raw) not in begun
            if (
                not part(raw, "metadata", "finalizers")
                or raw["metadata"]["name"] in late
                or counted
            ):
                found.add(uid_of(raw))
        return found

    def _refused(self, name: str) -> set[str]:
        ledger = self._place.ledgers.peek(key_of(name))
        return set(ledger.refused) if ledger is not None else set()

    def gone(self, kind: Kind, raw: Raw, *, released: bool) -> None:
        """An object is gone; `released`: because the operator took its finalizer off."""
        if kind is Kind.TARGET:
            name = raw["metadata"]["name"]
            detached = part(raw, "spec", "deletionPolicy") == "Detach"
            left = self.live(name) or set()
            self.perhaps[name] |= left if detached else left & set(BASELINE)
        if kind is Kind.GRANT and released:
            self._place.figures.judged["release"] += 1
            for name in TARGETS:
                self._released(name, raw)

    def _released(self, name: str, raw: Raw) -> None:
        """A deleted grant was let go: nothing of its stands that nobody else answers for."""
        live, ledger = self.live(name), self._place.ledgers.peek(key_of(name))
        if live is None or ledger is None or self._place.azure.cluster(key_of(name)).gone:
            return
        if self._place.ledgers.spoiled(key_of(name)) or name in self.lost:
            return
        uid, moment = uid_of(raw), self.now()
        for entry in sorted(live & {*ledger.entries, *asked(raw, moment.sets)}):
            known = ledger.entries.get(entry)
            if known is not None and uid in known.owners:
                others = {*known.owners} & {uid_of(grant) for grant in moment.grants} - {uid}
                if known.state is not EntryState.WITHDRAWN and not others:
                    self.broken("I9", name, f"{entry} stands for a grant that was let go")
            elif known is not None and uid in known.released:
                bound = self._place.config.revocation_bound
                if known.due is None or moment.clock - known.due < bound:
                    self.broken("I9", name, f"{entry} was made a debt before it was overdue")
            elif known is None and entry in POOL and entry not in self.perhaps[name]:
                self.broken("I5", name, f"{entry} stands and no ledger says for whom")

    def forgetting(self, key: ClusterKey) -> None:
        """A ledger is about to be deleted: nothing that is ours may stand."""
        name = self._place.name_of(key)
        live = self.live(name) or set()
        self._place.figures.judged["ledger deleted"] += 1
        ledger = self._place.ledgers.peek(key)
        gone = self._place.azure.cluster(key).gone or name in self.lost
        if ledger is not None and not ledger.detached and not gone:
            for entry in sorted(live & set(POOL) - self.perhaps[name]):
                self.broken("I5", name, f"the ledger goes and {entry} stays")
        self.perhaps[name] |= live & OURS_PERHAPS

    def broken(self, invariant: str, name: str, what: str) -> None:
        """Note a violation."""
        self.violations.append(f"{invariant} {name} at {self._place.now:.2f}: {what}")


def _with(case: Case, entry: str) -> Case:
    return replace(case, foreign=frozenset({entry}))


def _settled(raw: Raw) -> bool:
    """Whether nothing but its spec decides about it."""
    counted = part(raw, "spec", "duration") is not None
    closed = instant(part(raw, "status", "closedAt"))
    return closed is None and not (counted and tracked(raw))

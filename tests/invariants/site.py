"""One cluster as the oracle follows it: whose each entry is, what is due, and since when.

Whose an entry is comes from what happened alone: what the operator put in is its own, what stood
before or others put in is theirs, what was its own and came back is its own again. Where the
design lets the operator guess (a lost ledger, an unanswered write), an entry is in `either`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.facts import SENTINEL, canonical
from tests.history import Cluster, Ledger, Ranges, Result, Write

MEMORY = 90 * 86400.0
"""Seconds for which a removed entry stays the operator's."""
HOUR = 3600.0
BUCKET, REFILL = 20.0, 60.0
"""AKS takes 20 PUTs of a cluster, and one more every 60 s."""


@dataclass(slots=True)
class Debt:
    """Something that has to be done: how long it could have been, and what stood in its way.

    Attributes:
        credit: seconds for which the operator could have done it.
        guarded: what it lost may be somebody's mistake (I8), so many at once wait for a person.
        patient: the platform's own: it goes together with what replaces it.
        refused: AKS refused a list meanwhile.
    """

    since: float
    credit: float = 0.0
    guarded: bool = False
    patient: bool = False
    refused: bool = False
    told: bool = False


def names(ranges: Ranges | Iterable[str]) -> set[str]:
    """The canonical entries of a list; none for an open cluster."""
    return set(map(canonical, ranges or ()))


@dataclass(slots=True)
class Site:
    """See the module.

    Attributes:
        facts: the cluster as last seen.
        ranges: its list now.
        ours, foreign, either: canonical entries by whose they are.
        cleared: foreign entries of the list that somebody cleared.
        waiting: debts that may have waited for a person, or for what replaces them, in that list.
        past: entries that were ours, with the time they went.
        maybe: entries of writes that were never answered.
        ledger: its newest version; `own` the newest that the operator wrote.
        began: when this cluster was first seen; `read` when the operator last read one.
        writes: the operator's PUTs that reached AKS, oldest first.
        debts: removals that are due, by entry; `unclear` = a cleared list.
        waits: until then nothing is expected, because a request failed.
        missing: how often in a row the cluster was not found.
        printed: acknowledgement codes that the operator has shown.
        acknowledged: those that somebody gave back.
    """

    key: str
    facts: Cluster
    ranges: Ranges
    ours: set[str] = field(default_factory=set)
    foreign: dict[str, str] = field(default_factory=dict)
    either: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    waiting: dict[str, Debt] = field(default_factory=dict)
    past: dict[str, float] = field(default_factory=dict)
    maybe: set[str] = field(default_factory=set)
    restricted: bool = False
    ledger: Ledger | None = None
    own: Ledger | None = None
    began: float = 0.0
    read: float = 0.0
    writes: list[Write] = field(default_factory=list)
    debts: dict[str, Debt] = field(default_factory=dict)
    unclear: Debt | None = None
    waits: float = 0.0
    missing: int = 0
    printed: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    reversals: dict[str, list[float]] = field(default_factory=dict)
    returned: dict[str, float] = field(default_factory=dict)
    platform: set[str] = field(default_factory=set)
    dirty: bool = True
    next_change: float = float("inf")

    @property
    def live(self) -> set[str]:
        """The canonical entries that stand."""
        return names(self.ranges)

    @property
    def refused(self) -> set[str]:
        """What was added by lists that AKS refused: any of it may be why."""
        lists = [write for write in self.writes if write.result is Result.INVALID]
        return {entry for w in lists for entry in names(w.sent) - names(w.before)}

    def seen(self, line: Cluster) -> None:
        """The cluster is this from now on."""
        if line.uid != self.facts.uid:
            self.begin(line)
        elif line.exists and line.ranges != self.ranges:
            self.by_others(at=line.at, after=line.ranges)
        self.facts = line
        if not line.exists:
            self.ours, self.foreign, self.either = set(), {}, set()
            self.ranges = ()
        self.dirty = True

    def begin(self, line: Cluster) -> None:
        """Another cluster, or the first sight of one: everything in it is somebody else's."""
        self.began = line.at
        self.ours, self.either, self.cleared, self.maybe = set(), set(), set(), set()
        self.waiting = {}
        self.past, self.debts, self.unclear, self.writes = {}, {}, None, []
        self.ranges = line.ranges
        self.restricted = line.ranges is not None
        self.foreign = {canonical(item): item for item in line.ranges or ()}
        self.foreign.pop(SENTINEL, None)

    def by_others(self, *, at: float, after: Ranges) -> None:
        """Somebody else made the list this."""
        before, now = self.live, names(after)
        if after is None and self.ranges is not None:
            recorded = names(self.ledger.verified) if self.ledger is not None else set()
            recorded -= self.ours | set(self.past)
            self.cleared = set(self.foreign) | self.either | recorded
            self.waiting = {e: d for e, d in self.debts.items() if d.guarded or d.patient}
        for entry in before - now:
            if entry in self.ours and after is not None:
                self.reversals.setdefault(entry, []).append(at)
            self._gone(entry, at)
        for item in after or ():
            entry = canonical(item)
            if entry in before or entry == SENTINEL:
                continue
            if entry in self.maybe:
                self.either.add(entry)
            elif at - self.past.get(entry, -2 * MEMORY) < MEMORY:
                self.ours.add(entry)
            else:
                self.foreign[entry] = item
        self.ranges = after
        self.restricted = self.restricted or after is not None
        self.dirty = True

    def by_operator(self, write: Write) -> None:
        """The operator sent a list; what it did is in `after`."""
        if write.existed and write.result not in (Result.FAILED, Result.MISSING):
            self.writes.append(write)
        if write.result is Result.UNCERTAIN:
            self.maybe |= names(write.sent) - names(write.before)
        if write.after == write.before or not write.existed:
            return
        before, now = names(write.before), names(write.after)
        for entry in before - now:
            self._gone(entry, write.at)
        for item in write.after or ():
            entry = canonical(item)
            if entry in before or entry == SENTINEL:
                continue
            if write.before is None and entry in self.cleared:
                self.foreign[entry] = item
            else:
                self.ours.add(entry)
                self.returned[entry] = write.at
                if write.before is None and entry in self.waiting:
                    self.debts[entry] = self.waiting.pop(entry)
        self.ranges = write.after
        self.restricted = True
        self.dirty = True

    def _gone(self, entry: str, at: float) -> None:
        if entry in self.ours:
            self.past[entry] = at
        self.ours.discard(entry)
        self.either.discard(entry)
        self.foreign.pop(entry, None)

    def doubt(self, entries: Iterable[str]) -> None:
        """Nobody can tell any more whose these are."""
        for entry in set(entries):
            if entry in self.ours or entry in self.foreign:
                self.either.add(entry)
            self.ours.discard(entry)
            self.foreign.pop(entry, None)
            self.past.pop(entry, None)
            self.maybe.add(entry)
        self.dirty = True

    def working(self, at: float) -> Write | None:
        """The operator's write whose operation runs at this moment."""
        return next(
            (w for w in reversed(self.writes) if w.ends is not None and w.at < at < w.ends), None
        )

    def tokens(self, at: float) -> float:
        """What is left of AKS's bucket of writes, if nobody else wrote; never less than nothing."""
        level, last = BUCKET, at
        for write in self.writes:
            level = max(0.0, min(BUCKET, level + max(0.0, write.at - last) / REFILL) - 1.0)
            last = write.at
        return min(BUCKET, level + max(0.0, at - last) / REFILL)

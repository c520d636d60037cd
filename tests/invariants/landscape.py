"""All that is known at one line of a history: objects, clusters, clock, operators, faults."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.facts import Raw, asked, deleting, instant, names_target, part, unusable, usable_set
from tests.history import (
    Activation,
    Cluster,
    History,
    Ledger,
    Line,
    Mark,
    Object,
    Read,
    Result,
    Sign,
    Write,
)
from tests.invariants.site import Site
from tests.reference import Case, ends, platform, refusal

GRANT, TARGET = "ApiAccessGrant", "ApiAccessTarget"
RANGE_SET, NAMESPACE = "IPRangeSet", "Namespace"
ACKNOWLEDGE = "aksaccess.dev/acknowledge"
_CODE = re.compile(r"\b[0-9a-f]{10}\b")

Name = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a tier promises, in seconds.

    Attributes:
        removal: a removal that nothing stands in the way of is made within this.
        excuse: for so long after a failure nothing is expected.
        slow: the same where the answer says that a person is needed first, or to wait.
        drift: every cluster is read again within this.
        relist: within this everything that a watch hid is known again.
        lag: so old may be what the operator acts on.
    """

    removal: float = 120.0
    excuse: float = 90.0
    slow: float = 660.0
    drift: float = 660.0
    relist: float = 660.0
    lag: float = 2.0


@dataclass(slots=True)
class World:
    """The objects at one moment; `sets` keeps the last usable version of each range set."""

    objects: dict[Name, Raw] = field(default_factory=dict)

    def every(self, kind: str) -> Iterator[Raw]:
        """The objects of a kind."""
        return (raw for name, raw in self.objects.items() if name[0] == kind)

    def named(self, kind: str) -> dict[str, Raw]:
        """The objects of a kind by name."""
        return {name[2]: raw for name, raw in self.objects.items() if name[0] == kind}

    def targets(self, key: str) -> list[Raw]:
        """The targets of a cluster."""
        return [raw for raw in self.every(TARGET) if cluster_of(raw) == key]


def cluster_of(target: Raw) -> str:
    """The key of the cluster that a target names."""
    return str(part(target, "spec", "resourceId") or "").strip().rstrip("/").lower()


@dataclass(slots=True)
class Landscape:
    """See the module; `take` moves it on by one line.

    Attributes:
        world: the objects now; `undo` the changes of late, to see them as they were.
        kept: the last usable version of each range set.
        alive, faults, blind: how many operators run, faults last, views are partial.
        turned: when an operator last began or ended.
        clear_at: when the last hidden change is known at the latest.
        said: by target's name the `deletionPolicy` of its last usable spec.
        latest: the latest time that the operator's clock has shown.
    """

    history: History
    bounds: Bounds
    at: float = 0.0
    world: World = field(default_factory=World)
    undo: list[tuple[float, Name, Raw | None]] = field(default_factory=list)
    kept: dict[str, Raw] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    activations: dict[str, datetime] = field(default_factory=dict)
    alive: int = 0
    faults: int = 0
    blind: int = 0
    blind_since: float = 0.0
    clear_at: float = 0.0
    excused: float = 0.0
    turned: float = 0.0
    offset: float = 0.0
    doubt: bool = False
    quiet: bool = False
    latest: datetime | None = None

    @property
    def now(self) -> datetime:
        """The operator's clock."""
        return self.wall(self.at)

    def wall(self, at: float) -> datetime:
        """The operator's clock at a time of the history."""
        return self.history.epoch + timedelta(seconds=at + self.offset)

    def move(self, at: float) -> None:
        """Let time pass."""
        self.at = max(self.at, at)
        self.latest = max(self.latest or self.now, self.now)

    def take(self, line: Line) -> None:
        """Take in what happened."""
        match line:
            case Object():
                self._object(line)
            case Write():
                self._write(line)
            case Cluster():
                self._cluster(line)
            case Ledger():
                self._ledger(line)
            case Read():
                self._answered(line.cluster, line.result)
            case Activation():
                self.activations.setdefault(line.key, line.when)
                self._stir()
            case Mark():
                self._mark(line)

    def _object(self, line: Object) -> None:
        name = (line.kind, line.namespace, line.name)
        before = self.world.objects.get(name)
        self.undo.append((line.at, name, before))
        horizon = self._horizon()
        while self.undo and self.undo[0][0] < horizon:
            self.undo.pop(0)
        if line.raw is None:
            self.world.objects.pop(name, None)
        else:
            self.world.objects[name] = line.raw
        if line.kind == RANGE_SET and usable_set(line.raw):
            assert line.raw is not None
            self.kept[line.name] = line.raw
        if line.kind == TARGET:
            self._target(before, line.raw)
        if line.kind == GRANT and before is not None and not line.operator:
            self._unnamed(before, line.raw)
        if line.raw is None or before is None or _plain(before) != _plain(line.raw):
            self._stir()

    def _unnamed(self, before: Raw, after: Raw | None) -> None:
        """Gone by force or edited: where the ledger is lost, nothing tells whose they are."""
        still = asked(after, self.kept) if after is not None else set()
        for site in self.sites.values():
            if site.ledger is not None and not site.ledger.operator:
                site.doubt((asked(before, self.kept) - still) & site.live)

    def _target(self, before: Raw | None, after: Raw | None) -> None:
        known = after if after is not None else before
        assert known is not None
        site = self.sites.get(cluster_of(known))
        if site is None:
            return
        for condition in part(known, "status", "conditions") or ():
            site.printed |= set(_CODE.findall(str(condition.get("message", ""))))
        given = part(known, "metadata", "annotations", ACKNOWLEDGE)
        if given in site.printed:
            site.acknowledged.add(given)
        if not unusable(known):
            name = str(part(known, "metadata", "name"))
            self.said[name] = str(part(known, "spec", "deletionPolicy") or "Revoke")
        if after is None and before is not None and self.leaves_all(before):
            site.doubt(site.live)

    def leaves_all(self, target: Raw) -> bool:
        """Whether the target goes with Detach; an unusable spec may have said so before."""
        written = part(target, "spec", "deletionPolicy")
        known = self.said.get(str(part(target, "metadata", "name"))) if unusable(target) else None
        return (written or known) == "Detach"

    def _write(self, line: Write) -> None:
        site = self.sites.get(line.cluster)
        if site is None:
            return
        if not line.operator:
            site.by_others(at=line.at, after=line.after)
            return
        site.by_operator(line)
        self._answered(line.cluster, line.result)
        if line.result is Result.INVALID:
            for debt in site.debts.values():
                debt.refused = True

    def _cluster(self, line: Cluster) -> None:
        site = self.sites.get(line.cluster)
        if site is None:
            self.sites[line.cluster] = site = Site(key=line.cluster, facts=line, ranges=line.ranges)
            site.begin(line)
        else:
            site.seen(line)

    def _ledger(self, line: Ledger) -> None:
        site = self.sites.get(line.cluster)
        if site is None:
            return
        if line.operator:
            site.own = line
            if line.entries is None:
                site.past = {}
                site.doubt(site.live)  # what stays is the platform's or somebody else's now
        else:
            # A target that the operator never wrote to tells nobody that there was a ledger.
            targets = [t for t in self.world.targets(line.cluster) if part(t, "status")]
            asks = {
                entry
                for raw in self.world.every(GRANT)
                if part(raw, "metadata", "finalizers")  # else it was never let in
                and any(names_target(raw, target) for target in targets)
                for entry in asked(raw, self.kept)
            }
            site.doubt((site.ours | set(site.past)) - asks | asks & set(site.foreign))
        site.ledger = line

    def _answered(self, cluster: str, result: Result) -> None:
        site = self.sites.get(cluster)
        if site is None:
            return
        site.missing = site.missing + 1 if result is Result.MISSING else 0
        if result is Result.UNCERTAIN:
            site.waits = self.at + self.bounds.excuse
        elif result in (Result.FAILED, Result.MISSING):
            site.waits = self.at + self.bounds.slow
        elif result is Result.OK:
            site.read = self.at
            site.waits = min(site.waits, self.at + self.bounds.excuse)

    def _mark(self, line: Mark) -> None:
        match line.sign:
            case Sign.STARTED | Sign.KILLED:
                self.alive += 1 if line.sign is Sign.STARTED else -1
                self.turned = line.at
            case Sign.FAULT:
                self.excused = line.at + self.bounds.excuse
            case Sign.FAULT_BEGINS:
                self.faults += 1
            case Sign.FAULT_ENDS:
                self.faults = max(0, self.faults - 1)
                self.excused = line.at + self.bounds.excuse
            case Sign.BLIND_BEGINS:
                self.blind_since = self.blind_since if self.blind else line.at
                self.blind += 1
            case Sign.BLIND_ENDS:
                self.blind = max(0, self.blind - 1)
                self.clear_at = line.at + self.bounds.relist
            case Sign.CLOCK:
                self.offset = line.value
                self._stir()
            case Sign.DOUBT_BEGINS | Sign.DOUBT_ENDS:
                self.doubt = line.sign is Sign.DOUBT_BEGINS
            case Sign.QUIET_BEGINS | Sign.QUIET_ENDS:
                self.quiet = line.sign is Sign.QUIET_BEGINS
            case Sign.ACKNOWLEDGED if line.about in self.sites:
                self.sites[line.about].acknowledged.add("")

    def _stir(self) -> None:
        for site in self.sites.values():
            site.dirty = True

    def _horizon(self) -> float:
        """How far back what the operator acts on may lie."""
        if self.blind or self.at < self.clear_at:
            return self.blind_since - self.bounds.lag
        return self.at - self.bounds.lag

    @property
    def partial(self) -> bool:
        """Whether something may be hidden from the operator."""
        return bool(self.blind) or self.at < self.clear_at

    def views(self) -> Iterator[World]:
        """The objects now, and as the operator may still see them, newest first."""
        yield self.world
        horizon = self._horizon()
        objects = dict(self.world.objects)
        for at, name, before in reversed(self.undo):
            if at < horizon:
                return
            if before is None:
                objects.pop(name, None)
            else:
                objects[name] = before
            yield World(objects=dict(objects))

    def case(self, *, site: Site, target: Raw, world: World, lenient: bool = True) -> Case:
        """What the reference needs of a cluster at this moment."""
        return Case(
            now=self.now,
            target=target,
            grants=[raw for raw in world.every(GRANT) if names_target(raw, target)],
            sets=world.named(RANGE_SET),
            namespaces=world.named(NAMESPACE),
            activations=self.activations,
            live=site.ranges,
            foreign=set(site.foreign) | site.either,
            management=self.history.management,
            verified=site.ledger.verified if site.ledger is not None else None,
            outbound=site.facts.outbound,
            vnet=site.facts.vnet,
            blocked=site.facts.blocked,
            lenient=lenient,
        )

    def fixed(self, case: Case) -> set[str]:
        """The platform's entries; what a set last said counts while it does not resolve."""
        found = platform(case)
        for ref in part(case.target, "spec", "baseline", "rangeSetRefs") or ():
            name = ref.get("name", "")
            if name in self.kept and not usable_set(case.sets.get(name)):
                found |= asked({"spec": {"rangeSetRefs": [ref]}}, self.kept)
        return found

    def granted(self, case: Case) -> tuple[set[str], float]:
        """Entries that a live grant asks for, and when (`at`) the clock next changes that."""
        found: set[str] = set()
        change = float("inf")
        if deleting(case.target):
            return found, change
        for grant in case.grants:
            if not refusal(case, grant):
                found |= asked(grant, case.sets)
            for moment in (ends(case, grant), instant(part(grant, "spec", "notBefore"))):
                if moment is not None and moment > case.now:
                    change = min(change, self.at + (moment - case.now).total_seconds())
        return found, change


def _plain(raw: Raw) -> tuple[object, ...]:
    """What of an object decides about access, apart from the operator's own notes."""
    meta = raw["metadata"]
    return (
        raw.get("spec"),
        meta.get("uid"),
        meta.get("labels"),
        meta.get("annotations"),
        meta.get("deletionTimestamp"),
        part(raw, "status", "closedAt"),
        part(raw, "status", "summary", "state") == "MassRemovalHeld",
    )

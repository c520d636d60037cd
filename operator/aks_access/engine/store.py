"""The typed cache of everything the plans are made from.

It takes hints (watch events, answers to our own writes) and complete lists, and guarantees three
things: a hint that is older than what is known changes nothing; an object that was deleted does not
come back by a late hint; and a complete list replaces all, whatever its versions, because a
restored API server counts them anew. Objects that do not parse are kept as invalid.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field

from aks_access.engine.aims import Aims
from aks_access.engine.ports import Kind, ObjectRef
from aks_access.engine.refs import Facts, known_ref, listed_ref
from aks_access.plan.access import matches
from aks_access.plan.model import Grant, GrantUid, Namespace, RangeSet, Target
from aks_access.projection import (
    project_grant,
    project_namespace,
    project_range_set,
    project_target,
)

_LONGEST_VERSION = 20  # digits of an unsigned 64-bit number


@dataclass(frozen=True, slots=True)
class Changed:
    """One object that changed: what it was (None = new) and what it is (None = gone).

    `seen` tells a deletion that a watch saw from an object that a complete list merely lacks.
    """

    kind: Kind
    before: Facts | None
    after: Facts | None
    seen: bool = True


@dataclass(slots=True)
class _Cache:
    """One kind.

    `known` maps uid to (resourceVersion, facts); `dead` are uids deleted since the list that is
    being read began, or since the last one that completed; `listed_at` is the resourceVersion of
    the last complete list; `problem` is why the last list failed; `ahead` is what was projected of
    a list that is not complete yet; `stale` tells that the list being read began before
    `forget_lists`.
    """

    known: dict[str, tuple[int, Facts]] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    listed: bool = False
    listed_at: int = 0
    listing: bool = False
    stale: bool = False
    touched: set[str] = field(default_factory=set)
    problem: str = ""
    ahead: dict[str, tuple[int, Facts]] = field(default_factory=dict)

    def keeps(self, uid: str, version: int, listed: Container[str], listed_at: int) -> bool:
        """Whether the known object outlives a list, at `listed_at`, that has an older one or none.

        What a hint showed while the list was read is newer than what the list has of it. One that
        the list lacks is newer only by its version: else the list says that it is gone since.
        """
        return uid in self.touched and (uid in listed or version > listed_at)


class Store:
    """The cache; every method runs on the engine's event loop.

    `on_change` is told every change, at once.
    """

    def __init__(self, *, on_change: Callable[[Changed], None], argo_instance_label: str) -> None:
        self._on_change = on_change
        self._argo_instance_label = argo_instance_label
        self._caches = {kind: _Cache() for kind in Kind}
        self._aims = Aims()
        self._bearers: dict[str, dict[str, Target]] = {}

    def changed(self, kind: Kind, raw: Mapping[str, object]) -> None:
        """An object as a watch, or the answer to a write of ours, shows it."""
        uid, version = _identity(raw)
        cache = self._caches[kind]
        if uid in cache.dead:
            return
        known = cache.known.get(uid)
        if known is not None and version <= known[0]:
            return
        cache.touched.add(uid)
        self._put(kind=kind, uid=uid, version=version, facts=self._project(kind, raw))

    def deleted(self, kind: Kind, raw: Mapping[str, object]) -> None:
        """An object that a watch saw deleted."""
        uid, version = _identity(raw)
        cache = self._caches[kind]
        cache.dead[uid] = version
        cache.touched.add(uid)
        gone = cache.known.pop(uid, None)
        if gone is not None:
            self._index(before=gone[1], after=None)
            self._on_change(Changed(kind=kind, before=gone[1], after=None))

    def listing(self, kind: Kind) -> None:
        """A complete list begins to be read; what changes from now on is newer than it."""
        cache = self._caches[kind]
        cache.listing, cache.stale = True, False
        cache.touched = set()
        cache.ahead = {}

    def prepare(self, kind: Kind, items: Iterable[Mapping[str, object]]) -> None:
        """See `Feed`: projects what is new, which is what takes long."""
        cache = self._caches[kind]
        for raw in items:
            uid, version = _identity(raw)
            known = cache.known.get(uid)
            if known is None or known[0] != version:
                cache.ahead[uid] = (version, self._project(kind, raw))

    def doubtful(
        self, kind: Kind, items: Collection[Mapping[str, object]], resource_version: str
    ) -> list[ObjectRef]:
        """See `Feed`: what the list would drop, set back or bring back."""
        cache = self._caches[kind]
        listed = dict(_identity(raw) for raw in items)
        listed_at = _number(resource_version)
        refs = [
            known_ref(kind=kind, uid=uid, version=version, facts=facts)
            for uid, (version, facts) in cache.known.items()
            if listed.get(uid, -1) < version and not cache.keeps(uid, version, listed, listed_at)
        ]
        older = listed_at < cache.listed_at
        for raw in items:
            uid, _ = _identity(raw)
            back = uid not in cache.known and uid not in cache.touched
            if back and (older or uid in cache.dead):
                refs.append(listed_ref(kind, raw))
        return refs

    def replaced(
        self, kind: Kind, items: Iterable[Mapping[str, object]], resource_version: str
    ) -> None:
        """A complete list: what it lacks is gone, what it has is as it says.

        Only what a watch touched after `listing` is newer, and stays.
        """
        cache = self._caches[kind]
        seen: set[str] = set()
        for raw in items:
            uid, version = _identity(raw)
            seen.add(uid)
            known = cache.known.get(uid)
            if uid in cache.touched and (known is None or known[0] >= version):
                continue
            if known is None or known[0] != version:
                ahead = cache.ahead.get(uid)
                if ahead is None or ahead[0] != version:
                    ahead = (version, self._project(kind, raw))
                self._put(kind=kind, uid=uid, version=version, facts=ahead[1])
        cache.ahead = {}
        listed_at = _number(resource_version)
        for uid, (version, _) in list(cache.known.items()):
            if uid in seen or cache.keeps(uid, version, seen, listed_at):
                continue
            gone = cache.known.pop(uid)
            self._index(before=gone[1], after=None)
            self._on_change(Changed(kind=kind, before=gone[1], after=None, seen=False))
        cache.dead = {uid: cache.dead[uid] for uid in cache.touched if uid in cache.dead}
        cache.listed, cache.listing, cache.problem = not cache.stale, False, ""
        cache.listed_at = listed_at

    def list_failed(self, kind: Kind, problem: str) -> None:
        """A list could not be read; the kind counts as partly known until one completes."""
        cache = self._caches[kind]
        cache.listing, cache.problem, cache.ahead = False, problem, {}

    def forget_lists(self) -> None:
        """Trust no list begun so far: a leader plans only on lists begun after it acquired.

        One that is being read just then is taken in, and does not count as the kind's list.
        """
        for cache in self._caches.values():
            cache.listed, cache.stale = False, cache.listing

    def listed(self, *kinds: Kind) -> bool:
        """Whether these kinds have been listed completely since `forget_lists`."""
        return all(self._caches[kind].listed for kind in kinds)

    @property
    def synced(self) -> bool:
        """Whether every kind has been listed completely at least once since `forget_lists`."""
        return self.listed(*Kind)

    @property
    def problems(self) -> dict[Kind, str]:
        """Kinds whose last list failed, and why."""
        return {kind: cache.problem for kind, cache in self._caches.items() if cache.problem}

    @property
    def complete(self) -> bool:
        """Whether a plan may be made from it: synced, and no list has failed since."""
        return self.synced and not self.problems

    def grants(self) -> Mapping[GrantUid, Grant]:
        """Every grant, by uid."""
        return {
            GrantUid(uid): facts
            for uid, (_, facts) in self._caches[Kind.GRANT].known.items()
            if isinstance(facts, Grant)
        }

    def grant(self, uid: GrantUid) -> Grant | None:
        """One grant."""
        found = self._caches[Kind.GRANT].known.get(uid)
        return found[1] if found is not None and isinstance(found[1], Grant) else None

    def matching(self, target: Target) -> dict[GrantUid, Grant]:
        """The grants that match the target, by uid; found without a look at all the others."""
        found = ((uid, self.grant(uid)) for uid in self._aims.at(target.name))
        return {
            uid: grant
            for uid, grant in found
            if grant is not None and matches(grant=grant, target=target)
        }

    def told_of(self, target: str) -> dict[GrantUid, Grant]:
        """The grants whose status names the target, by uid; found as `matching` finds its own."""
        found = ((uid, self.grant(uid)) for uid in self._aims.told(target))
        return {uid: grant for uid, grant in found if grant is not None}

    def targets(self) -> list[Target]:
        """Every target."""
        return [f for _, f in self._caches[Kind.TARGET].known.values() if isinstance(f, Target)]

    def target(self, name: str) -> Target | None:
        """The newest target of this name, found without a look at all the others.

        There are two where the end of one was not seen, and a late answer may show it again.
        """
        bearers = self._bearers.get(name)
        return max(reversed(bearers.values()), key=lambda t: t.created) if bearers else None

    def target_of(self, uid: str) -> Target | None:
        """One target, by uid."""
        found = self._caches[Kind.TARGET].known.get(uid)
        return found[1] if found is not None and isinstance(found[1], Target) else None

    def aimed_at(self, grant: Grant) -> list[Target]:
        """The targets that the grant names or selects; one that it names is found at once."""
        if grant.selector is None:
            named = self.target(grant.target_name or "")
            return [named] if named is not None else []
        return [target for target in self.targets() if matches(grant=grant, target=target)]

    def range_sets(self) -> Mapping[str, RangeSet]:
        """Every range set, by name."""
        return {
            f.name: f
            for _, f in self._caches[Kind.RANGE_SET].known.values()
            if isinstance(f, RangeSet)
        }

    def namespaces(self) -> Mapping[str, Namespace]:
        """Every namespace, by name."""
        return {
            f.name: f
            for _, f in self._caches[Kind.NAMESPACE].known.values()
            if isinstance(f, Namespace)
        }

    def _put(self, *, kind: Kind, uid: str, version: int, facts: Facts) -> None:
        cache = self._caches[kind]
        known = cache.known.get(uid)
        cache.known[uid] = (version, facts)
        self._index(before=known[1] if known else None, after=facts)
        self._on_change(Changed(kind=kind, before=known[1] if known else None, after=facts))

    def _index(self, *, before: Facts | None, after: Facts | None) -> None:
        self._aims.move(before=before, after=after)
        if isinstance(before, Target):
            bearers = self._bearers.get(before.name, {})
            bearers.pop(before.uid, None)
            if not bearers:
                self._bearers.pop(before.name, None)
        if isinstance(after, Target):
            self._bearers.setdefault(after.name, {})[after.uid] = after

    def _project(self, kind: Kind, raw: Mapping[str, object]) -> Facts:
        match kind:
            case Kind.GRANT:
                return project_grant(raw, argo_instance_label=self._argo_instance_label)
            case Kind.TARGET:
                return project_target(raw)
            case Kind.RANGE_SET:
                return project_range_set(raw)
            case Kind.NAMESPACE:
                return project_namespace(raw)


def _identity(raw: Mapping[str, object]) -> tuple[str, int]:
    meta = raw.get("metadata")
    if not isinstance(meta, Mapping):
        return "", 0
    return str(meta.get("uid", "")), _number(meta.get("resourceVersion"))


def _number(version: object) -> int:
    if not isinstance(version, str) or len(version) > _LONGEST_VERSION:
        return 0
    return int(version) if version.isascii() and version.isdigit() else 0

"""What must hold at every moment of a scenario, told from what stands outside the operator.

`Safety.look` runs after each port call: nothing in Azure without a record (I5), nothing of others
lost (I2), never open (I1), no finalizer off before its access was (I9). It shares no code with the
planner.
"""

from dataclasses import dataclass, field

from aks_access.engine.fakes.kube import deleting, finalizers_of, metadata_of
from aks_access.engine.ports import Kind
from aks_access.plan.ledger import EntryState, Ledger
from tests.sim.world import OFFICE, World, key_of

WITHDRAWN = "withdrawn in "


@dataclass(slots=True)
class Safety:
    """The rules of one scenario.

    Attributes:
        others: by cluster, entries that somebody else put there, or may put there.
        stays: by cluster, entries that never go, not even for a moment.
        opened: clusters that somebody else opens.
        detached: clusters whose targets are let go as they are.
        broken: sentences about what was broken, each once.
    """

    world: World
    others: dict[str, set[str]]
    stays: dict[str, set[str]]
    opened: set[str] = field(default_factory=set)
    detached: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    looks: int = 0
    _seen: set[str] = field(default_factory=set)

    def look(self) -> None:
        self.looks += 1
        present = self._grant_uids()
        for name in self.others:
            self._list(name, vanished=self._seen - present)
        self._seen |= present

    def _list(self, name: str, *, vanished: set[str]) -> None:
        entries = self.world.list_of(name)
        if not entries:
            if name not in self.opened:
                self._broke(f"I1 {name} is open: {entries}")
            return
        if missing := self.stays.get(name, set()) - entries:
            self._broke(f"I2 {name} lost {sorted(missing)}")
        ledger = self.world.ledgers.peek(key_of(name))
        if ledger is None or ledger.detached:
            self._unrecorded(name, entries)
            return
        for entry in sorted(entries - self.others[name]):
            kept = ledger.entries.get(entry)
            if kept is None or kept.state is EntryState.WITHDRAWN:
                self._broke(f"I5 {entry} is in {name}, and no record owns it")
            elif early := vanished & set(kept.owners) - set(kept.released):
                self._broke(f"I9 {entry} is in {name} for {sorted(early)}, whose grants are gone")

    def _unrecorded(self, name: str, entries: set[str]) -> None:
        """Without a ledger: a target that was not looked at yet, or was let go."""
        if name in self.detached:
            return
        raw = self.world.api.find(Kind.TARGET, name)
        allowed = set(self.others[name])
        if raw is None or deleting(raw):
            allowed.add(OFFICE)
        if orphans := entries - allowed:
            self._broke(f"I5 {sorted(orphans)} in {name}, which has no ledger")

    def _grant_uids(self) -> set[str]:
        found = set()
        for full in self.world.api.names(Kind.GRANT):
            namespace, _, name = full.partition("/")
            raw = self.world.api.find(Kind.GRANT, name, namespace=namespace)
            assert raw is not None
            found.add(str(metadata_of(raw)["uid"]))
        return found

    def _broke(self, sentence: str) -> None:
        if not any(sentence in known for known in self.broken):
            self.broken.append(f"{sentence} (at {self.world.now:.2f})")


def outcome(world: World) -> dict[str, object]:
    """What a scenario came to, without the times at which it did."""
    found: dict[str, object] = {}
    for full in world.api.names(Kind.GRANT):
        namespace, _, name = full.partition("/")
        raw = world.api.find(Kind.GRANT, name, namespace=namespace)
        assert raw is not None
        shown = world.status(name, namespace=namespace).get("summary", {})
        found[full] = (
            shown.get("state"),
            shown.get("inAzure"),
            deleting(raw),
            tuple(finalizers_of(raw)),
        )
    for name in world.api.names(Kind.TARGET):
        raw = world.api.find(Kind.TARGET, name)
        assert raw is not None
        found[name] = (world.target_state(name), deleting(raw), tuple(finalizers_of(raw)))
    for name in world.clusters:
        ledger = world.ledgers.peek(key_of(name))
        found[f"list of {name}"] = world.list_of(name)
        found[f"ledger of {name}"] = ledger and _recorded(ledger)
        found[f"{WITHDRAWN}{name}"] = _withdrawn(ledger)
    found["activations"] = sorted({key for _, key in world.activations.recorded})
    return found


def differences(*, wanted: dict[str, object], found: dict[str, object]) -> list[str]:
    """Sentences; more may be remembered as withdrawn, where nobody knows whether it stood."""
    result = []
    for name in sorted({*wanted, *found}):
        one, other = wanted.get(name), found.get(name)
        if name.startswith(WITHDRAWN) and isinstance(one, set) and isinstance(other, set):
            one, other = one - other, set()
        if one != other:
            result.append(f"{name} is {other}, and would be {one}")
    return result


def _withdrawn(ledger: Ledger | None) -> set[str]:
    entries = ledger.entries.values() if ledger is not None else ()
    return {entry.range for entry in entries if entry.state is EntryState.WITHDRAWN}


def _recorded(ledger: Ledger) -> tuple[object, ...]:
    entries = {
        (entry.range, entry.state.value, tuple(sorted(entry.owners)))
        for entry in ledger.entries.values()
        if entry.state is not EntryState.WITHDRAWN
    }
    return (entries, ledger.in_flight, ledger.lost, ledger.detached, sorted(ledger.refused))

"""The end of a history: what only delayed is over, and then all must be as it is asked for."""

from typing import Any

from aks_access.engine.fakes.watch import lose_nothing
from aks_access.engine.ports import Kind
from tests.facts import asked, asks, deleting, instant, length, part, uid_of
from tests.reference import Case, expected, idle, verdicts
from tests.sim.histories.acts import Acts
from tests.sim.histories.place import RETENTION, Place
from tests.sim.histories.script import BASELINE, OTHERS, TARGETS
from tests.sim.world import condition, key_of

KINDS = (Kind.TARGET, Kind.GRANT)
HELD = ("MassRemovalHeld", "LedgerLost")
STATES = {
    "it could not be revoked": "NotRevocable",
    "AKS refuses its ranges": "RangeRefused",
    "the list is full": "CapacityExceeded",
}
"""States of a target at rest that some grants' verdicts explain."""
DAY, SILENCE = 24 * 3600.0, 4 * 3600.0
DAYS = 8
"""One history in so many is silent for a day, the others for four hours."""


async def heal(place: Place, acts: Acts) -> None:
    """Lift faults, wake what sleeps, bring targets back, and acknowledge what waits for it."""
    for port in (place.azure, place.objects, place.ledgers, place.activations):
        port.faults.planned.clear()
    place.api.unlistable.clear()
    place.clock.doubt = False
    await place.advance(75.0)
    await place.until(lambda: place.alive, within=3600.0)
    place.operator.gate.at = None
    place.operator.watch.lose = lose_nothing
    acts.stall(on=False)
    await place.operator.engine.refresh(relist=place.operator.relist)
    await place.until(lambda: not place.azure.working(), within=3600.0)
    for name in TARGETS:
        cluster = place.azure.cluster(key_of(name))
        cluster.gone, cluster.power_state, cluster.outcomes = False, "Running", []
        if cluster.provisioning_state == "Failed":
            cluster.busy(10.0)
        cluster.unacceptable -= place.watcher.perhaps[name] | place.watcher.cleared[name]
        _sane(place, name)
    place.watcher.remember()
    for _ in range(12):
        await place.rest()
        waiting = [acts.acknowledge(name=name) for name in TARGETS if _held(place, name)]
        lacking = [name for name in TARGETS if place.target_gone(name)]
        for name in lacking:
            acts.create_target(name=name)
            _sane(place, name)
        place.watcher.remember()
        if not waiting and not lacking and not _leaving(place):
            return
    raise AssertionError(f"never at rest: {place.story()}")


def _sane(place: Place, name: str) -> None:
    if not place.target_gone(name):
        raw: Any = place.api.find(Kind.TARGET, name)
        observed = raw["spec"]["mode"] == "Observe" and deleting(raw)
        mode = "Merge" if observed else raw["spec"]["mode"]
        place.retarget(name, suspend=None, nodeEgress={"mode": "NotNeeded"}, mode=mode)
        if place.azure.cluster(key_of(name)).outbound_type != "loadBalancer":
            always = raw["spec"]["baseline"]["ipRanges"] or list(BASELINE[:1])
            place.retarget(name, baseline={"ipRanges": always})


def _held(place: Place, name: str) -> bool:
    return not place.target_gone(name) and place.target_state(name) in HELD


def _leaving(place: Place) -> bool:
    """Whether a target or a grant is deleted and still there.

    Calm is no proof of rest for a grant: one that may not be revoked is let go at its bound.
    """
    names = [(kind, name.rpartition("/")) for kind in KINDS for name in place.api.names(kind)]
    found = [place.api.find(kind, name, namespace=space) for kind, (space, _, name) in names]
    return any(raw is not None and deleting(raw) for raw in found)


async def past_every_end(place: Place) -> None:
    """Advance until every end, and the retention after it, has passed."""
    moment, ends = place.watcher.now(), [place.clock.now()]
    for raw in moment.grants:
        end = instant(part(raw, "spec", "expiresAt"))
        lasting = length(part(raw, "spec", "duration"))
        begins = instant(part(raw, "spec", "notBefore")) or moment.clock
        if lasting is not None:
            end = max(begins, moment.clock) + lasting
        ends += [end] if end is not None else [begins]
    await place.advance((max(ends) - place.clock.now() + RETENTION).total_seconds() + 60.0)
    await place.rest()


def judge(place: Place) -> None:
    """At rest every list is the reference's, and every record and status says so."""
    for name in TARGETS:
        place.figures.judged["rest"] += 1
        _judge_list(place, name)
    for name in place.api.names(Kind.GRANT):
        space, _, short = name.partition("/")
        raw = place.raw(short, namespace=space)
        assert raw is not None
        assert not deleting(raw), f"I9 {name} is never let go: {place.story()}"
        _judge_status(place, raw)


def resting_case(place: Place, name: str) -> Case:
    """A cluster's case at rest; what others may have put in counts as theirs while it stands."""
    watcher = place.watcher
    live, ledger = watcher.live(name), place.ledgers.peek(key_of(name))
    theirs = (live or set()) & ({*OTHERS} | watcher.perhaps[name])
    moment = watcher.now()
    inside: set[str] = set()
    holds: dict[str, set[str]] = {}
    refused: set[str] = set()
    verified = None
    if ledger is not None:
        verified = ledger.verified
        for raw in moment.grants:
            uid, wants = uid_of(raw), asked(raw, moment.sets)
            known = [ledger.entries.get(entry) for entry in wants]
            if wants and all(item is not None and uid in item.owners for item in known):
                inside.add(uid)
            holds[uid] = {e.range for e in ledger.entries.values() if uid in e.owners}
            item = ledger.refused.get(uid)
            if item is not None and item.asks == asks(raw, moment.sets):
                refused.add(uid)
    return watcher.case(
        moment,
        name,
        foreign=theirs,
        inside=inside,
        holds=holds,
        refused=refused,
        verified=verified,
    )


def _judge_list(place: Place, name: str) -> None:
    case, live = resting_case(place, name), place.watcher.live(name)
    wanted, where = expected(case), f"{name}: {place.story()}"
    surplus, missing = (
        sorted((live or set()) - (wanted or set())),
        sorted((wanted or set()) - (live or set())),
    )
    assert live == wanted, f"I3 at rest surplus {surplus} missing {missing} {where}"
    ledger = place.ledgers.peek(key_of(name))
    state = place.target_state(name)
    if idle(case.target):
        assert state in ("Observing", "RevocationOverdue", "RevocationPending"), f"{state} {where}"
        return
    if live is None:
        assert state in ("ClusterUnrestricted", "NodeEgressUnknown"), f"{state} {where}"
        return
    assert ledger is not None, f"I5 no ledger {where}"
    assert ledger.in_flight is None, f"I5 still in flight {where}"
    owned = {e.range for e in ledger.entries.values() if e.state.value != "withdrawn"}
    assert owned <= live, f"I5 owned and not there: {sorted(owned - live)} {where}"
    uids = {uid_of(raw) for raw in case.grants} | {"baseline", "egress", "sentinel"}
    owners = {owner for entry in ledger.entries.values() for owner in entry.owners}
    assert owners <= uids, f"I9 owners that are gone: {sorted(owners - uids)} {where}"
    for uid in case.refused:
        grant = next(raw for raw in case.grants if uid_of(raw) == uid)
        assert asked(grant, case.sets) & place.watcher.refusable, f"I4 {uid} is innocent {where}"
    found = set(verdicts(case).values())
    calm = "BroadEntry" if any(map(_broad, live)) else "InSync"
    healthy = {calm} | {STATES[why] for why in found if why in STATES}
    assert state in healthy, f"{state} {where}"


def _broad(entry: str) -> bool:
    """A service tag, or wider than /16."""
    _, slash, prefix = entry.partition("/")
    return not slash or int(prefix) < 16


def _judge_status(place: Place, raw: Any) -> None:
    """The grant's state is what the reference says of all its targets."""
    meta = raw["metadata"]
    state = place.state(meta["name"], namespace=meta["namespace"])
    found, standing = [], 0
    for name in TARGETS:
        case = resting_case(place, name)
        if not idle(case.target):
            verdict = verdicts(case).get(uid_of(raw))
            found += [verdict] if verdict is not None else []
            there = asked(raw, case.sets) <= (place.watcher.live(name) or set())
            standing += verdict == "" and there
        elif uid_of(raw) in verdicts(case):
            return
    if not found:
        return
    where = f"{meta['name']} is {state}, the reference says {found}"
    assert (state == "Active") == (set(found) == {""}), where
    assert (state == "Expired") == (set(found) == {"expired"}), where
    shown = place.in_azure(meta["name"], namespace=meta["namespace"])
    assert shown == f"{standing}/{len(found)}", f"{where}, in Azure {shown}"
    programmed = condition(raw["status"], "Programmed")["status"]
    assert (programmed == "True") == (standing == len(found)), f"{where}, programmed {programmed}"


async def be_silent(place: Place, *, seed: int) -> None:
    """A day or four hours without a write (I11)."""
    before, events = place.written(), len(place.events.posted)
    await place.advance(SILENCE if seed % DAYS else DAY)
    after = place.written()
    assert before == after, f"I11 written in silence: {before} {after} {place.story()}"
    assert events == len(place.events.posted), f"I11 {place.events.posted[events:]}"
    place.figures.judged["silence"] += 1

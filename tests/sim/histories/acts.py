"""What people, Azure, the network and the machines do in a random history; see `script`."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aks_access.engine.fakes.cluster import SimCluster, azure_error
from aks_access.engine.fakes.watch import lose_nothing
from aks_access.engine.ports import Kind, OperationState
from aks_access.errors import AzureError, AzureFault, KubeConflict, KubeError
from aks_access.plan.ledger import EntryState
from aks_access.plan.listing import canonical
from tests.sim.histories.place import Place
from tests.sim.histories.script import BASELINE, POOL, Step
from tests.sim.world import key_of, resource_id

SHARED_SET = "home"
FREE: Mapping[str, object] = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
POLICIES: Mapping[str, Mapping[str, object]] = {
    "all": FREE,
    "denied": {**FREE, "deniedRanges": ["81.2.69.0/31"]},
    "allowed": {**FREE, "allowedRanges": ["81.2.69.0/29"]},
    "short": {**FREE, "maxDuration": "1h"},
    "ended": {"allowedNamespaces": {"from": "All"}},
    "namespaces": {
        **FREE,
        "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"env": "dev"}}},
    },
    "few": {**FREE, "maxGrantsPerNamespace": 2, "maxEntriesPerNamespace": 3},
    "narrow": {**FREE, "minPrefixLength": 31},
    "why": {**FREE, "requireReason": True},
}
AZURE_FAULTS: Mapping[str, tuple[AzureError, bool]] = {
    "busy": (azure_error(AzureFault.BUSY, 409, "OperationNotAllowed"), False),
    "changed": (azure_error(AzureFault.CHANGED, 412, "PreConditionFailed"), False),
    "throttled": (azure_error(AzureFault.THROTTLED, 429, "Throttled", retry_after=20.0), False),
    "uncertain": (azure_error(AzureFault.UNCERTAIN, 503, "ServerError"), False),
    "forbidden": (azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed"), False),
    "missing": (azure_error(AzureFault.NOT_FOUND, 404, "ResourceNotFound"), False),
    "lost": (azure_error(AzureFault.UNCERTAIN, None, "timeout"), True),
}


class Acts:
    """Plays the steps of a script."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._missed = False

    async def play(self, step: Step) -> None:
        """One step, and the time until the next one."""
        getattr(self, step.act)(**step.args)
        self.place.figures.acts[step.act] += 1
        self.place.watcher.remember()
        if step.act == "setup":
            await self.place.begin()
        await self.place.advance(step.wait)

    # the platform team

    def setup(self, *, targets: tuple[Mapping[str, Any], ...], **_: object) -> None:
        place = self.place
        place.range_set(SHARED_SET, *POOL[:2])
        for item in targets:
            name, live = item["name"], item["live"]
            place.cluster(name, ranges=live or None, outbound_type=item["outbound"])
            place.watcher.perhaps[name] |= {*POOL, *BASELINE} & set(live or ())
            self._target(**item)

    def _target(
        self,
        name: str,
        *,
        mode: str = "Merge",
        policy: str = "all",
        tier: str = "dev",
        baseline: tuple[str, ...] = BASELINE[:1],
        restrict: bool = True,
        **_: object,
    ) -> None:
        self.place.target(
            name,
            mode=mode,
            policy=POLICIES[policy],
            labels={"tier": tier},
            baseline={"ipRanges": list(baseline)},
            restrictUnrestricted=restrict or None,
        )

    def _edit(self, name: str, **spec: Any) -> None:
        if not self.place.target_gone(name):
            self.place.retarget(name, **spec)

    def policy(self, *, name: str, kind: str) -> None:
        self._edit(name, policy=dict(POLICIES[kind]))

    def mode(self, *, name: str, mode: str) -> None:
        self._edit(name, mode=mode)

    def suspend(self, *, name: str, on: bool) -> None:
        self._edit(name, suspend=on or None)

    def baseline(self, *, name: str, ranges: tuple[str, ...]) -> None:
        self._edit(name, baseline={"ipRanges": list(ranges)})

    def relabel(self, *, name: str, tier: str) -> None:
        if not self.place.target_gone(name):
            self.place.mark(Kind.TARGET, name, labels={"tier": tier})

    def move(self, *, space: str, env: str) -> None:
        """A namespace gets another label."""
        self.place.mark(Kind.NAMESPACE, space, labels={"env": env})

    def edit_set(self, *, ranges: tuple[str, ...]) -> None:
        self.place.range_set(SHARED_SET, *ranges)

    def ask(self, *, name: str) -> None:
        """Somebody asks for a look."""
        if not self.place.target_gone(name):
            stamp = {"reconcile.aksaccess.dev/requestedAt": str(self.place.now)}
            self.place.mark(Kind.TARGET, name, annotations=stamp)

    def acknowledge(self, *, name: str) -> bool:
        """Somebody does what the message says."""
        if self.place.target_gone(name):
            return False
        try:
            code = self.place.code(name)
        except AssertionError:
            return False
        self.place.mark(Kind.TARGET, name, annotations={"aksaccess.dev/acknowledge": code})
        return True

    def delete_target(self, *, name: str, detach: bool) -> None:
        if not self.place.target_gone(name):
            self._edit(name, deletionPolicy="Detach" if detach else None)
            self.place.untarget(name)

    def force_delete_target(self, *, name: str) -> None:
        if not self.place.target_gone(name):
            self.place.api.force_delete(Kind.TARGET, name)

    def create_target(self, *, name: str) -> None:
        if self.place.target_gone(name):
            self._target(name)

    # the tenants

    def grant(
        self,
        *,
        path: str,
        ranges: tuple[str, ...],
        target: str,
        minutes: int,
        lasts: str,
        begins: int,
        sets: bool,
        revoked: bool,
        tracked: bool,
        why: str,
    ) -> None:
        space, _, name = path.partition("/")
        raw: Any = self.place.raw(name, namespace=space)
        if raw is not None and raw["metadata"].get("deletionTimestamp"):
            return
        spec: dict[str, Any] = {"revoked": revoked or None, "reason": why or None}
        if minutes:
            spec["expiresAt"] = self.place.at(minutes=minutes)
        if lasts:
            spec["duration"] = lasts
        if begins and begins < (minutes or 1000):
            spec["notBefore"] = self.place.at(minutes=begins)
        if target == "tier":
            spec["targetSelector"] = {"matchLabels": {"tier": "dev"}}
        if sets:
            spec["rangeSetRefs"] = [{"name": SHARED_SET}]
        marks = {"argocd.argoproj.io/tracking-id": "app:x"} if tracked else None
        self.place.grant(name, *ranges, namespace=space, target=target, annotations=marks, **spec)

    def delete(self, *, path: str) -> None:
        space, _, name = path.partition("/")
        if self.place.raw(name, namespace=space) is not None:
            self.place.ungrant(name, namespace=space)

    def force_delete(self, *, path: str) -> None:
        space, _, name = path.partition("/")
        if self.place.raw(name, namespace=space) is not None:
            self.place.api.force_delete(Kind.GRANT, name, namespace=space)

    def replace(self, *, path: str, **grant: Any) -> None:
        """Deleted by force, and at once there again under its name."""
        self.force_delete(path=path)
        self.grant(path=path, **grant)

    def revoke(self, *, path: str, on: bool) -> None:
        space, _, name = path.partition("/")
        if self.place.raw(name, namespace=space) is not None:
            self.place.regrant(name, namespace=space, revoked=on or None)

    # others who write the list, and what happens to clusters

    def put_in(self, *, name: str, entry: str) -> None:
        """Somebody adds an entry, in the portal."""
        cluster, watcher = self._at_rest(name), self.place.watcher
        if cluster is None or entry in {*(watcher.live(name) or ()), *cluster.unacceptable}:
            return
        ledger = self.place.ledgers.peek(key_of(name))
        known = ledger.entries.get(entry) if ledger is not None else None
        if known is None or known.state is EntryState.INTENDED or name in watcher.lost:
            watcher.perhaps[name].add(entry)
        cluster.set_by_others([*(cluster.ranges or ()), entry])

    def take_out(self, *, name: str, at: int) -> None:
        """Somebody takes an entry out, whoever's it is."""
        cluster = self._at_rest(name)
        if cluster is not None and cluster.ranges is not None and len(cluster.ranges) > 1:
            gone = cluster.ranges[at % len(cluster.ranges)]
            cluster.set_by_others([item for item in cluster.ranges if item != gone])

    def clear(self, *, name: str) -> None:
        """Somebody opens the cluster."""
        cluster = self._at_rest(name)
        if cluster is not None and cluster.ranges is not None:
            ledger = self.place.ledgers.peek(key_of(name))
            seen = (ledger.verified if ledger is not None else None) or ()
            self.place.watcher.cleared[name] |= set(map(canonical, (*cluster.ranges, *seen)))
            cluster.set_by_others(None)

    def _at_rest(self, name: str) -> SimCluster | None:
        cluster = self.place.azure.cluster(key_of(name))
        return None if self.place.azure.working() or cluster.gone else cluster

    def cluster_gone(self, *, name: str, on: bool) -> None:
        self.place.azure.cluster(key_of(name)).gone = on

    def cluster_made_anew(self, *, name: str, ranges: tuple[str, ...]) -> None:
        """Somebody deletes the cluster and makes another one of its name."""
        old, watcher = self.place.azure.cluster(key_of(name)), self.place.watcher
        made = int(old.resource_uid.rpartition("-")[2]) + 1
        new = SimCluster(
            resource_id=resource_id(name),
            resource_uid=f"cluster-{made}",
            ranges=tuple(map(canonical, ranges)) or None,
            outbound_type=old.outbound_type,
            _tag=made * 10_000,
        )
        self.place.azure.add(new)
        watcher.perhaps[name] |= set(new.ranges or ())
        watcher.cleared[name] = set()

    def stop_cluster(self, *, name: str, on: bool) -> None:
        self.place.azure.cluster(key_of(name)).power_state = "Stopped" if on else "Running"

    def busy(self, *, name: str, seconds: float, failed: bool) -> None:
        """Somebody else's operation."""
        if not self.place.azure.working():
            self.place.azure.cluster(key_of(name)).busy(seconds, failed=failed)

    def fail_next(self, *, name: str) -> None:
        self.place.azure.cluster(key_of(name)).outcomes = [OperationState.FAILED]

    def unacceptable(self, *, name: str, entry: str) -> None:
        """AKS takes to refusing a range, or takes it again."""
        if entry not in (self.place.watcher.live(name) or ()):
            self.place.azure.cluster(key_of(name)).unacceptable ^= {entry}
            self.place.watcher.refusable.add(entry)

    # the ledger

    def _lost(self, name: str) -> bool:
        if self.place.ledgers.peek(key_of(name)) is None:
            return False
        watcher = self.place.watcher
        watcher.lost.add(name)
        watcher.perhaps[name] |= watcher.live(name) or set()
        return True

    def lose_ledger(self, *, name: str) -> None:
        if self._lost(name):
            self.place.ledgers.lose(key_of(name))

    def roll_back_ledger(self, *, name: str, by: int) -> None:
        stored = self.place.ledgers._stored.get(key_of(name))
        if stored is not None and len(stored.past) > by and self._lost(name):
            self.place.ledgers.roll_back(key_of(name), by=by)

    def spoil_ledger(self, *, name: str) -> None:
        if self._lost(name):
            self.place.ledgers.spoil(key_of(name))

    def meddle(self, *, name: str) -> None:
        if self.place.ledgers.peek(key_of(name)) is not None:
            self.place.ledgers.meddle(key_of(name))

    # the machines

    def step_clock(self, *, seconds: int, doubted: bool) -> None:
        self.place.clock.offset += timedelta(seconds=seconds)
        self.place.clock.doubt = doubted

    def crash(self, *, after: int, down: float) -> None:
        """The process dies at a crossing of its ports that is near."""
        if self.place.alive:
            self.place.operator.down = down
            gate = self.place.operator.gate
            gate.at = gate.crossings + after

    def restart(self, *, down: float) -> None:
        if self.place.alive:
            self.place.operator.down = down
            self.place.operator.gate.kill()

    def pause(self, *, seconds: float) -> None:
        if self.place.alive:
            self.place.pause(seconds)

    def stall(self, *, on: bool) -> None:
        """The watch goes quiet, or what it held back comes."""
        if not self.place.alive or not self.place.operator.gate.awake.is_set():
            return
        operator = self.place.operator
        operator.watch.held = on
        if on:
            operator.grow_stale(self.place.now)
        elif operator.watch.lose is lose_nothing:
            operator.freshen(self.place.now)

    def lose_events(self, *, deleted_only: bool) -> None:
        """The watch loses what happens from now on, until the next complete list."""
        if self.place.alive:
            operator = self.place.operator
            operator.grow_stale(self.place.now)
            operator.watch.lose = lambda kind, event, name: event == "deleted" or not deleted_only

    def blind(self, *, kind: str) -> None:
        """A kind cannot be listed, or can be again."""
        unlistable = self.place.api.unlistable
        if unlistable.pop(Kind(kind), None) is None:
            unlistable[Kind(kind)] = "403"

    def azure_fault(self, *, call: str, fault: str, times: int) -> None:
        """A cluster that exists is not found once at most: a minute later that is believed."""
        if fault == "missing":
            if self._missed:
                return
            self._missed, times = True, 1
        error, applied = AZURE_FAULTS[fault]
        self.place.azure.faults.plan(call, error, times=times, applied=applied)

    def kube_fault(self, *, call: str, conflict: bool, times: int, applied: bool) -> None:
        port, _, method = call.partition(".")
        error = KubeConflict("409", status=409) if conflict else KubeError("503", status=503)
        faults = getattr(self.place, port).faults
        faults.plan(method, error, times=times, applied=applied and not conflict)


def randomly(seed: int) -> random.Random:
    """The randomness of one history."""
    return random.Random(f"history-{seed}")

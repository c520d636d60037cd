"""Which keys a change wakes, how urgently, and which changes wake nothing."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aks_access.engine.board import Board
from aks_access.engine.config import EngineConfig
from aks_access.engine.fakes.clock import ManualClock
from aks_access.engine.ports import Kind
from aks_access.engine.queue import WorkQueue
from aks_access.engine.reports import TargetReport
from aks_access.engine.routing import Router
from aks_access.engine.store import Changed, Store
from aks_access.engine.worlds import Worlds
from aks_access.plan.model import ClusterKey, GrantUid, cluster_key
from tests.sim.virtual_loop import run_virtually

SUBSCRIPTION = "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/rg"
Raw = dict[str, Any]


def arm_id(name: str) -> str:
    return f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters/{name}"


def raw(kind: Kind, name: str, spec: Raw | None, *, version: int = 1, **meta: Any) -> Raw:
    namespace = {"namespace": "team-a"} if kind is Kind.GRANT else {}
    metadata = {"name": name, "uid": f"{kind}-{name}", "resourceVersion": str(version), **namespace}
    found: Raw = {"metadata": {"generation": 1, **metadata, **meta}}
    return found if spec is None else {**found, "spec": spec}


def target(name: str, *, version: int = 1, labels: Raw | None = None, **spec: Any) -> Raw:
    policy = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
    body = {"resourceId": arm_id(name), "mode": "Merge", "policy": policy, **spec}
    return raw(Kind.TARGET, name, body, version=version, labels=labels or {})


def grant(name: str, *, version: int = 1, to: str = "weu", **meta: Any) -> Raw:
    body = {"targetRef": {"name": to}, "ipRanges": ["81.2.69.1"]}
    return raw(Kind.GRANT, name, body, version=version, **meta)


@dataclass(slots=True)
class Woken:
    targets: set[str]
    grants: set[str]
    at: float


class Bench:
    def __init__(self) -> None:
        self.store = Store(on_change=self._changed, argo_instance_label="argo")
        worlds = Worlds(store=self.store, clock=ManualClock(), config=EngineConfig())
        self.board = Board(on_change=lambda uids: None)
        self.targets: WorkQueue[ClusterKey] = WorkQueue()
        self.grants: WorkQueue[GrantUid] = WorkQueue()
        self.sets: WorkQueue[str] = WorkQueue()
        self.router = Router(
            worlds=worlds,
            board=self.board,
            targets=self.targets,
            grants=self.grants,
            range_sets=self.sets,
        )

    def _changed(self, change: Changed) -> None:
        self.router.changed(change)

    async def woken(self) -> Woken:
        """What is handed out within ten seconds, and when the first cluster came."""
        began, found = asyncio.get_running_loop().time(), Woken(set(), set(), -1.0)

        async def drain(queue: WorkQueue[Any], into: Callable[[Any], None]) -> None:
            while True:
                key = await queue.get()
                queue.done(key)
                into(key)

        def cluster(key: ClusterKey) -> None:
            if found.at < 0:
                found.at = asyncio.get_running_loop().time() - began
            found.targets.add(key.rpartition("/")[2])

        def uid(key: GrantUid) -> None:
            found.grants.add(key.partition("-")[2])

        tasks = [
            asyncio.create_task(drain(self.targets, cluster)),
            asyncio.create_task(drain(self.grants, uid)),
        ]
        await asyncio.sleep(10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found


def test_an_addition_settles_and_wakes_its_targets_only() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.changed(Kind.TARGET, target("weu"))
        bench.store.changed(Kind.TARGET, target("neu"))
        await bench.woken()
        bench.store.changed(Kind.GRANT, grant("laptop"))
        assert await bench.woken() == Woken({"weu"}, {"laptop"}, 1.0)

    run_virtually(main())


def test_a_deletion_an_edit_and_a_vanished_grant_that_hold_something_go_at_once() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.changed(Kind.TARGET, target("weu"))
        bench.store.changed(Kind.TARGET, target("neu"))
        bench.store.changed(Kind.GRANT, grant("laptop"))
        await bench.woken()
        uid = GrantUid(f"{Kind.GRANT}-laptop")
        for name in ("weu", "neu"):
            report = TargetReport(
                key=cluster_key(arm_id(name)), target=name, held={uid: ("81.2.69.1/32",)}
            )
            bench.board.post(report)
        bench.store.changed(Kind.GRANT, grant("laptop", version=2, to="neu"))
        assert await bench.woken() == Woken({"weu", "neu"}, {"laptop"}, 0.0)
        stamp = "2026-11-22T10:00:00Z"
        leaving = grant("laptop", version=3, to="neu", deletionTimestamp=stamp)
        bench.store.changed(Kind.GRANT, leaving)
        assert await bench.woken() == Woken({"weu", "neu"}, {"laptop"}, 0.0)
        bench.store.deleted(Kind.GRANT, leaving)
        assert (await bench.woken()).at == 0.0

    run_virtually(main())


def test_a_status_write_wakes_no_cluster_and_its_grant_to_compare_it() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.changed(Kind.TARGET, target("weu"))
        bench.store.changed(Kind.GRANT, grant("laptop"))
        await bench.woken()
        status = {"observedGeneration": 1, "summary": {"state": "Active"}}
        bench.store.changed(Kind.GRANT, {**grant("laptop", version=2), "status": status})
        bench.store.changed(
            Kind.TARGET, {**target("weu", version=2), "status": {"ledgerSequence": 4}}
        )
        assert await bench.woken() == Woken(set(), {"laptop"}, -1.0)

    run_virtually(main())


def test_a_grant_that_a_ledger_holds_wakes_that_cluster_too() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.changed(Kind.TARGET, target("weu"))
        bench.store.changed(Kind.GRANT, grant("laptop"))
        uid = GrantUid(f"{Kind.GRANT}-laptop")
        orphan = cluster_key(arm_id("orphan"))
        bench.board.post(TargetReport(key=orphan, target="", held={uid: ("81.2.69.1/32",)}))
        await bench.woken()
        bench.store.deleted(Kind.GRANT, grant("laptop", version=2))
        assert (await bench.woken()).targets == {"weu", "orphan"}

    run_virtually(main())


def test_a_relabelled_target_wakes_the_grants_that_came_and_went() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.changed(Kind.TARGET, target("weu", labels={"tier": "dev"}))
        spec = {"targetSelector": {"matchLabels": {"tier": "dev"}}, "ipRanges": ["81.2.69.1"]}
        bench.store.changed(Kind.GRANT, raw(Kind.GRANT, "laptop", spec))
        await bench.woken()
        bench.store.changed(Kind.TARGET, target("weu", version=2, labels={"tier": "prod"}))
        assert await bench.woken() == Woken({"weu"}, {"laptop"}, 0.0)

    run_virtually(main())


def test_a_set_wakes_whoever_names_it_and_a_namespace_its_grants() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.changed(Kind.TARGET, target("weu"))
        home = {"rangeSetRefs": [{"name": "home"}]}
        bench.store.changed(Kind.TARGET, target("neu", baseline=home))
        spec = {"targetRef": {"name": "weu"}, **home}
        bench.store.changed(Kind.GRANT, raw(Kind.GRANT, "laptop", spec))
        bench.store.changed(Kind.NAMESPACE, raw(Kind.NAMESPACE, "team-a", None))
        await bench.woken()
        bench.store.changed(Kind.RANGE_SET, raw(Kind.RANGE_SET, "home", {"ipRanges": ["9.9.9.9"]}))
        assert (await bench.woken()).targets == {"weu", "neu"}
        bench.store.changed(
            Kind.NAMESPACE, raw(Kind.NAMESPACE, "team-a", None, version=2, labels={"a": "b"})
        )
        assert (await bench.woken()).targets == {"weu"}
        bench.store.changed(Kind.NAMESPACE, raw(Kind.NAMESPACE, "team-b", None, labels={"a": "b"}))
        assert (await bench.woken()).targets == set()

    run_virtually(main())


async def test_a_set_or_namespace_of_many_grants_does_not_hold_up_the_loop() -> None:
    bench = Bench()
    for number in range(1000):
        bench.store.changed(Kind.TARGET, target(f"t{number}"))
    for number in range(4000):
        bench.store.changed(Kind.GRANT, through_set(f"g{number}", to=f"t{number % 1000}"))
    changes = (
        (Kind.RANGE_SET, raw(Kind.RANGE_SET, "vpn", {"ipRanges": ["81.2.69.1"]})),
        (Kind.NAMESPACE, raw(Kind.NAMESPACE, "team-a", None)),
    )
    for kind, change in changes:
        began = time.process_time()
        bench.store.changed(kind, change)
        assert time.process_time() - began < 0.25


def through_set(name: str, *, to: str) -> Raw:
    body = {"targetRef": {"name": to}, "rangeSetRefs": [{"name": "vpn"}]}
    return raw(Kind.GRANT, name, body)

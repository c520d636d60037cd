"""Hostile objects on the wire: neither loop is held up, nobody else waits, and nothing opens.

Each loop has a heartbeat. What counts is the CPU time of its thread between two beats, so that a
busy machine fails nothing; the longest is printed at the end.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from aks_access.engine.ports import Kind
from aks_access.engine.store import Store
from aks_access.kube.connection import Access, Connection
from aks_access.kube.informer import Informer
from aks_access.kube.relist import Relist
from sandbox import chart
from sandbox.apiproxy import ApiProxy
from sandbox.apiproxy.faults import Foist
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from tests.faults.apiserver.scene import PLURALS
from tests.integration.kube_support import until
from tests.unit.engine.test_security_hostile_objects import CLOSING, OPENING, hostile

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(120)]

STALL = 0.25
"""Seconds of CPU that the engine's loop may spend on one object, or on a watch's all at once."""
TOGETHER = 2.0
"""The same for kopf's loop, which reads all the objects of a watch, 20 and 12 MB of JSON."""
BEAT = 0.01
BEYOND_KOPF = (
    "deep managedFields",
    "deep status",
    "a spec 900 deep",
    "everything of the wrong type",
    "no metadata",
)
"""What kopf cannot read, and passes over with an error of its own: complete lists have it."""
NESTED = 50_000
"""Levels that no recursive reader of JSON stands."""


@dataclass(slots=True)
class Heart:
    """The most CPU seconds that a loop's thread spent between two beats."""

    longest: float = 0.0

    async def beat(self) -> None:
        """Beat until cancelled, on the loop that is watched."""
        while True:
            before = time.thread_time()
            await asyncio.sleep(BEAT)
            self.longest = max(self.longest, time.thread_time() - before)


@pytest.fixture(scope="module")
def proxied() -> Iterator[tuple[ApiProxy, Access]]:
    with ControlPlane() as plane, ApiProxy(plane) as proxy:
        chart.apply_chart(plane)
        kubeconfig = proxy.kubeconfig(plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE))
        yield proxy, Access(kubeconfig=str(kubeconfig))


@pytest.fixture
def store() -> Store:
    return Store(on_change=lambda _: None, argo_instance_label="example.com/app")


@pytest.fixture
async def connection(proxied: tuple[ApiProxy, Access]) -> AsyncIterator[Connection]:
    async with await Connection.open(access=proxied[1]) as opened:
        yield opened


def objects(kind: Kind) -> dict[str, str]:
    """Every hostile object of a kind, as JSON."""
    made: dict[str, str] = {}
    for number, (case, change) in enumerate({**OPENING, **CLOSING}.items()):
        raw = hostile(kind, change)
        if isinstance(raw["metadata"], dict):
            raw["metadata"] |= {"uid": f"hostile-{number}", "name": f"hostile-{number}"}
        made[case] = json.dumps(raw)
    return made


def hostile_known(store: Store, kind: Kind) -> int:
    """How many of the hostile objects the store has."""
    cache = store._caches[kind].known
    return sum(uid.startswith("hostile-") for uid in cache)


@pytest.mark.parametrize("kind", Kind)
async def test_security_lists_of_hostile_objects(
    proxied: tuple[ApiProxy, Access], store: Store, connection: Connection, kind: Kind
) -> None:
    relist = Relist(connection=connection)
    for case, text in objects(kind).items():
        heart = Heart()
        beating = asyncio.create_task(heart.beat())
        with proxied[0].inject(Foist(objects=(text,)), plurals=[PLURALS[kind]]):
            failures = await relist.relist(feed=store, kinds=[kind])
        await asyncio.sleep(2 * BEAT)  # the beat that was held up is counted too
        beating.cancel()
        print(f"{kind}: {case}: {heart.longest * 1000:.0f} ms of the loop, {len(text)} bytes")
        assert heart.longest < STALL, case
        assert not failures or case == "no metadata", failures


@pytest.mark.parametrize("kind", Kind)
async def test_security_a_list_nested_without_end_fails_alone(
    proxied: tuple[ApiProxy, Access], store: Store, connection: Connection, kind: Kind
) -> None:
    nested = '{"metadata":{"uid":"u","name":"n"},"spec":' + "[" * NESTED + "]" * NESTED + "}"
    with proxied[0].inject(Foist(objects=(nested,)), plurals=[PLURALS[kind]]):
        failures = await Relist(connection=connection).relist(feed=store)
    assert list(failures) == [kind]
    assert await Relist(connection=connection).relist(feed=store) == {}


@pytest.mark.parametrize("kind", Kind)
async def test_security_watches_of_hostile_objects(
    proxied: tuple[ApiProxy, Access], store: Store, kind: Kind
) -> None:
    proxy, access = proxied
    texts = tuple(text for case, text in objects(kind).items() if case not in BEYOND_KOPF)
    ours, theirs = Heart(), Heart()
    beating = asyncio.create_task(ours.beat())
    informer = Informer(access=access, feed=store)
    try:
        with proxy.inject(Foist(objects=texts), plurals=[PLURALS[kind]]):
            informer.start()
            await until(lambda: informer._loop is not None, what="the informer's loop")
            assert informer._loop is not None
            watched = asyncio.run_coroutine_threadsafe(theirs.beat(), informer._loop)
            await until(lambda: hostile_known(store, kind) >= len(texts), what="all of them")
            watched.cancel()
        assert not informer.failed.done()
    finally:
        beating.cancel()
        await informer.stop()
    total = f"{ours.longest * 1000:.0f} ms of the engine's loop"
    print(f"{kind}: watch: {total}, {theirs.longest * 1000:.0f} ms of the informer's")
    assert ours.longest < STALL
    assert theirs.longest < TOGETHER

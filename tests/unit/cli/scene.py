"""A management cluster to look at, with statuses as the operator writes them.

The whole operator runs for some hours of virtual time before `NOW`; what stands on the simulated
API server then is what commands are shown.
"""

import functools
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import Kind
from aks_access.errors import AzureFault
from tests.sim.virtual_loop import run_virtually
from tests.sim.world import World, key_of
from tests.unit.cli.transcript import NOW

HOURS = 6
CONTACT = "platform@contoso.com"


async def _live(world: World) -> None:
    """Six hours of a small company."""
    policy = {"allowedNamespaces": {"from": "All"}, "contact": CONTACT, "minPrefixLength": 28}
    world.cluster("prod-weu", ranges=("20.50.1.0/24",))
    world.target("prod-weu", policy={**policy, "maxDuration": "24h"}, baseline=None)
    world.cluster("prod-neu", ranges=("198.41.0.4/32",))
    world.target("prod-neu", policy=policy)
    world.cluster("dev-weu", ranges=("198.41.0.4/32",))
    world.target("dev-weu", mode="Observe", policy=policy)
    world.cluster("lab", ranges=None)
    world.target("lab", policy=policy)
    world.cluster("vault", private=True, ranges=None)
    world.target("vault", policy=policy)
    who = {"requestedBy": "dev@contoso.com", "ticketRef": "INC-77", "reason": "debug the ingress"}
    world.grant("dev-laptop", target="prod-weu", expiresAt="2026-11-22T18:00:00Z", **who)
    world.grant("home", "20.50.1.7", target="prod-weu", expiresAt="2026-11-22T09:00:00Z", **who)
    world.grant("office", "81.2.70.0/24", target="prod-weu", expiresAt="2026-11-23T00:00:00Z")
    world.grant(
        "tonight",
        "81.2.69.200",
        target="prod-weu",
        notBefore="2026-11-22T20:00:00Z",
        expiresAt="2026-11-22T23:00:00Z",
    )
    world.grant("lost", "81.2.69.9", target="prod-wue", expiresAt="2026-11-22T23:00:00Z")
    ci = {"namespace": "team-b", "requestedBy": "ci@contoso.com"}
    world.grant("ci", "81.2.69.160/28", target="prod-weu", expiresAt="2026-11-24T06:30:00Z", **ci)
    world.grant("ci-42", "81.2.69.142", target="prod-neu", expiresAt="2026-11-22T09:00:00Z", **ci)
    world.grant("try", "81.2.69.142", target="dev-weu", expiresAt="2026-11-22T16:00:00Z", **who)
    await world.start()
    await world.advance(hours=HOURS - 2)
    forbidden = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    world.azure.faults.plan("put_ranges", forbidden, times=None, about=key_of("prod-neu"))
    await world.advance(hours=2)


@functools.cache
def objects() -> tuple[dict[str, Any], ...]:
    """Every object of the scene, as the API server serves it."""
    found: list[dict[str, Any]] = []

    async def play() -> None:
        world = World()
        world.clock.epoch = NOW - timedelta(hours=HOURS)
        await _live(world)
        for kind in (Kind.TARGET, Kind.GRANT, Kind.RANGE_SET):
            for name in world.api.names(kind):
                namespace, _, own = name.rpartition("/")
                raw = world.api.find(kind, own, namespace=namespace)
                assert raw is not None
                found.append({"apiVersion": "aksaccess.dev/v1alpha1", "kind": kind.value, **raw})
        world.kill()

    logger = logging.getLogger("aks_access")
    before = logger.level
    logger.setLevel(logging.CRITICAL)  # the operator's log is no part of the scene
    try:
        run_virtually(play())
    finally:
        logger.setLevel(before)
    found += [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {}}}
        for name in ("team-a", "team-b")
    ]
    return tuple(found)


def cluster() -> FakeCluster:
    """A new cluster with the scene, seen from namespace team-a."""
    made = FakeCluster(context_namespace="team-a")
    made.add(*objects())
    return made


def write(path: Path) -> None:
    """Write the scene to a file, for commands in processes of their own."""
    path.write_text(json.dumps(objects()))

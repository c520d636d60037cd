"""A node pool that scales between the two reads of a write is in the PUT, though no eTag tells."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.arm.journal import JournalEntry
from tests.integration.scenes import ENTRY, LAPTOP, OFFICE
from tests.integration.things import Cluster
from tests.integration.world import World

READS = 12
"""More than a change takes from its beginning to the read before its PUT."""


def recorded(cluster: Cluster) -> bool:
    """Whether the ledger names a write that was not read back yet."""
    ledger = cluster.ledger()
    assert ledger is not None
    return bool(json.loads(ledger["data"]["ledger.json"]).get("inFlight"))


def write_while_a_pool_scales(
    world: World, cluster: Cluster, *, begin: Callable[[], Any], nodes: int
) -> JournalEntry:
    """Begin a change, scale a pool while the read behind its record is held; its PUT.

    Every read is held until it is known whether the write stands in the ledger yet.
    """
    mark, path = world.mark(), f"{cluster.key}(\\?|$)"
    held = [world.arm.add_fault(method="GET", path=path, hold=True) for _ in range(READS)]
    begin()
    while True:
        read = held.pop(0)

        def waits(read: str = read) -> bool:
            return any(fault.fault_id == read and fault.hits for fault in world.arm.faults())

        world.eventually(waits, what="a read to be held", about=cluster)
        if recorded(cluster):
            break
        world.arm.remove_fault(read)
    etag = cluster.view().etag
    [pool, *_] = cluster.view().body["properties"]["agentPoolProfiles"]
    world.arm.edit_pool(cluster.id, pool=pool["name"], values={"count": nodes})
    assert cluster.view().etag == etag, "If-Match sees nothing of it"
    for fault in (*held, read):
        world.arm.remove_fault(fault)
    world.eventually(lambda: bool(cluster.puts(mark)), what="the PUT", about=cluster)
    [put] = cluster.puts(mark)
    return put


def test_i6_a_pool_that_scales_before_the_second_look_is_not_set_back(world: World) -> None:
    cluster = world.cluster()
    target = world.target(cluster)
    grant = world.grant(target, "81.2.69.143")
    grant.wait_state("Active")
    for nodes, begin in ((8, lambda: world.grant(target, LAPTOP)), (9, grant.delete)):
        put = write_while_a_pool_scales(world, cluster, begin=begin, nodes=nodes)
        assert put.status == 200
        assert put.body is not None
        assert put.body["properties"]["agentPoolProfiles"][0]["count"] == nodes
        target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, ENTRY)
    assert cluster.view().body["properties"]["agentPoolProfiles"][0]["count"] == 9

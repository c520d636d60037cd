"""A simulated world as the naive reference wants to see it: one `Case` per target."""

from collections.abc import Iterable

from aks_access.engine.ports import Kind
from tests.facts import Raw, asked, asks, canonical, part, uid_of
from tests.reference import Case
from tests.sim.world import World, key_of


def case_of(world: World, name: str = "weu", *, foreign: Iterable[str] = ()) -> Case:
    """The case of the target `name`, whose cluster has this name too, at this moment.

    `foreign` is what the scenario knows to be somebody else's.
    """
    target = world.api.find(Kind.TARGET, name)
    assert target is not None, f"there is no target {name}"
    cluster, ledger = world.azure.cluster(key_of(name)), world.ledgers.peek(key_of(name))
    grants = _every(world, Kind.GRANT)
    entries = ledger.entries if ledger is not None else {}
    sets = {str(part(raw, "metadata", "name")): raw for raw in _every(world, Kind.RANGE_SET)}
    refused = ledger.refused if ledger is not None else {}
    return Case(
        now=world.clock.now(),
        target=target,
        grants=grants,
        sets=sets,
        namespaces={
            str(part(raw, "metadata", "name")): raw for raw in _every(world, Kind.NAMESPACE)
        },
        activations=world.activations.known(),
        live=cluster.ranges,
        foreign=frozenset(map(canonical, foreign)),
        management=frozenset(map(str, world.config.management_egress)),
        inside={
            uid_of(raw)
            for raw in grants
            if (wants := asked(raw, sets))
            and all(one in entries and uid_of(raw) in entries[one].owners for one in wants)
        },
        holds={
            uid_of(raw): {e.range for e in entries.values() if uid_of(raw) in e.owners}
            for raw in grants
        },
        refused={
            uid_of(raw)
            for raw in grants
            if uid_of(raw) in refused and refused[uid_of(raw)].asks == asks(raw, sets)
        },
        verified=ledger.verified if ledger is not None else None,
        outbound=cluster.outbound_type,
        vnet=cluster.vnet_integration,
        blocked=_blocked(private=cluster.private, sku=cluster.load_balancer_sku),
    )


def _every(world: World, kind: Kind) -> list[Raw]:
    paths = [name.rpartition("/") for name in world.api.names(kind)]
    found = [world.api.find(kind, name, namespace=space) for space, _, name in paths]
    return [raw for raw in found if raw is not None]


def _blocked(*, private: bool, sku: str) -> str:
    if private:
        return "a private cluster has no such list"
    return "a Basic load balancer has no such list" if sku.lower() == "basic" else ""

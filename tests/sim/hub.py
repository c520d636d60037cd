"""A simulated management cluster as people's commands see it."""

from collections.abc import Mapping
from typing import Any

from aks_access.api.names import ledger_name
from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.engine.ports import Kind
from aks_access.kube import activations_document, ledger_document
from tests.sim.world import World, key_of

NAMESPACE = "aks-access-system"


def hub_of(world: World, *, ledgers: bool = True) -> FakeCluster:
    """The objects as they stand now, with the operator's ConfigMaps if `ledgers`."""
    hub = FakeCluster()
    for kind in Kind:
        for key in world.api.names(kind):
            namespace, _, name = key.rpartition("/")
            raw: Any = world.api.find(kind, name, namespace=namespace)
            hub.add(raw)
    if not ledgers:
        return hub
    for name in world.clusters:
        ledger = world.ledgers.peek(key_of(name))
        if ledger is not None:
            text = ledger_document.encode(ledger)
            made = _map(ledger_name(ledger.key), {ledger_document.DATA_KEY: text})
            made["metadata"]["annotations"] = {"aksaccess.dev/target": ledger.target_name}
            hub.add(made)
    by_namespace: dict[str, dict[str, Any]] = {}
    for key, when in world.activations.known().items():
        namespace = key.partition(":")[2].partition("/")[0]
        by_namespace.setdefault(namespace, {})[key] = when
    for namespace, entries in by_namespace.items():
        text = activations_document.encode(entries)
        name = activations_document.NAME_PREFIX + namespace
        hub.add(_map(name, {activations_document.DATA_KEY: text}))
    return hub


def _map(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}

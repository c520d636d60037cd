"""What `doctor` looks at in the ledgers: what the operator remembers about each cluster."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from aks_access.api.names import GROUP, LEDGER_PREFIX, ledger_name
from aks_access.cli.checks.checkup import Checked, failed, passed, skipped, warned
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.errors import KubeForbidden, LedgerUnreadable
from aks_access.plan.ledger import EntryState, Ledger
from aks_access.plan.model import Target
from aks_access.plan.wording import instant

_LONG_IN_FLIGHT: Final = timedelta(minutes=15)
_FULL: Final = 0.8


def checks_ledgers(
    cluster: Cluster,
    *,
    targets: Mapping[str, Target],
    namespace: str,
    now: datetime,
    every: bool,
) -> Iterator[Checked]:
    """What the operator remembers: there, readable, not full, and not in doubt.

    `every`: also the ledgers of no target among these.
    """
    from aks_access.kube.ledger_document import DATA_KEY, SIZE_LIMIT, decode, key_in

    try:
        maps = {
            raw["metadata"]["name"]: raw
            for raw in cluster.all(Resource.CONFIG_MAPS, namespace=namespace)
            if raw["metadata"]["name"].startswith(LEDGER_PREFIX)
        }
    except KubeForbidden:
        yield skipped(namespace, "you may not read ConfigMaps, where the ledgers are.")
        return
    holders = {ledger_name(each.key): each for each in targets.values() if not each.problems}
    for name, target in sorted(holders.items(), key=lambda item: item[1].name):
        if target.ledger_sequence is not None and name not in maps:
            yield failed(
                f"ledger {target.name}",
                f"ConfigMap {namespace}/{name} is gone, and {target.name} remembers it: nothing is "
                "added there. Restore it from a backup, or follow the target's message.",
            )
    for name, raw in sorted(maps.items()):
        if not every and name not in holders:
            continue
        about, place = f"ledger {_holder(raw)}", f"ConfigMap {namespace}/{name}"
        text = str((raw.get("data") or {}).get(DATA_KEY, ""))
        size = len(text.encode())
        try:
            key = key_in(text)
            if key is None or ledger_name(key) != name:
                raise LedgerUnreadable("it does not say which cluster it is about")
            ledger = decode(text, key=key, version="")
        except LedgerUnreadable as error:
            yield failed(about, f"{place} cannot be used: {error}.")
            continue
        yield from _ledger(about, place, ledger, target=holders.get(name), now=now)
        if size > _FULL * SIZE_LIMIT:
            yield warned(
                about,
                f"{place} has {size:,} of {SIZE_LIMIT:,} bytes; above that nothing is added. Use "
                "fewer or wider ranges, and fewer grants for each.",
            )


def _holder(raw: Mapping[str, Any]) -> str:
    """The target that a ledger's ConfigMap says it is of."""
    annotations = raw["metadata"].get("annotations") or {}
    return str(annotations.get(f"{GROUP}/target") or raw["metadata"]["name"])


def _ledger(
    about: str, place: str, ledger: Ledger, *, target: Target | None, now: datetime
) -> Iterator[Checked]:
    ours = [e for e in ledger.entries.values() if e.state is not EntryState.WITHDRAWN]
    if target is None:
        yield warned(
            about,
            f"{place}: its target {ledger.target_name} is gone, and {len(ours)} entries are still "
            "held for it. Create the target again, or see the ConfigMap's Events.",
        )
        return
    if ledger.lost:
        yield failed(
            about, f"{place} is in doubt ({ledger.lost}); {target.name}'s message has the way out."
        )
    elif ledger.sequence < (target.ledger_sequence or 0):
        yield failed(
            about,
            f"{place} is an old copy ({ledger.sequence}, and {target.name} remembers "
            f"{target.ledger_sequence}). Restore the newest one.",
        )
    elif ledger.in_flight is not None and now - ledger.in_flight.started > _LONG_IN_FLIGHT:
        yield warned(
            about,
            f"{place}: a write of {instant(ledger.in_flight.started)} is not confirmed yet; "
            f"`kubectl describe aat {target.name}` says what it waits for.",
        )
    else:
        yield passed(about, f"{len(ours)} entries are ours, as {place} has it.")

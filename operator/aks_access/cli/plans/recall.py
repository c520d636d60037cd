"""What the management cluster remembers of one target's cluster: its list, and what is ours there.

The list stands in the target's status, what is ours in the operator's ledger. Who may not read the
ledger gets by with the status, which tells the same of what stands in Azure at the moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aks_access.api.names import ledger_name
from aks_access.api.ranges import IPv4Range
from aks_access.api.target_status import LiveEntry, TargetStatus
from aks_access.cli.hub.cluster import Cluster, Resource
from aks_access.errors import (
    KubeError,
    KubeForbidden,
    LedgerNewer,
    LedgerUnreadable,
    StartupError,
)
from aks_access.plan.adoption import fresh
from aks_access.plan.cluster import RUNNING, SUCCEEDED, ClusterView
from aks_access.plan.ledger import BASELINE_OWNER, EntryState, Ledger, LedgerEntry
from aks_access.plan.listing import canonical
from aks_access.plan.model import ClusterKey, Grant, Target, activation_key
from aks_access.plan.outcome import Origin
from aks_access.plan.wording import sentence

_OURS: Final = (Origin.GRANT.value, Origin.REVOKING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered.

    Attributes:
        ledger: None where there is none.
        unreadable: why the ledger is no use, "" = it is, or there is none.
        newer: because a newer operator wrote it.
        activations: activation key to the first activation, UTC.
        doubts: what could not be looked at, in sentences.
    """

    ledger: Ledger | None
    unreadable: str = ""
    newer: bool = False
    activations: Mapping[str, datetime] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


def status_of(target: Target) -> TargetStatus:
    """The target's status; what is odd about it is left out."""
    return TargetStatus.lenient(target.status)


def condition(target: Target, kind: str = "Ready") -> tuple[str, str]:
    """Reason and message of a condition; ("", "") where there is none."""
    found = (each for each in status_of(target).conditions if each.type == kind)
    return next(((str(each.reason), each.message) for each in found), ("", ""))


def view_of(target: Target) -> ClusterView:
    """The cluster as the operator last read it. Raises StartupError where that is not known."""
    status = status_of(target)
    known = status.cluster
    if known is None:
        reason, message = condition(target)
        why = f" ({reason}: {message.rstrip('.')})" if reason else ""
        raise StartupError(
            f"The operator has not read the cluster of {target.name} yet{why}. With --azure it is "
            "read with a log-in of your own."
        )
    if status.entries_omitted:
        raise StartupError(
            f"The status of {target.name} names only {len(status.entries)} of "
            f"{len(status.entries) + status.entries_omitted} entries. With --azure the whole list "
            "is read with a log-in of your own."
        )
    ranges = tuple(each.range for each in status.entries)
    return ClusterView(
        resource_id=target.resource_id,
        resource_uid=known.resource_uid,
        etag=None,
        provisioning_state=known.provisioning_state or SUCCEEDED,
        power_state=known.power_state or RUNNING,
        ranges=ranges if known.restricted and ranges else None,
        private=bool(known.private),
        vnet_integration=bool(known.vnet_integration),
        outbound_type=known.outbound_type or "loadBalancer",
        disable_run_command=known.disable_run_command,
        fqdn=known.fqdn or "",
    )


def management_egress(target: Target) -> tuple[IPv4Range, ...]:
    """What of the management cluster's egress stands in the list, as the status says."""
    return tuple(
        IPv4Range.parse(canonical(each.range))
        for each in status_of(target).entries
        if each.origin == Origin.MANAGEMENT.value
    )


def recall(
    cluster: Cluster,
    *,
    target: Target,
    view: ClusterView,
    grants: Iterable[Grant],
    namespace: str,
    now: datetime,
) -> Memory:
    """What the operator remembers; `namespace` is its own. Raises AksAccessError."""
    known = tuple(grants)
    try:
        activations = _activations(cluster, grants=known, namespace=namespace)
        return _ledger(cluster, target=target, namespace=namespace, activations=activations)
    except KubeForbidden:
        said = (
            f"The ledger in {namespace} may not be read by you: what is ours is taken from the "
            "target's status; what was withdrawn earlier and how often was written is not known."
        )
        return Memory(
            ledger=_from_status(target=target, view=view, grants=known, now=now),
            activations={activation_key(g): g.activated for g in known if g.activated is not None},
            doubts=(said,),
        )


def _ledger(
    cluster: Cluster, *, target: Target, namespace: str, activations: Mapping[str, datetime]
) -> Memory:
    try:
        stored = stored_ledger(cluster, key=target.key, namespace=namespace)
        return Memory(ledger=stored, activations=activations)
    except LedgerUnreadable as error:
        name = ledger_name(target.key)
        return Memory(
            ledger=None,
            unreadable=f"the ledger {namespace}/{name} cannot be used: {error}",
            newer=isinstance(error, LedgerNewer),
            activations=activations,
        )


def stored_ledger(cluster: Cluster, *, key: ClusterKey, namespace: str) -> Ledger | None:
    """The ledger of a cluster; None where there is none. Raises LedgerUnreadable, KubeError."""
    from aks_access.kube.ledger_document import DATA_KEY, decode

    raw = cluster.get(Resource.CONFIG_MAPS, namespace=namespace, name=ledger_name(key))
    if raw is None:
        return None
    text = (raw.get("data") or {}).get(DATA_KEY)
    if not isinstance(text, str):
        raise LedgerUnreadable(f"it has no {DATA_KEY}")
    return decode(text, key=key, version=raw["metadata"]["resourceVersion"])


def _activations(
    cluster: Cluster, *, grants: Iterable[Grant], namespace: str
) -> Mapping[str, datetime]:
    from aks_access.kube.activations_document import DATA_KEY, NAME_PREFIX, decode

    found: dict[str, datetime] = {}
    for place in sorted({grant.namespace for grant in grants if grant.duration is not None}):
        name = NAME_PREFIX + place
        raw = cluster.get(Resource.CONFIG_MAPS, namespace=namespace, name=name)
        if raw is None:
            continue
        try:
            found.update(decode((raw.get("data") or {}).get(DATA_KEY, "")))
        except ValueError as error:
            raise KubeError(
                f"The ConfigMap {namespace}/{name} cannot be used: {sentence(str(error))}"
            ) from error
    return found


def _from_status(
    *, target: Target, view: ClusterView, grants: Iterable[Grant], now: datetime
) -> Ledger | None:
    """As much of the ledger as the status tells."""
    if target.ledger_sequence is None:
        return None
    uids = {grant.path: grant.uid for grant in grants}
    status = status_of(target)
    entries = {
        name: LedgerEntry(range=name, state=EntryState.OWNED, owners=owners, since=now)
        for each in status.entries
        if (owners := _owners(each, uids=uids))
        for name in (canonical(each.range),)
    }
    made = fresh(target=target, view=view, sequence=target.ledger_sequence)
    made.entries.update(entries)
    made.names.update({uid: path for path, uid in uids.items()})
    return made


def _owners(entry: LiveEntry, *, uids: Mapping[str, str]) -> tuple[str, ...]:
    if entry.origin == Origin.BASELINE.value:
        return (BASELINE_OWNER,)
    if entry.origin not in _OURS:
        return ()
    return tuple(uids.get(path, path) for path in entry.grants) or ("unknown",)

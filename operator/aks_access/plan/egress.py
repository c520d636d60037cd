"""How the cluster's own nodes, and the management cluster, stay let in.

With outbound type load balancer Azure lets the nodes in by itself; with API server VNet
integration they do not come through the public endpoint; other outbound types leave by addresses
that this version must be told (AKS documentation: authorized IP ranges, outbound types).
"""

from collections.abc import Iterable

from aks_access.api.modes import EgressMode
from aks_access.api.ranges import IPv4Range
from aks_access.plan.cluster import ClusterView
from aks_access.plan.listing import cidr
from aks_access.plan.model import Target

IMPLICIT_OUTBOUND_TYPES = frozenset({"loadbalancer", "none"})


def node_egress(*, target: Target, view: ClusterView) -> tuple[IPv4Range, ...] | None:
    """The ranges that the nodes need in the list; empty = none needed; None = not known."""
    match target.egress_mode:
        case EgressMode.STATIC:
            return target.egress
        case EgressMode.NOT_NEEDED:
            return ()
        case EgressMode.AUTO:
            return () if nodes_let_in_by_azure(view) else None


def nodes_let_in_by_azure(view: ClusterView) -> bool:
    """Whether the nodes reach the API server whatever the list says."""
    return view.vnet_integration or view.outbound_type.lower() in IMPLICIT_OUTBOUND_TYPES


def sentinel_allowed(view: ClusterView) -> bool:
    """Whether the list may be the deny sentinel alone without cutting the cluster's nodes off."""
    return nodes_let_in_by_azure(view)


def strings(ranges: Iterable[IPv4Range]) -> tuple[str, ...]:
    """The ranges as canonical CIDRs, sorted, without duplicates."""
    return tuple(map(cidr, sorted(set(ranges))))

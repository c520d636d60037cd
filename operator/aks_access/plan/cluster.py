"""What a read of an AKS cluster says, reduced to what planning and the writer need.

Property names are AKS's (REST reference of Microsoft.ContainerService/managedClusters).
"""

from dataclasses import dataclass, field

RUNNING = "Running"
SUCCEEDED = "Succeeded"
TERMINAL_STATES = frozenset({"Succeeded", "Failed", "Canceled"})
"""`provisioningState`s in which AKS takes a write; every other one is an operation under way."""


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One GET of a managed cluster.

    Attributes:
        resource_id: ARM id as Azure spells it.
        resource_uid: `properties.resourceUID`; another value means another cluster. May be None.
        etag: `eTag` of the cluster; None where the API version returns none.
        provisioning_state: `properties.provisioningState`.
        power_state: `properties.powerState.code`, `Running` where absent.
        ranges: `authorizedIPRanges` as written in Azure; None = not restricted (the key or its
            profile is absent, null or empty, which AKS treats alike).
        private: `apiServerAccessProfile.enablePrivateCluster`.
        vnet_integration: `apiServerAccessProfile.enableVnetIntegration`.
        outbound_type: `networkProfile.outboundType`, `loadBalancer` where absent.
        load_balancer_sku: `networkProfile.loadBalancerSku`, lower case, `standard` where absent.
        disable_run_command: `apiServerAccessProfile.disableRunCommand`; None = absent.
        public_network_access: `properties.publicNetworkAccess`; None = absent.
        fqdn: public name of the API server.
        body: the document as read, for the writer alone; never compared, logged or stored.
    """

    resource_id: str
    resource_uid: str | None
    etag: str | None
    provisioning_state: str
    power_state: str
    ranges: tuple[str, ...] | None
    private: bool = False
    vnet_integration: bool = False
    outbound_type: str = "loadBalancer"
    load_balancer_sku: str = "standard"
    disable_run_command: bool | None = None
    public_network_access: str | None = None
    fqdn: str = ""
    body: object = field(default=None, compare=False, repr=False)

    @property
    def settled(self) -> bool:
        """Whether no operation is under way."""
        return self.provisioning_state in TERMINAL_STATES

    @property
    def entry_limit(self) -> int:
        """How many ranges AKS takes (AKS documentation, authorized IP ranges: limits)."""
        return 2000 if self.vnet_integration else 200

"""A realistic managed cluster, shaped like a real GET of April 2026 with more switched on.

Several pools, identities, add-ons, security settings, explicit nulls, and properties that no
released SDK knows, at several depths: a client that loses any of them is caught.
"""

from collections.abc import Sequence
from typing import Any

from sandbox.arm.ids import ClusterId
from sandbox.arm.messages import JsonObject

_CLIENT = "00000000-0000-0000-0000-000000000001"
_NETWORK = "Microsoft.Network"


def managed_cluster(
    *,
    cluster: ClusterId,
    resource_uid: str,
    location: str = "westeurope",
    ranges: Sequence[str] | None = None,
    pools: int = 3,
    outbound_type: str = "loadBalancer",
    private: bool = False,
    vnet_integration: bool = False,
    disable_run_command: bool | None = None,
    tags: dict[str, str] | None = None,
) -> JsonObject:
    """Return the stored body of a cluster; `ranges` None or empty = unrestricted."""
    prefix = f"{cluster.name}-dns"
    host = f"{prefix}-65xe5qeb"
    node_group = f"MC_{cluster.group}_{cluster.name}_{location}"
    node_scope = f"/subscriptions/{cluster.subscription}/resourceGroups/{node_group}/providers"
    properties: JsonObject = {
        "kubernetesVersion": "1.34",
        "currentKubernetesVersion": "1.34.4",
        "dnsPrefix": prefix,
        "fqdn": f"{host}.hcp.{location}.azmk8s.io",
        "azurePortalFQDN": f"{host}.portal.hcp.{location}.azmk8s.io",
        "agentPoolProfiles": [_pool(number) for number in range(1, pools + 1)],
        "linuxProfile": {
            "adminUsername": "azureuser",
            "ssh": {"publicKeys": [{"keyData": "ssh-rsa AAAAB3Nza sandbox@example.com\n"}]},
        },
        "servicePrincipalProfile": {"clientId": "msi"},
        "addonProfiles": _addons(cluster, node_scope),
        "nodeResourceGroup": node_group,
        "enableRBAC": True,
        "supportPlan": "KubernetesOfficial",
        "networkProfile": _network(outbound_type, node_scope),
        "aadProfile": {
            "managed": True,
            "enableAzureRBAC": True,
            "adminGroupObjectIDs": None,
            "tenantID": "72f988bf-86f1-41af-91ab-2d7cd011db47",
        },
        "maxAgentPools": 100,
        "identityProfile": {"kubeletidentity": _identity(node_scope, "agentpool")},
        "autoUpgradeProfile": {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"},
        "disableLocalAccounts": True,
        **_features(node_scope, location),
        "resourceUID": resource_uid,
        "serviceMeshProfile": {"mode": "Disabled"},
        "publicNetworkAccess": "Enabled",
        "sandboxFutureProfile": {
            "level": 3,
            "nothing": None,
            "rules": [{"name": "first", "when": {"always": True}}, {"name": "second"}],
        },
    }
    if profile := _access(ranges, private, vnet_integration, disable_run_command):
        properties["apiServerAccessProfile"] = profile
    return {
        "location": location,
        "kind": "Base",
        "tags": {"owner": "platform", "env": "sandbox"} if tags is None else tags,
        "properties": properties,
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": {
                f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.group}/providers"
                "/Microsoft.ManagedIdentity/userAssignedIdentities/control-plane": {
                    "clientId": _CLIENT,
                    "principalId": _CLIENT,
                }
            },
        },
        "sku": {"name": "Base", "tier": "Standard", "sandboxFutureSku": {"zone": "a"}},
    }


def _pool(number: int) -> JsonObject:
    system = number == 1
    return {
        "name": "system" if system else f"user{number - 1}",
        "count": 3 if system else number,
        "vmSize": "standard_e2s_v3",
        "osDiskSizeGB": 128,
        "osDiskType": "Managed",
        "kubeletDiskType": "OS",
        "maxPods": 250,
        "type": "VirtualMachineScaleSets",
        "availabilityZones": ["1", "2", "3"],
        "enableAutoScaling": not system,
        **({} if system else {"minCount": 1, "maxCount": 10}),
        "scaleDownMode": "Delete",
        "powerState": {"code": "Running"},
        "orchestratorVersion": "1.34",
        "currentOrchestratorVersion": "1.34.4",
        "enableNodePublicIP": False,
        "nodeLabels": {"pool": "system" if system else "user"},
        "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"] if system else None,
        "mode": "System" if system else "User",
        "enableEncryptionAtHost": False,
        "enableUltraSSD": False,
        "osType": "Linux",
        "osSKU": "Ubuntu",
        "nodeImageVersion": "AKSUbuntu-2204gen2containerd-202604.13.0",
        "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
        "enableFIPS": False,
        "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
        "sandboxFuturePool": {"depth": {"deeper": [1, 2, {"deepest": True}]}},
    }


def _addons(cluster: ClusterId, node_scope: str) -> JsonObject:
    workspace = (
        f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.group}/providers"
        "/Microsoft.OperationalInsights/workspaces/logs"
    )
    return {
        "omsagent": {
            "enabled": True,
            "config": {"logAnalyticsWorkspaceResourceID": workspace, "useAADAuth": "true"},
            "identity": _identity(node_scope, "omsagent"),
        },
        "azurepolicy": {
            "enabled": True,
            "config": None,
            "identity": _identity(node_scope, "azurepolicy"),
        },
        "azureKeyvaultSecretsProvider": {
            "enabled": True,
            "config": {"enableSecretRotation": "false", "sandboxFutureKey": "kept"},
            "identity": _identity(node_scope, "secrets"),
        },
    }


def _network(outbound_type: str, node_scope: str) -> JsonObject:
    outbound = [{"id": f"{node_scope}/{_NETWORK}/publicIPAddresses/outbound-1"}]
    result: JsonObject = {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "networkPolicy": "cilium",
        "networkDataplane": "cilium",
        "loadBalancerSku": "standard",
        "podCidr": "10.244.0.0/16",
        "serviceCidr": "10.0.0.0/16",
        "dnsServiceIP": "10.0.0.10",
        "outboundType": outbound_type,
        "podCidrs": ["10.244.0.0/16"],
        "serviceCidrs": ["10.0.0.0/16"],
        "ipFamilies": ["IPv4"],
        "advancedNetworking": {"enabled": True, "sandboxFuture": {"flows": "all"}},
    }
    if outbound_type == "loadBalancer":
        result["loadBalancerProfile"] = {
            "managedOutboundIPs": {"count": 1},
            "effectiveOutboundIPs": outbound,
            "backendPoolType": "nodeIPConfiguration",
        }
    if outbound_type == "managedNATGateway":
        result["natGatewayProfile"] = {
            "managedOutboundIPProfile": {"count": 1},
            "effectiveOutboundIPs": outbound,
            "idleTimeoutInMinutes": 4,
        }
    return result


def _features(node_scope: str, location: str) -> JsonObject:
    return {
        "securityProfile": {
            "workloadIdentity": {"enabled": True},
            "imageCleaner": {"enabled": True, "intervalHours": 168},
            "defender": {"securityMonitoring": {"enabled": True}},
            "sandboxFutureSecurity": {"mode": "Strict"},
        },
        "storageProfile": {
            "diskCSIDriver": {"enabled": True, "version": "v1"},
            "fileCSIDriver": {"enabled": True},
            "snapshotController": {"enabled": True},
        },
        "oidcIssuerProfile": {
            "enabled": True,
            "issuerURL": f"https://{location}.oic.prod-aks.azure.com/tenant/issuer/",
        },
        "ingressProfile": {
            "webAppRouting": {
                "enabled": True,
                "dnsZoneResourceIds": None,
                "identity": _identity(node_scope, "webapprouting"),
                "nginx": {"defaultIngressControllerType": "AnnotationControlled"},
            }
        },
        "workloadAutoScalerProfile": {"keda": {"enabled": True}},
        "metricsProfile": {"costAnalysis": {"enabled": True}},
        "nodeProvisioningProfile": {"mode": "Manual", "defaultNodePools": "Auto"},
        "bootstrapProfile": {"artifactSource": "Direct"},
    }


def _identity(node_scope: str, name: str) -> JsonObject:
    path = f"{node_scope}/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    return {"resourceId": path, "clientId": _CLIENT, "objectId": _CLIENT}


def _access(
    ranges: Sequence[str] | None,
    private: bool,
    vnet_integration: bool,
    disable_run_command: bool | None,
) -> JsonObject:
    profile: dict[str, Any] = {}
    if ranges:
        profile["authorizedIPRanges"] = list(ranges)
    if private:
        profile |= {
            "enablePrivateCluster": True,
            "privateDNSZone": "system",
            "enablePrivateClusterPublicFQDN": True,
        }
    if vnet_integration:
        profile |= {
            "enablePrivateCluster": private,
            "enableVnetIntegration": True,
            "subnetId": "",
        }
    if disable_run_command is not None:
        profile["disableRunCommand"] = disable_run_command
    return profile

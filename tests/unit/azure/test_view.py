"""Reading a cluster: complete bodies, bodies that lack or garble anything, and other clusters."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.azure.body import with_ranges
from aks_access.azure.view import read_cluster
from aks_access.errors import AzureError, AzureFault, UnsafeWrite
from aks_access.plan.cluster import ClusterView

ANSWERS = os.environ.get("AKS_ACCESS_AZURE_ANSWERS")
ID = (
    "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/prod"
)


def body(**properties: Any) -> dict[str, Any]:
    return {"id": ID, "eTag": "tag", "location": "westeurope", "properties": properties}


def read(document: object) -> ClusterView:
    return read_cluster(document, resource_id=ID)


def test_everything_is_read() -> None:
    view = read(
        body(
            provisioningState="Updating",
            powerState={"code": "Stopped"},
            resourceUID="uid",
            fqdn="prod.azmk8s.io",
            publicNetworkAccess="Disabled",
            apiServerAccessProfile={
                "authorizedIPRanges": ["20.1.0.0/24", "AzureCloud"],
                "enablePrivateCluster": True,
                "enableVnetIntegration": True,
                "disableRunCommand": False,
            },
            networkProfile={"outboundType": "userDefinedRouting", "loadBalancerSku": "Standard"},
        )
    )
    assert view.ranges == ("20.1.0.0/24", "AzureCloud")
    assert (view.resource_id, view.resource_uid, view.etag) == (ID, "uid", "tag")
    assert (view.provisioning_state, view.power_state) == ("Updating", "Stopped")
    assert (view.private, view.vnet_integration, view.disable_run_command) == (True, True, False)
    assert (view.outbound_type, view.load_balancer_sku) == ("userDefinedRouting", "standard")
    assert (view.public_network_access, view.fqdn) == ("Disabled", "prod.azmk8s.io")


def test_absent_properties_have_azures_meaning() -> None:
    view = read({"id": ID.lower(), "properties": {}})
    assert view.ranges is None
    assert (view.provisioning_state, view.power_state) == ("Succeeded", "Running")
    assert (view.outbound_type, view.load_balancer_sku) == ("loadBalancer", "standard")
    assert (view.etag, view.resource_uid, view.disable_run_command) == (None, None, None)


@pytest.mark.parametrize(
    "profile", [None, {}, {"authorizedIPRanges": None}, {"authorizedIPRanges": []}]
)
def test_a_list_that_is_absent_null_or_empty_means_open(profile: Any) -> None:
    assert read(body(apiServerAccessProfile=profile)).ranges is None


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"id": ID},
        {"id": ID, "properties": None},
        {"properties": {}},
        {"id": ID + "2", "properties": {}},
        body(apiServerAccessProfile="x"),
        body(apiServerAccessProfile=["x"]),
        body(apiServerAccessProfile={"authorizedIPRanges": "20.1.0.0/24"}),
        body(apiServerAccessProfile={"authorizedIPRanges": {}}),
        body(apiServerAccessProfile={"authorizedIPRanges": ["20.1.0.0/24", None]}),
    ],
)
def test_what_cannot_be_read_never_passes_for_an_open_cluster(document: object) -> None:
    with pytest.raises(AzureError) as caught:
        read(document)
    assert caught.value.fault is AzureFault.UNCERTAIN


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@given(
    properties=st.fixed_dictionaries(
        {},
        optional={
            name: odd | st.fixed_dictionaries({}, optional={"code": odd, "outboundType": odd})
            for name in (
                "provisioningState",
                "powerState",
                "resourceUID",
                "networkProfile",
                "agentPoolProfiles",
                "publicNetworkAccess",
                "fqdn",
            )
        },
    ),
    etag=odd,
)
def test_properties_of_any_type_are_survived(properties: dict[str, Any], etag: object) -> None:
    document = {**body(**properties), "eTag": etag}
    document["properties"]["apiServerAccessProfile"] = {"authorizedIPRanges": ["20.1.0.0/24"]}
    view = read(document)
    assert view.ranges == ("20.1.0.0/24",)
    written = with_ranges(view=view, resource_id=ID, ranges=["20.2.0.0/24"])
    assert written["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] == ["20.2.0.0/24"]


def test_the_body_for_writing_leaves_the_view_as_it_was() -> None:
    document = body(apiServerAccessProfile={"authorizedIPRanges": ["20.1.0.0/24"], "future": 1})
    before = json.dumps(document)
    written = with_ranges(view=read(document), resource_id=ID.upper(), ranges=["20.2.0.0/24"])
    profile = written["properties"]["apiServerAccessProfile"]
    assert profile == {"authorizedIPRanges": ["20.2.0.0/24"], "future": 1}
    assert json.dumps(document) == before


def test_another_clusters_body_is_not_written() -> None:
    view = read(body(apiServerAccessProfile={"authorizedIPRanges": ["20.1.0.0/24"]}))
    with pytest.raises(UnsafeWrite, match="another"):
        with_ranges(view=view, resource_id=ID + "2", ranges=["20.2.0.0/24"])


def test_a_view_without_a_body_is_not_written() -> None:
    view = ClusterView(
        resource_id=ID,
        resource_uid=None,
        etag=None,
        provisioning_state="Succeeded",
        power_state="Running",
        ranges=("20.1.0.0/24",),
    )
    with pytest.raises(UnsafeWrite, match="not read"):
        with_ranges(view=view, resource_id=ID, ranges=["20.2.0.0/24"])


@pytest.mark.skipif(not ANSWERS, reason="AKS_ACCESS_AZURE_ANSWERS is not set")
def test_a_recorded_cluster_of_2026() -> None:
    file = Path(str(ANSWERS)) / "recordings" / "azure-cli_2026-04-24_get_after_update.json"
    document = json.loads(file.read_text())["response"]
    view = read_cluster(document, resource_id=document["id"])
    assert view.ranges is None
    assert view.etag == "ab5ee139-ee48-408d-a31b-fdcac4070b29"
    assert view.resource_uid == "69ead85117c5cf0001afa7aa"
    assert (view.provisioning_state, view.power_state) == ("Succeeded", "Running")
    assert (view.outbound_type, view.load_balancer_sku) == ("loadBalancer", "standard")
    written = with_ranges(view=view, resource_id=document["id"], ranges=["20.1.0.0/24"])
    assert written["properties"]["bootstrapProfile"] == {"artifactSource": "Direct"}

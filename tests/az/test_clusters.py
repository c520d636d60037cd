"""What people do with az at a cluster of the sandbox, as they do it at AKS."""

import json
from collections.abc import Callable

import pytest

from sandbox import azure_cli
from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.other import DEFAULT_TENANT
from sandbox.arm.process import ArmProcess
from sandbox.arm.update import writable
from tests.az.command import Az
from tests.integration.things import Cluster
from tests.integration.world import SUBSCRIPTION, World

_OFFICE = "51.140.8.0/24"
_SHOWN = "apiServerAccessProfile.authorizedIpRanges"


def named(cluster: Cluster) -> dict[str, str]:
    """GROUP and CLUSTER, for scripts."""
    parts = cluster.id.split("/")
    return {"GROUP": parts[4], "CLUSTER": parts[8]}


def ranges(az: Az, cluster: Cluster) -> list[str]:
    """The list as az shows it."""
    script = f'az aks show -g "$GROUP" -n "$CLUSTER" -o tsv --query {_SHOWN}'
    return az.shell(script, **named(cluster)).split()


def by_az(cluster: Cluster, method: str) -> list[JournalEntry]:
    """The requests of az to the cluster itself."""
    return [
        entry
        for entry in cluster.journal()
        if entry.area is Area.ARM
        and entry.client_id == azure_cli.CLIENT_ID
        and entry.method == method
        and entry.path.lower() == cluster.key
    ]


def test_who_is_logged_in(az: Az, world: World) -> None:
    account = json.loads(az.shell("az account show"))
    assert account["user"] == {"name": azure_cli.CLIENT_ID, "type": "servicePrincipal"}
    assert (account["id"], account["tenantId"]) == (SUBSCRIPTION, DEFAULT_TENANT)
    assert account["environmentName"] == azure_cli.CLOUD


def test_a_wrong_secret(az: Az, world: World, login: Callable[[ArmProcess], Az]) -> None:
    other = "0a0a0a0a-0000-4000-8000-00000000bad1"
    world.arm.register_client(other, tenant_id=DEFAULT_TENANT, secret="right")
    stranger = login(world.station.arm)
    line = azure_cli.login(world.station.arm, client_id=other, secret="wrong")[-1]
    assert "AADSTS7000215" in stranger.refused(line)
    assert json.loads(az.shell("az account show"))["user"]["name"] == azure_cli.CLIENT_ID


def test_lists_come_without_ranges(az: Az, world: World) -> None:
    """Of a subscription or a group; see Azure/AKS#5224 for what they leave out."""
    one, two = world.cluster([_OFFICE]), world.cluster([_OFFICE])
    everywhere = json.loads(az.shell("az aks list"))
    assert {named(one)["CLUSTER"], named(two)["CLUSTER"]} <= {each["name"] for each in everywhere}
    [alone] = json.loads(az.shell('az aks list -g "$GROUP"', **named(two)))
    assert alone["name"] == named(two)["CLUSTER"]
    assert alone["apiServerAccessProfile"] is None
    assert ranges(az, two) == [_OFFICE]


def test_what_else_there_is(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE])
    scope = cluster.id.partition("/providers/")[0]
    address = f"{scope}/providers/Microsoft.Network/publicIPAddresses/out"
    world.arm.put_public_ip(address, address="20.73.44.5")
    group, where = named(cluster)["GROUP"], named(cluster)
    assert group in az.shell("az group list --query [].name -o tsv").split()
    found = json.loads(az.shell('az resource list -g "$GROUP"', **where))
    assert [each["id"].lower() for each in found] == [cluster.key, address.lower()]
    kind = "Microsoft.Network/publicIPAddresses"
    only = f"az resource list -g {group} --resource-type {kind} --query [].name -o tsv"
    assert az.shell(only).split() == ["out"]
    shown = az.shell(f"az resource show --ids {cluster.id} --query properties.fqdn -o tsv")
    assert shown.strip() == cluster.view().body["properties"]["fqdn"]
    said = az.shell(f"az network public-ip show --ids {address} --query ipAddress -o tsv")
    assert said.strip() == "20.73.44.5"


def test_an_update_replaces_the_list_and_nothing_else(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE])
    before = cluster.view().body
    script = (
        'az aks update -g "$GROUP" -n "$CLUSTER" -o tsv '
        f"--api-server-authorized-ip-ranges 20.82.10.7,{_OFFICE} --query {_SHOWN}"
    )
    assert az.shell(script, **named(cluster)).split() == ["20.82.10.7/32", _OFFICE]
    profile = before["properties"]["apiServerAccessProfile"]
    profile["authorizedIPRanges"] = ["20.82.10.7/32", _OFFICE]
    assert writable(cluster.view().body) == writable(before)
    [put] = by_az(cluster, "PUT")
    assert (put.query["api-version"], "if-match" in put.headers) == ("2026-06-01", False)


def test_an_empty_list_opens_the_cluster(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE])
    script = 'az aks update -g "$GROUP" -n "$CLUSTER" -o none --api-server-authorized-ip-ranges ""'
    az.shell(script, **named(cluster))
    assert cluster.ranges is None
    assert by_az(cluster, "PUT")[-1].flags == ["unrestricted"]
    assert ranges(az, cluster) == []


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("10.1.0.0/16", "must be global non-reserved addresses or CIDRs"),
        ("AzureCloud", "should be a list of IPv4 addresses or CIDRs"),
        ("0.0.0.0/32", "is not allowed with other IP ranges"),
    ],
)
def test_a_list_with_an_entry_that_is_refused(az: Az, world: World, sent: str, said: str) -> None:
    """So a list that somebody else gave such an entry cannot be written back by az."""
    cluster = world.cluster([_OFFICE])
    script = (
        'az aks update -g "$GROUP" -n "$CLUSTER" -o none '
        f"--api-server-authorized-ip-ranges {_OFFICE},{sent}"
    )
    assert said in az.refused(script, **named(cluster))
    assert cluster.ranges == [_OFFICE]


def test_an_operation_that_runs(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE], operation_seconds=600.0)
    cluster.edit(add=["20.82.10.7"], instant=False)
    script = (
        'az aks update -g "$GROUP" -n "$CLUSTER" -o none --api-server-authorized-ip-ranges 1.1.1.1'
    )
    assert "OperationNotAllowed" in az.refused(script, **named(cluster))
    assert cluster.ranges == [_OFFICE, "20.82.10.7/32"]


def test_nobody_there(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE])
    group = named(cluster)["GROUP"]
    assert "ResourceNotFound" in az.refused(f"az aks show -g {group} -n nobody")
    assert "ResourceGroupNotFound" in az.refused("az aks show -g rg-nobody -n nobody")


def test_no_ids(az: Az, world: World) -> None:
    """Other commands of az take `--ids`; those of AKS want group and name."""
    cluster = world.cluster([_OFFICE])
    assert "the following arguments are required" in az.refused(f"az aks show --ids {cluster.id}")

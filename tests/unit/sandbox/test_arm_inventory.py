"""Lists of groups, resources and providers, as the real az asks for them."""

import pytest

from tests.unit.sandbox.arm_kit import CLUSTER, GROUP, SUBSCRIPTION, Kit, code

SCOPE = f"/subscriptions/{SUBSCRIPTION}"
ADDRESS = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/out"
ELSEWHERE = CLUSTER.replace(SUBSCRIPTION, "33333333-3333-3333-3333-333333333333")


@pytest.fixture
def kit() -> Kit:
    kit = Kit()
    kit.control.create_cluster(ELSEWHERE)
    kit.control.create_cluster(CLUSTER.replace("/rg/", "/rg-two/"))
    kit.control.put_public_ip(ADDRESS, address="20.73.44.5")
    return kit


def listed(kit: Kit, path: str, **query: str) -> list[str]:
    answer = kit.call(path=path, query={"api-version": "2024-11-01", **query})
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.body["value"]]


def test_groups_of_a_subscription(kit: Kit) -> None:
    assert listed(kit, f"{SCOPE}/resourcegroups") == [GROUP, f"{GROUP}-two"]


@pytest.mark.parametrize(
    ("path", "filtered", "found"),
    [
        (SCOPE, "", [CLUSTER, CLUSTER.replace("/rg/", "/rg-two/"), ADDRESS]),
        (GROUP, "", [CLUSTER, ADDRESS]),
        (SCOPE, "resourceGroup eq 'RG'", [CLUSTER, ADDRESS]),
        (GROUP, "resourceType eq 'Microsoft.Network/publicIPAddresses'", [ADDRESS]),
        (SCOPE, "name eq 'out' and resourceGroup eq 'rg-two'", []),
    ],
)
def test_resources(kit: Kit, path: str, filtered: str, found: list[str]) -> None:
    assert listed(kit, f"{path}/resources", **{"$filter": filtered}) == found


def test_resources_come_without_properties(kit: Kit) -> None:
    [cluster, *_] = kit.call(path=f"{GROUP}/resources").body["value"]
    assert cluster["type"] == "Microsoft.ContainerService/managedClusters"
    assert "properties" not in cluster


def test_providers_say_which_versions_they_know(kit: Kit) -> None:
    kit.control.set_world(api_versions=["2025-10-01", "2026-06-01"])
    aks = kit.call(path=f"{SCOPE}/providers/microsoft.containerservice").body
    assert aks["resourceTypes"][0]["resourceType"] == "managedClusters"
    assert aks["resourceTypes"][0]["apiVersions"] == ["2026-06-01", "2025-10-01"]
    names = [each["namespace"] for each in kit.call(path=f"{SCOPE}/providers").body["value"]]
    assert names == ["Microsoft.ContainerService", "Microsoft.Network"]
    assert code(kit.call(path=f"{SCOPE}/providers/Nobody.Knows")) == "InvalidResourceNamespace"

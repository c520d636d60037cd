"""Targets for clusters as they are: names, and what the API makes of each manifest."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.parse import Invalid, parse_target
from aks_access.cli.azure.adopting import LONGEST_NAME, Found, manifest, names
from aks_access.plan.cluster import ClusterView
from aks_access.plan.listing import canonical

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


def resource_id(name: str = "c1", *, group: str = "rg", subscription: str = SUBSCRIPTION) -> str:
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}"
    )


def found(ranges: tuple[str, ...] | None, *, egress: tuple[str, ...] = (), **facts: Any) -> Found:
    view = ClusterView(
        resource_id=resource_id(),
        resource_uid=None,
        etag=None,
        provisioning_state="Succeeded",
        power_state="Running",
        ranges=ranges,
        **facts,
    )
    return Found(view=view, egress=egress)


def made(known: Found, *namespaces: str) -> tuple[str, dict[str, Any]]:
    text = "\n".join(manifest(known, name="c1", namespaces=namespaces, now=NOW))
    raw = yaml.safe_load(text)
    assert not isinstance(parse_target(raw), Invalid), text
    return text, raw


def test_a_cluster_is_called_as_it_is() -> None:
    ids = [resource_id("prod-weu"), resource_id("Dev_WEU", group="other")]
    assert list(names(ids, taken=()).values()) == ["prod-weu", "dev-weu"]


def test_clusters_of_the_same_name_have_their_group_beside_it() -> None:
    ids = [resource_id("c1", group="a"), resource_id("c1", group="b"), resource_id("c2")]
    assert list(names(ids, taken=()).values()) == ["c1-a", "c1-b", "c2"]
    assert list(names(ids[:1], taken={"c1"}).values()) == ["c1-a"]
    other = resource_id("c1", group="a", subscription=SUBSCRIPTION.replace("1", "9"))
    both = list(names([ids[0], other], taken=()).values())
    assert len({*both}) == 2
    assert all(each.startswith("c1-") for each in both)


_NAMES = st.from_regex(r"\A[a-zA-Z0-9](?:[-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\Z")


@given(st.lists(st.tuples(_NAMES, _NAMES), min_size=1, max_size=12, unique=True), st.data())
def test_every_name_is_one_that_an_object_may_have_and_no_other_has(
    clusters: list[tuple[str, str]], data: st.DataObject
) -> None:
    ids = list(dict.fromkeys(resource_id(name, group=group).lower() for name, group in clusters))
    plain = [name.lower().replace("_", "-") for name, _ in clusters]
    taken = data.draw(st.lists(st.sampled_from(plain), unique=True))
    called = names(ids, taken=taken)
    assert list(called) == ids
    assert len({*called.values()}) == len(ids)
    assert not {*taken} & {*called.values()}
    for name in called.values():
        assert len(name) <= LONGEST_NAME
        assert name == name.strip("-")
        assert name.replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("AzureCloud", "a service tag"),
        ("AzureCloud.westeurope", "a service tag"),
        ("0.0.0.0/32", "nobody"),
        ("10.0.0.0/8", "private, RFC 1918"),
        ("fe80::1/64", "IPv6"),
        ("16.0.0.0/4", "wider than /8"),
        ("20.0.0.1/24", "host bits"),
    ],
)
def test_what_a_baseline_cannot_have_is_a_comment(entry: str, said: str) -> None:
    text, raw = made(found((entry, "51.140.8.0/24")))
    assert raw["spec"]["baseline"]["ipRanges"] == ["51.140.8.0/24"]
    [line] = [line for line in text.splitlines() if line.startswith(f"    # {entry}")]
    assert said in line


def test_nodes_stay_in() -> None:
    text, raw = made(found(("20.1.1.1", "51.140.8.0/24"), egress=("20.1.1.1/32",)))
    assert "nodeEgress" not in raw["spec"]
    assert "- 20.1.1.1/32 # node egress, which Azure lets in by itself" in text
    behind: dict[str, Any] = {"outbound_type": "userDefinedRouting"}
    text, raw = made(found(("20.1.1.1",), **behind))
    assert "nodeEgress" not in raw["spec"]
    assert "name the public addresses" in text
    _, raw = made(found((), egress=("20.1.1.1/32",), **behind))
    assert raw["spec"]["nodeEgress"] == {"mode": "Static", "ipRanges": ["20.1.1.1/32"]}
    _, raw = made(found(("20.1.1.1",), vnet_integration=True, **behind))
    assert "nodeEgress" not in raw["spec"]


def test_labels_are_those_that_a_label_may_be() -> None:
    body = {"location": "westeurope", "tags": {"Environment": "prod & more"}}
    _, raw = made(found(None, body=body))
    assert raw["metadata"]["labels"] == {"location": "westeurope", "resource-group": "rg"}
    body["tags"] = {"ENV": "prod"}
    _, raw = made(found(None, body=body), "team-a", "team-b")
    assert raw["metadata"]["labels"]["environment"] == "prod"
    [term] = raw["spec"]["policy"]["allowedNamespaces"]["selector"]["matchExpressions"]
    assert term["values"] == ["team-a", "team-b"]


def test_clusters_without_a_list_to_keep() -> None:
    assert found(None, private=True).unsupported.endswith("or Bastion.")
    basic = found(None, load_balancer_sku="basic").unsupported
    assert basic == "Basic load balancer: ranges do not apply. Move the cluster to a Standard one."
    text, raw = made(found(None))
    assert "nothing to protect yet" in text
    assert set(raw["spec"]) == {"resourceId", "mode", "policy"}


@given(
    st.lists(
        st.one_of(
            st.ip_addresses(v=4).map(str),
            st.from_regex(r"\A[0-9.]{1,15}/[0-9]{1,2}\Z"),
            st.text(max_size=30),
        ),
        max_size=8,
    )
)
def test_whatever_stands_in_azure_the_manifest_is_one_that_the_api_takes(
    ranges: list[str],
) -> None:
    _, raw = made(found(tuple(ranges) or None))
    kept = (raw["spec"].get("baseline") or {}).get("ipRanges", [])
    assert {*kept} <= {canonical(each) for each in ranges}

"""Conditions of a write: eTags, what changes them, and what a write without one may do."""

import pytest

from tests.unit.sandbox.arm_kit import CLUSTER, Kit, code


@pytest.mark.parametrize("quoted", [True, False])
def test_if_match(kit: Kit, quoted: bool) -> None:
    etag = kit.get()["eTag"]
    value = f'"{etag}"' if quoted else etag
    assert kit.put(["20.2.0.0/16"], headers={"if-match": value}).status == 200
    kit.clock.advance(3)
    answer = kit.put(["20.3.0.0/16"], headers={"if-match": value})
    assert (answer.status, code(answer)) == (412, "PreConditionFailed")
    assert kit.listed() == ["20.2.0.0/16"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": "*"}, 200),
        ({"if-match": ""}, 200),
        ({"if-none-match": "*"}, 412),
        ({"if-none-match": ""}, 200),
        ({"if-none-match": '"some"'}, 400),
        ({"if-match": "*", "if-none-match": "*"}, 400),
    ],
)
def test_conditions(kit: Kit, headers: dict[str, str], status: int) -> None:
    assert kit.put(["20.2.0.0/16"], headers=headers).status == status


@pytest.mark.parametrize("value", ["*", '"some"'])
def test_if_match_never_creates(kit: Kit, value: str) -> None:
    body = kit.get()
    kit.control.delete_cluster(CLUSTER)
    answer = kit.put(["20.2.0.0/16"], body=body, headers={"if-match": value})
    assert (answer.status, code(answer)) == (412, "PreConditionFailed")
    assert kit.control.clusters() == []


def test_put_without_condition_creates(kit: Kit) -> None:
    body = kit.get()
    kit.control.delete_cluster(CLUSTER)
    answer = kit.put(["20.2.0.0/16"], body=body)
    assert answer.status == 201
    assert answer.body["properties"]["provisioningState"] == "Creating"
    assert kit.control.journal()[-1].flags == ["created"]
    kit.clock.advance(3)
    made = kit.get()
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["resourceUID"] != body["properties"]["resourceUID"]


def test_every_cluster_change_changes_every_etag(kit: Kit) -> None:
    def etags() -> list[str]:
        body = kit.get()
        return [body["eTag"], *(p["eTag"] for p in body["properties"]["agentPoolProfiles"])]

    seen = [etags()]
    kit.put(["20.2.0.0/16"])
    seen.append(etags())
    kit.clock.advance(3)
    seen.append(etags())
    kit.control.edit_ranges(CLUSTER, add=["20.8.0.0/16"])
    seen.append(etags())
    assert len({etag for group in seen for etag in group}) == 4 * 4
    assert etags() == seen[-1]


def test_pool_operation_leaves_the_clusters_etag(kit: Kit) -> None:
    before = kit.get()
    kit.control.edit_pool(CLUSTER, pool="user1", values={"count": 7})
    after = kit.get()
    assert after["eTag"] == before["eTag"]
    old, new = (b["properties"]["agentPoolProfiles"][1] for b in (before, after))
    assert (old["count"], new["count"]) == (1 + 1, 7)
    assert old["eTag"] != new["eTag"]
    stale = kit.put(["20.2.0.0/16"], body=before, headers={"if-match": before["eTag"]})
    assert stale.status == 200
    assert kit.control.damage()[0].damage == [
        "properties.agentPoolProfiles[user1].count: changed 7 -> 2"
    ]


def test_withheld_etags(kit: Kit) -> None:
    kit.control.set_options(CLUSTER, withhold_etag=True)
    body = kit.get()
    assert "eTag" not in body
    assert all("eTag" not in pool for pool in body["properties"]["agentPoolProfiles"])
    kit.control.set_options(CLUSTER, withhold_etag=False)
    assert "eTag" in kit.get()
    assert "eTag" not in kit.call(query={"api-version": "2024-05-01"}).body

"""The naive reference itself: that it says what the design says, rule by rule."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.reference import Case, cause, expected, verdicts

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LAPTOP = "81.2.69.142/32"
FOREIGN = "198.41.0.4/32"
OFFICE = "51.140.0.0/24"


def target(*, policy: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    rules = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True, **(policy or {})}
    body = {"mode": "Merge", "baseline": {"ipRanges": [OFFICE]}, "policy": rules, **spec}
    meta = {"name": "weu", "uid": "t", "labels": {"tier": "dev"}}
    return {"metadata": meta, "spec": {k: v for k, v in body.items() if v is not None}}


def grant(uid: str = "g", *ranges: str, **spec: Any) -> dict[str, Any]:
    meta = {
        "name": uid,
        "namespace": "team-a",
        "uid": uid,
        "generation": 1,
        "creationTimestamp": f"2026-11-22T09:00:0{len(uid)}Z",
    }
    body = {"targetRef": {"name": "weu"}, "ipRanges": list(ranges or ("81.2.69.142",)), **spec}
    return {"metadata": meta, "spec": {k: v for k, v in body.items() if v is not None}}


def case(*grants: dict[str, Any], on: dict[str, Any] | None = None, **facts: Any) -> Case:
    facts.setdefault("foreign", {FOREIGN})
    facts.setdefault("live", [FOREIGN])
    return Case(now=NOW, target=on or target(), grants=grants, **facts)


def test_a_live_grant_the_baseline_and_foreign_entries_stand() -> None:
    assert expected(case(grant())) == {LAPTOP, OFFICE, FOREIGN}
    assert cause(case(grant()), LAPTOP) == "team-a/g"


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        ({"expiresAt": "2026-11-22T10:00:00Z"}, {}),
        ({"notBefore": "2026-11-22T10:00:01Z"}, {}),
        ({"revoked": True}, {}),
        ({}, {"allowPermanent": False}),
        ({"expiresAt": "2026-11-22T19:00:00Z"}, {"maxDuration": "8h59m"}),
        ({"duration": "9h"}, {"maxDuration": "8h"}),
        ({}, {"deniedRanges": ["81.2.69.128/25"]}),
        ({}, {"allowedRanges": ["81.2.70.0/24"]}),
        ({"ipRanges": ["81.2.68.0/23"]}, {}),
        ({"ipRanges": ["81.2.69.0/24"]}, {"minPrefixLength": 28}),
        ({"ipRanges": ["81.2.0.0/15"]}, {"minPrefixLength": 8}),
        ({"ipRanges": ["10.0.0.1"]}, {}),
        ({"ipRanges": ["81.2.69.142/24"]}, {}),
        ({"reason": "  "}, {"requireReason": True}),
        ({}, {"requireTicket": True}),
        ({}, {"requireRequestedBy": True}),
        ({}, {"allowedNamespaces": {"from": "Selector", "selector": {}}}),
        ({"rangeSetRefs": [{"name": "nowhere"}]}, {}),
        ({"expiresAt": "2026-11-23T10:00:00Z", "duration": "1h"}, {}),
        ({"targetRef": None, "targetSelector": {"matchLabels": {"tier": "prod"}}}, {}),
    ],
)
def test_a_grant_without_access_leaves_no_entry(
    spec: dict[str, Any], policy: dict[str, Any]
) -> None:
    assert expected(case(grant(**spec), on=target(policy=policy))) == {OFFICE, FOREIGN}
    assert cause(case(grant(**spec), on=target(policy=policy)), LAPTOP) == ""


def test_i10_a_start_of_the_past_does_not_begin_a_period_anew() -> None:
    on = target(policy={"maxDuration": "4h"})
    item = grant(notBefore="2026-11-22T09:59:00Z", expiresAt="2026-11-22T13:00:00Z")
    assert verdicts(case(item, on=on)) == {"g": ""}
    item["status"] = {"periodStart": "2026-11-22T08:00:00Z"}
    assert verdicts(case(item, on=on)) == {"g": "it lasts longer than 4h"}
    item["status"]["closedAt"] = "2026-11-22T08:30:00Z"
    assert verdicts(case(item, on=on)) == {"g": ""}


def test_quotas_keep_who_is_inside_and_then_the_oldest() -> None:
    older, newer = grant("a", "81.2.69.1"), grant("bb", "81.2.69.2")
    on = target(policy={"maxGrantsPerNamespace": 1})
    assert expected(case(older, newer, on=on)) == {OFFICE, FOREIGN, "81.2.69.1/32"}
    assert verdicts(case(older, newer, on=on, inside={"bb"})) == {
        "a": "too many grants of its namespace",
        "bb": "",
    }
    on = target(policy={"maxEntriesPerNamespace": 1})
    assert expected(case(older, newer, on=on)) == {OFFICE, FOREIGN, "81.2.69.1/32"}


def test_a_full_list_keeps_the_whole_grant_out() -> None:
    crowd = {f"198.41.{n // 250}.{n % 250}/32" for n in range(198)}
    two = grant("g", "81.2.69.1", "81.2.69.2")
    assert expected(case(two, foreign=crowd)) == crowd | {OFFICE}


def test_i8_what_grew_beyond_a_full_list_keeps_what_stands() -> None:
    crowd = {f"198.41.{n // 250}.{n % 250}/32" for n in range(198)}
    two = grant("g", "81.2.69.1", "81.2.69.2")
    grown = case(two, foreign=crowd, holds={"g": {"81.2.69.1/32", "9.9.9.9/32"}})
    assert verdicts(grown) == {"g": "the list is full"}
    assert expected(grown) == crowd | {OFFICE, "81.2.69.1/32"}


def test_an_open_cluster_is_left_open_without_opt_in() -> None:
    facts: dict[str, Any] = {"live": None, "foreign": set()}
    assert expected(case(grant(), **facts)) is None
    assert expected(case(grant(), on=target(restrictUnrestricted=True), **facts)) == {
        OFFICE,
        LAPTOP,
    }


def test_modes_decide_what_becomes_of_foreign_entries() -> None:
    assert expected(case(grant(), on=target(mode="Exclusive"))) == {OFFICE, LAPTOP}
    assert expected(case(grant(), on=target(mode="Observe"))) == {FOREIGN}
    assert expected(case(grant(), on=target(suspend=True))) == {FOREIGN}


def test_nothing_left_is_the_sentinel_where_it_cuts_nobody_off() -> None:
    bare = target(baseline=None)
    assert expected(case(on=bare, foreign=set())) == {"0.0.0.0/32"}
    facts: dict[str, Any] = {"foreign": set(), "outbound": "userDefinedRouting"}
    assert expected(case(grant(), on=bare, **facts)) is None


def test_a_tracked_duration_counts_from_its_recorded_activation() -> None:
    counted = grant(duration="1h")
    counted["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "apps"}
    assert LAPTOP in (expected(case(counted)) or ())
    begun = {"name:team-a/g": datetime(2026, 11, 22, 9, 0, tzinfo=UTC)}
    assert expected(case(counted, activations=begun)) == {OFFICE, FOREIGN}

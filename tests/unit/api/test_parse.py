"""`parse`: every field wrong in turn, and JSON of every kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.grant import ApiAccessGrant, GrantSpec
from aks_access.api.names import Kind
from aks_access.api.parse import Invalid, parse, parse_grant, parse_target
from aks_access.api.ranges import IPv4Range
from tests.unit.api import specs
from tests.unit.api.bad_specs import BAD
from tests.unit.api.specs import GOOD
from tests.unit.api.wrong import Bad


@pytest.mark.parametrize(
    ("kind", "spec"), [pytest.param(kind, spec, id=name) for name, kind, spec in GOOD]
)
def test_good_specs_parse_and_come_back_the_same(kind: Kind, spec: dict[str, Any]) -> None:
    found = parse(kind, specs.manifest(kind, "x", spec))
    assert not isinstance(found, Invalid), found
    again = parse(kind, {"metadata": {"name": "x"}, "spec": found.spec.to_json()})
    assert not isinstance(again, Invalid), again
    assert again.spec == found.spec


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD])
def test_bad_specs_name_field_and_way_out(bad: Bad) -> None:
    found = parse(bad.kind, specs.manifest(bad.kind, "x", bad.spec))
    assert isinstance(found, Invalid), "parsed"
    problems = {problem.path: problem.message for problem in found.problems}
    assert list(problems) == [bad.path]
    assert bad.says in problems[bad.path]


def test_all_problems_are_reported_at_once() -> None:
    spec = {"ipRanges": ["10.0.0.1", "20.50.1.7", "x"], "expiresAt": "soon"}
    found = parse_grant(specs.manifest(Kind.GRANT, "x", spec))
    assert isinstance(found, Invalid)
    assert [p.path for p in found.problems] == [
        "spec.ipRanges[0]",
        "spec.ipRanges[2]",
        "spec.expiresAt",
    ]


def test_all_broken_rules_are_reported_at_once() -> None:
    spec = {"expiresAt": "2026-11-22T18:00:00Z", "duration": "4h"}
    found = parse_grant(specs.manifest(Kind.GRANT, "x", spec))
    assert isinstance(found, Invalid)
    assert [p.path for p in found.problems] == [
        "spec.targetRef",
        "spec.ipRanges",
        "spec.duration",
    ]


def test_a_grant_reads_into_values() -> None:
    found = parse_grant(specs.manifest(Kind.GRANT, "laptop", specs.FULL_GRANT))
    assert isinstance(found, ApiAccessGrant)
    spec = found.spec
    assert spec.ip_ranges == (
        IPv4Range.parse("20.50.0.0/16"),
        IPv4Range.parse("81.2.69.142/32"),
        IPv4Range.parse("81.2.69.142/32"),
    )
    assert spec.not_before == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert spec.duration == timedelta(hours=4, minutes=30)
    assert spec.retain_after_expiry == timedelta(hours=72)
    assert spec.target_selector is not None
    assert spec.target_selector.match_labels == {"environment": "dev"}
    assert found.metadata.key == "default/laptop"


def test_unknown_fields_are_ignored() -> None:
    raw = specs.manifest(Kind.GRANT, "x", specs.GRANT | {"ipv6Ranges": ["2001:db8::/32"]})
    raw["status"] = {"later": {"a": 1}, "summary": {"state": "Active", "colour": "green"}}
    found = parse_grant(raw)
    assert isinstance(found, ApiAccessGrant)
    assert found.status is not None
    assert found.status.summary is not None
    assert found.status.summary.state == "Active"


def test_an_invalid_object_keeps_metadata_and_status() -> None:
    raw = specs.manifest(Kind.TARGET, "prod", {"mode": "Merge"})
    raw["metadata"] |= {
        "uid": "u-1",
        "resourceVersion": "7",
        "generation": 3,
        "finalizers": ["aksaccess.dev/release-cluster"],
        "deletionTimestamp": "2026-11-22T18:00:00Z",
        "annotations": {"a": "b", "c": 4},
    }
    raw["status"] = {"ledgerSequence": 42}
    found = parse_target(raw)
    assert isinstance(found, Invalid)
    meta = found.metadata
    assert (meta.uid, meta.resource_version, meta.generation) == ("u-1", "7", 3)
    assert meta.finalizers == ("aksaccess.dev/release-cluster",)
    assert meta.deletion_timestamp == datetime(2026, 11, 22, 18, tzinfo=UTC)
    assert meta.annotations == {"a": "b"}
    assert found.status is not None
    assert getattr(found.status, "ledger_sequence", None) == 42


def test_a_status_loses_only_what_it_cannot_read() -> None:
    raw = specs.manifest(Kind.TARGET, "prod", specs.TARGET)
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "InSync",
        "message": "",
        "lastTransitionTime": "2026-11-22T18:00:00Z",
    }
    raw["status"] = {
        "observedGeneration": "three",
        "conditions": [condition, condition | {"status": "Maybe"}, None],
        "ledgerSequence": 7,
        "entries": [{"range": "AzureCloud", "origin": "New"}, {"origin": "Grant"}, 3],
        "cluster": {"private": "yes", "fqdn": "a.example"},
        "history": "none",
    }
    found = parse_target(raw)
    assert not isinstance(found, Invalid)
    status = found.status
    assert status is not None
    assert status.observed_generation is None
    assert [c.reason for c in status.conditions] == ["InSync"]
    assert status.ledger_sequence == 7
    assert [entry.range for entry in status.entries] == ["AzureCloud"]
    assert status.cluster is not None
    assert status.cluster.private is None
    assert status.cluster.fqdn == "a.example"
    assert status.history == ()


def test_models_built_in_code_obey_the_rules_too() -> None:
    with pytest.raises(ValueError, match="exactly one is needed"):
        GrantSpec(ip_ranges=(IPv4Range.parse("20.50.1.7"),))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["20.50.1.0/24", "4h", "2026-11-22T18:00:00Z", "All", "Merge"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _fields(*specimens: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the right keys and, here and there, junk in place of the right value."""
    keys = {key: value for specimen in specimens for key, value in specimen.items()}
    return st.fixed_dictionaries(
        {}, optional={key: st.just(value) | _JSON for key, value in keys.items()}
    )


_OBJECT = st.fixed_dictionaries(
    {},
    optional={
        "metadata": _fields(
            {"name": "x", "uid": "u", "labels": {}, "annotations": {"a": "b"}, "generation": 1},
            {"finalizers": ["a"], "deletionTimestamp": "2026-11-22T18:00:00Z"},
        )
        | _JSON,
        "spec": _fields(specs.FULL_GRANT, specs.FULL_TARGET, specs.RANGE_SET, specs.AZURE_SET)
        | _JSON,
        "status": _fields(
            {"conditions": [], "targets": [], "ledgerSequence": 1, "entries": []},
            {"summary": {}, "cluster": {}, "plan": {}, "resolvedRanges": ["20.50.1.7"]},
        )
        | _JSON,
    },
)


@given(kind=st.sampled_from(Kind), raw=_OBJECT | _JSON)
def test_no_json_makes_parse_raise(kind: Kind, raw: object) -> None:
    found = parse(kind, raw)
    if isinstance(found, Invalid):
        assert found.problems
        assert all(problem.path and problem.message for problem in found.problems)
        assert all(str(problem).isprintable() for problem in found.problems)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("field", ["metadata", "spec", "status"])
def test_deep_and_huge_values_do_not_raise(kind: Kind, field: str) -> None:
    deep: Any = "x"
    for _ in range(20_000):
        deep = [deep]
    number = 10**5000
    for value in (deep, number, "x" * 1_000_000, "\ud800", float("nan"), float("inf")):
        assert parse(kind, {field: value}) is not None
        junk = dict.fromkeys(
            ("name", "labels", "ipRanges", "targetRef", "policy", "conditions", "duration"), value
        )
        assert parse(kind, {field: junk}) is not None
        assert parse(kind, {field: {"ipRanges": [value], "conditions": [value]}}) is not None

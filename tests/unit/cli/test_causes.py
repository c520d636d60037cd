"""Why a grant is not what lets an address in: the operator's word, or what it will say."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from aks_access.api.ranges import IPv4Range
from aks_access.cli.reports.causes import Answer, Cause, Verdicts, asking, causes
from aks_access.cli.reports.facts import Facts
from aks_access.cli.reports.glimpse import Glimpse
from aks_access.cli.reports.seen import SeenGrant, SeenTarget
from aks_access.cli.reports.unreported import NOT_SEEN
from aks_access.plan.model import Namespace, RangeSet
from tests.unit.cli import scene
from tests.unit.cli.desk import Desk, execute_at
from tests.unit.cli.test_seen import target
from tests.unit.cli.transcript import NOW
from tests.unit.plan.build import range_set

BLOCKED = Answer(Verdicts.BLOCKED)
NAMESPACES = {"team-a": Namespace(uid="n", name="team-a")}


def raw(name: str) -> dict[str, Any]:
    return copy.deepcopy(
        next(
            each
            for each in scene.objects()
            if each["kind"] == "ApiAccessGrant" and each["metadata"]["name"] == name
        )
    )


def told(
    grant: Mapping[str, Any],
    *,
    wanted: str,
    on: dict[str, Any] | None = None,
    found: Answer = BLOCKED,
    sets: Mapping[str, RangeSet] | None = None,
    namespaces: Mapping[str, Namespace] | None = NAMESPACES,
) -> list[Cause]:
    asked = IPv4Range.parse(wanted)
    facts = Facts(sets=sets or {}, namespaces=lambda: namespaces, now=NOW)
    return causes(
        SeenTarget(on or target("prod-weu")),
        wanted=asked,
        grants=[
            SeenGrant(each.raw)
            for each in asking([Glimpse.of(grant)], wanted=asked, sets=facts.sets)
        ],
        facts=facts,
        found=found,
    )


@pytest.mark.parametrize(
    ("name", "wanted"), [("office", "81.2.70.9"), ("home", "20.50.1.7"), ("tonight", "81.2.69.200")]
)
def test_a_report_is_passed_on_as_it_is(name: str, wanted: str) -> None:
    grant = raw(name)
    state = grant["status"]["targets"][0]
    assert told(grant, wanted=wanted) == [
        Cause(f"team-a/{name}", state["reason"], state["message"])
    ]


def test_an_edit_that_was_not_seen_is_judged_as_the_operator_will() -> None:
    grant = raw("office")
    expected = grant["status"]["targets"][0]["message"]
    grant["metadata"]["generation"] += 1
    (cause,) = told(grant, wanted="81.2.70.9")
    assert cause.reason == NOT_SEEN
    assert cause.message == f"The operator has not reported on it yet. {expected}"


def test_a_target_past_the_twentieth_is_judged_as_the_operator_did() -> None:
    grant = raw("office")
    reported = grant["status"]["targets"].pop()
    assert told(grant, wanted="81.2.70.9") == [], "the operator says that it is not for it"
    grant["status"]["targetsOmitted"] = 1
    (cause,) = told(grant, wanted="81.2.70.9")
    assert (cause.reason, cause.message) == (reported["reason"], reported["message"])


def test_nothing_is_judged_by_what_cannot_be_read() -> None:
    grant = raw("office")
    grant["metadata"]["generation"] += 1
    said = "The operator has not reported on it yet."
    (cause,) = told(grant, wanted="81.2.70.9", namespaces=None)
    assert cause.message == said


def test_a_target_that_judges_no_grant_says_why() -> None:
    grant = raw("office")
    grant["metadata"]["generation"] += 1
    broken = target("prod-weu")
    broken["spec"]["policy"]["maxDuration"] = "1d"
    said = "The operator has not reported on it yet. prod-weu is "
    (cause,) = told(grant, wanted="81.2.70.9", on=broken, namespaces=None)
    assert cause.message.startswith(f"{said}InvalidSpec: spec.policy.maxDuration: 1d is not a")
    second = target("prod-weu")
    ready = second["status"]["conditions"][0]
    ready |= {"reason": "DuplicateTarget", "status": "False", "message": "x holds it. Delete x."}
    (cause,) = told(grant, wanted="81.2.70.9", on=second)
    assert cause.message == f"{said}DuplicateTarget: x holds it. Delete x."
    del grant["status"]["targets"][:]
    grant["status"] |= {"targetsOmitted": 1, "observedGeneration": grant["metadata"]["generation"]}
    (cause,) = told(grant, wanted="81.2.70.9", on=second)
    assert (cause.reason, cause.message) == (
        "TargetBlocked", "prod-weu is DuplicateTarget: x holds it. Delete x.",
    )  # fmt: skip


def test_a_grant_for_another_target_or_address_is_no_cause() -> None:
    assert told(raw("office"), wanted="81.2.71.9") == []
    assert told(raw("try"), wanted="81.2.69.142") == []


def test_what_lets_the_address_in_is_no_cause() -> None:
    grant = raw("dev-laptop")
    allowed = Answer(Verdicts.ALLOWED)
    assert told(grant, wanted="81.2.69.142", found=allowed) == []
    (cause,) = told(grant, wanted="81.2.69.142")
    assert cause.reason == "Active", "the report of the list is older than the grant's: both stand"


def test_grants_that_may_ask_are_found_also_through_range_sets() -> None:
    through = raw("office")
    through["spec"] = {"targetRef": {"name": "prod-weu"}, "rangeSetRefs": [{"name": "office"}]}
    odd = {"metadata": {"namespace": "a", "name": "b"}, "spec": {"ipRanges": [3, "x", None]}}
    sets = {"office": range_set("office", "81.2.70.0/24")}
    every = [through, odd, {"metadata": {}, "spec": None}, raw("dev-laptop")]
    found = asking(map(Glimpse.of, every), wanted=IPv4Range.parse("81.2.70.9"), sets=sets)
    assert [each.raw for each in found] == [through]
    through["metadata"]["generation"] += 1
    (cause,) = told(through, wanted="81.2.70.9", sets=sets)
    assert "81.2.70.0/24 (through a range set) is wider than /28" in cause.message


@pytest.mark.parametrize(
    "spec", [None, 7, "x", [], {}, {"ipRanges": 7}, {"rangeSetRefs": 7}, {"ipRanges": [7, None]}]
)
def test_a_spec_that_is_none_asks_for_nothing(spec: object) -> None:
    raw = {"metadata": {"name": "odd", "namespace": "team-a"}, "spec": spec}
    assert list(asking([Glimpse.of(raw)], wanted=IPv4Range.parse("81.2.69.142"), sets={})) == []
    place = Desk()
    place.hub.add({**raw, "kind": "ApiAccessGrant"}, target("prod-weu"))
    code, _, err = execute_at("aks-access explain 81.2.69.9", desk=place)
    assert (code, err) == (1, "")

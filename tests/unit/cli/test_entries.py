"""Who an entry stands for, also where the report leaves it out."""

import copy
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.ranges import IPv4Range
from aks_access.cli.reports import answers, looking
from aks_access.cli.reports.causes import Verdicts, answer, covering
from aks_access.cli.reports.entries import Holder, holders, incomplete, named, unknown, would_add
from aks_access.cli.reports.glimpse import Glimpse
from aks_access.cli.reports.holding import words
from aks_access.cli.reports.seen import SeenGrant, SeenTarget
from tests.unit.cli import scene
from tests.unit.cli.test_seen import target
from tests.unit.cli.transcript import NOW

ENDS = "2026-11-22T18:00:00Z"


def grant(name: str, *ranges: str, on: str = "prod-weu", **status: Any) -> SeenGrant:
    """One that the operator let in, with another name and other ranges."""
    raw = copy.deepcopy(
        next(each for each in scene.objects() if each["metadata"]["name"] == "dev-laptop")
    )
    raw["metadata"]["name"] = name
    raw["spec"]["ipRanges"] = list(ranges)
    raw["spec"]["targetRef"]["name"] = raw["status"]["targets"][0]["name"] = on
    raw["status"].update(status)
    return SeenGrant(raw)


def listed(*entries: dict[str, Any], omitted: int = 0) -> SeenTarget:
    raw = target("prod-weu")
    raw["status"].update(entries=list(entries), entriesOmitted=omitted)
    return SeenTarget(raw)


def shown(found: list[Holder]) -> list[tuple[str, str]]:
    return [(each.range, each.owner) for each in found]


def by_path(*grants: SeenGrant) -> dict[str, SeenGrant]:
    return {each.path: each for each in grants}


def test_each_owner_of_an_entry_has_a_line_and_an_end_of_its_own() -> None:
    entry = {"range": "81.2.69.142/32", "origin": "Grant", "until": "2026-11-22T20:00:00Z"}
    seen = listed({**entry, "grants": ["team-a/a", "team-a/b"]})
    later = grant("b", "81.2.69.142", expiresAt="2026-11-22T20:00:00Z")
    found = holders(seen, grants=by_path(grant("a", "81.2.69.142"), later), sets={})
    assert [(each.owner, each.until and each.until.hour) for each in found] == [
        ("team-a/a", 18),
        ("team-a/b", 20),
    ]


def test_the_end_of_an_only_owner_who_may_not_be_read_is_the_entrys() -> None:
    entry = {"range": "81.2.69.142/32", "origin": "Grant", "until": ENDS, "grants": ["x/y"]}
    (found,) = holders(listed(entry), grants={}, sets={})
    assert (found.owner, found.until and found.until.hour, found.ends) == ("x/y", 18, "")


@pytest.mark.parametrize(("origin", "owner"), [("", "not said whose"), ("Moon", "moon")])
def test_an_origin_that_is_not_known_is_no_defect(origin: str, owner: str) -> None:
    (found,) = holders(listed({"range": "51.140.0.0/24", "origin": origin}), grants={}, sets={})
    assert found.owner == owner
    assert words(found, now=NOW) == f"{owner}, never expires"


def test_a_baseline_entry_stands_without_the_grant_that_asks_for_it_too() -> None:
    entry = {"range": "51.140.0.0/24", "origin": "Baseline", "grants": ["team-a/a"]}
    found = holders(listed(entry), grants=by_path(grant("a", "51.140.0.0/24")), sets={})
    assert shown(found) == [("51.140.0.0/24", "baseline"), ("51.140.0.0/24", "team-a/a")]


def test_owners_past_the_fifth_are_read_from_the_grants() -> None:
    grants = [grant(name, "81.2.69.142") for name in "abcdefg"]
    entry = {"range": "81.2.69.142/32", "origin": "Grant", "until": ENDS, "grantsOmitted": 2}
    seen = listed({**entry, "grants": [each.path for each in grants[:5]]})
    assert incomplete(seen)
    assert named(seen) == {each.path for each in grants[:5]}
    elsewhere = grant("h", "81.2.69.142", on="prod-neu")
    found = holders(seen, grants=by_path(*grants, elsewhere), sets={})
    assert [each.grant for each in found] == [each.path for each in grants]


def test_entries_past_the_two_hundredth_are_read_from_the_grants_and_the_rest_is_counted() -> None:
    seen = listed({"range": "20.50.1.0/24", "origin": "Foreign"}, omitted=3)
    found = holders(seen, grants=by_path(grant("a", "81.2.69.7"), grant("b", "81.2.69.8")), sets={})
    assert shown(found) == [
        ("20.50.1.0/24", "foreign"),
        ("81.2.69.7/32", "team-a/a"),
        ("81.2.69.8/32", "team-a/b"),
    ]
    assert unknown(seen, found) == 1


def test_a_grant_that_is_not_in_azure_there_adds_no_line() -> None:
    waiting = grant("a", "81.2.69.7")
    waiting.raw["status"]["targets"][0]["inAzure"] = False  # type: ignore[index]
    seen = listed({"range": "20.50.1.0/24", "origin": "Foreign"}, omitted=1)
    assert shown(holders(seen, grants=by_path(waiting), sets={})) == [("20.50.1.0/24", "foreign")]


def test_an_edit_that_is_not_seen_yet_adds_no_line() -> None:
    edited = grant("a", "81.2.69.7")
    edited.raw["metadata"]["generation"] += 1
    seen = listed({"range": "20.50.1.0/24", "origin": "Foreign"}, omitted=1)
    found = holders(seen, grants=by_path(edited), sets={})
    assert (shown(found), unknown(seen, found)) == ([("20.50.1.0/24", "foreign")], 1)


def test_owners_of_an_entry_that_is_not_listed_come_in_one_order() -> None:
    seen = listed(omitted=1)
    grants = [grant(name, "81.2.69.7") for name in "cab"]
    found = holders(seen, grants=by_path(*grants), sets={})
    assert [each.grant for each in found] == ["team-a/a", "team-a/b", "team-a/c"]


def test_explain_counts_the_entries_that_other_grants_tell_as_known() -> None:
    """As `who` does: an address beside them is blocked, and not of unknown fate."""
    seen = listed({"range": "20.50.1.0/24", "origin": "Foreign"}, omitted=2)
    every = [grant("a", "81.2.69.7"), grant("b", "81.2.69.8")]
    grants = {each.path: Glimpse.of(each.raw) for each in every}

    def verdict(grants: dict[str, Glimpse]) -> Verdicts:
        report = answers.report(
            [seen.raw],
            found=looking.Found(grants=grants),
            reached=scene.cluster(),
            wanted=IPv4Range.parse("9.9.9.9"),
            now=NOW,
        )
        (told,) = report.told
        return told.answer.verdict

    assert verdict(grants) is Verdicts.BLOCKED
    grants.popitem()
    assert verdict(grants) is Verdicts.UNKNOWN


def test_an_origin_of_a_newer_operator_is_shown_as_it_is() -> None:
    (found,) = holders(listed({"range": "20.50.1.0/24", "origin": "Leased"}), grants={}, sets={})
    assert found.owner == "leased"


def test_an_observed_target_tells_what_its_grants_would_open() -> None:
    every = [SeenGrant(each) for each in scene.objects() if each["kind"] == "ApiAccessGrant"]
    found = would_add(SeenTarget(target("dev-weu")), grants=every, sets={})
    assert shown(found) == [("51.140.0.0/24", "platform"), ("81.2.69.142/32", "team-a/try")]
    assert would_add(SeenTarget(target("prod-weu")), grants=every, sets={}) == []


networks = st.builds(
    lambda address, prefix: str(ipaddress.ip_network((address, prefix), strict=False)),
    st.integers(min_value=0x51000000, max_value=0x510000FF),
    st.integers(min_value=24, max_value=32),
)


@given(entries=st.lists(networks, max_size=6), wanted=networks)
def test_an_answer_is_that_of_counting_addresses(entries: list[str], wanted: str) -> None:
    asked = {int(each) for each in ipaddress.ip_network(wanted)}
    held = {int(each) for entry in entries for each in ipaddress.ip_network(entry)} & asked
    every = [Holder(range=entry, origin="Foreign", ends="never") for entry in entries]
    found = answer(
        SeenTarget(target("prod-weu")), wanted=IPv4Range.parse(wanted), holders=every, unknown=0
    )
    expected = Verdicts.ALLOWED if held == asked else Verdicts.PARTLY if held else Verdicts.BLOCKED
    assert found.verdict is expected
    if expected is Verdicts.PARTLY:
        assert found.why == f"{len(held)} of its {len(asked)} addresses get in"


def test_a_service_tag_covers_nobody_knows_whom() -> None:
    wanted = IPv4Range.parse("81.2.69.142")
    assert covering(["AzureCloud", "81.2.69.0/24"], wanted=wanted) == (["81.2.69.0/24"], [])
    tag = Holder(range="AzureCloud", origin="Foreign", ends="never")
    found = answer(SeenTarget(target("prod-weu")), wanted=wanted, holders=[tag], unknown=0)
    assert found.verdict is Verdicts.UNKNOWN
    assert "AzureCloud" in found.why


def test_entries_that_are_not_known_leave_a_blocked_address_unknown() -> None:
    wanted = IPv4Range.parse("81.2.69.142")
    found = answer(SeenTarget(target("prod-weu")), wanted=wanted, holders=[], unknown=3)
    assert (found.verdict, "3 more entries" in found.why) == (Verdicts.UNKNOWN, True)


def test_the_sentinel_lets_nobody_in() -> None:
    sentinel = Holder(range="0.0.0.0/32", origin="Sentinel", ends="never")
    wanted = IPv4Range.parse("0.0.0.0/32")
    found = answer(SeenTarget(target("prod-weu")), wanted=wanted, holders=[sentinel], unknown=0)
    assert found.verdict is Verdicts.BLOCKED

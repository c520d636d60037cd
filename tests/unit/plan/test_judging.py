"""What a cluster can take of a grant that breaks no rule: each refusal with what it names."""

import pytest

from aks_access.api.modes import Mode
from aks_access.api.reasons import GrantReason as R
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger, RefusedGrant
from aks_access.plan.model import GrantUid, Problem, Target
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from tests.unit.plan.build import (
    asks,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    range_set,
    ranges,
    target,
)

A = GrantUid("a")
SIX = tuple(f"20.0.0.{n}" for n in range(1, 7))
UDR = {"outbound_type": "userDefinedRouting"}
OPTED_IN = target(restrict_unrestricted=True)
BROKEN = target(
    problems=(Problem("spec.mode", "x", "is unknown"), Problem("spec.b", "y", "is wrong"))
)


def judged(view: ClusterView, *, on: Target | None = None, books: Ledger | None = None) -> Verdict:
    return planned(grant("a", *SIX), view=view, on=on, with_ledger=books or ledger()).verdicts[A]


@pytest.mark.parametrize(
    ("view", "on", "refusal"),
    [
        (
            cluster("30.0.0.0/24", private=True),
            target(),
            Refusal(R.UNSUPPORTED_CLUSTER, Rule.AZURE, value="private cluster"),
        ),
        (
            cluster(is_open=True),
            target(),
            Refusal(R.CLUSTER_UNRESTRICTED, Rule.UNRESTRICTED),
        ),
        (
            cluster(is_open=True, **UDR),
            target(),
            Refusal(R.CLUSTER_UNRESTRICTED, Rule.UNRESTRICTED),
        ),
        (
            cluster(is_open=True),
            OPTED_IN,
            Refusal(R.CLUSTER_UNRESTRICTED, Rule.UNRESTRICTED),
        ),
        (
            cluster(is_open=True, **UDR),
            OPTED_IN,
            Refusal(R.NODE_EGRESS_UNKNOWN, Rule.UNRESTRICTED, value="userDefinedRouting"),
        ),
        (
            cluster("30.0.0.0/24"),
            BROKEN,
            Refusal(
                R.TARGET_BLOCKED, Rule.SPEC, value="InvalidSpec", limit="spec.mode: is unknown"
            ),
        ),
        (
            cluster("0.0.0.0/32", **UDR),
            target(),
            Refusal(R.NOT_REVOCABLE, Rule.NOT_REVOCABLE, value="userDefinedRouting"),
        ),
    ],
)
def test_a_cluster_that_cannot_take_a_grant_says_why(
    view: ClusterView, on: Target, refusal: Refusal
) -> None:
    verdict = judged(view, on=on)
    assert (verdict.state, verdict.refusals) == (AccessState.REFUSED, (refusal,))
    assert verdict.admitted is False


def test_i4_a_range_that_azure_refused_is_told_with_five_ranges_and_azures_words() -> None:
    books = ledger(refused={"a": RefusedGrant(asks=asks(grant("a", *SIX)), message="Bad range.")})
    assert judged(cluster("30.0.0.0/24"), books=books).refusals == (
        Refusal(
            R.RANGE_REFUSED,
            Rule.AZURE,
            "spec.ipRanges",
            "20.0.0.1/32, 20.0.0.2/32, 20.0.0.3/32, 20.0.0.4/32, 20.0.0.5/32 and 1 more",
            "Bad range.",
        ),
    )
    for other in (grant("a", *SIX, generation=2), grant("a", *SIX[:5])):
        edited = ledger(refused={"a": RefusedGrant(asks=asks(other), message="Bad range.")})
        assert judged(cluster("30.0.0.0/24"), books=edited).admitted


@pytest.mark.parametrize(
    ("own", "field"), [((), "spec.rangeSetRefs"), (("20.0.0.3",), "spec.ipRanges")]
)
def test_i4_of_refused_ranges_that_came_through_sets_the_sets_are_named(
    own: tuple[str, ...], field: str
) -> None:
    whole = grant("a", "20.0.0.1", "20.0.0.2", *own)
    plan = planned(
        grant("a", *own, range_sets=("vpn", "office")),
        view=cluster("30.0.0.0/24"),
        sets=[range_set("office", "20.0.0.1"), range_set("vpn", "20.0.0.1", "20.0.0.2")],
        with_ledger=ledger(refused={"a": RefusedGrant(asks=asks(whole), message="Bad range.")}),
    )
    (refusal,) = plan.verdicts[A].refusals
    assert (refusal.reason, refusal.field, refusal.hint) == (R.RANGE_REFUSED, field, "office, vpn")


@pytest.mark.parametrize(
    ("view", "on"),
    [
        (cluster("30.0.0.0/24", **UDR), target()),
        (cluster("40.0.0.1/32", **UDR), target(baseline=ranges("40.0.0.1"))),
        (cluster("0.0.0.0/32"), target()),
        (cluster("0.0.0.0/32", vnet_integration=True, **UDR), target()),
    ],
)
def test_i1_what_else_keeps_the_list_from_being_empty_makes_a_grant_revocable(
    view: ClusterView, on: Target
) -> None:
    assert judged(view, on=on).admitted


def test_i1_a_grant_that_is_in_already_stays_though_it_could_not_be_revoked() -> None:
    names = tuple(f"{text}/32" for text in SIX)
    books = ledger(*(entry(text, "a") for text in SIX))
    assert judged(cluster(*names, **UDR), books=books).admitted
    assert judged(cluster("30.0.0.0/24", *names), on=BROKEN, books=books).admitted


def test_i3_on_a_target_that_broke_a_grant_that_grew_keeps_what_it_has() -> None:
    names = tuple(f"{text}/32" for text in SIX[:4])
    books = ledger(*(entry(text, "a") for text in SIX[:4]))
    found = judged(cluster("30.0.0.0/24", *names), on=BROKEN, books=books)
    assert (found.state, found.keeps) == (AccessState.REFUSED, frozenset(names))
    assert [refusal.reason for refusal in found.refusals] == [R.TARGET_BLOCKED]
    stranger = judged(cluster("30.0.0.0/24"), on=BROKEN)
    assert (stranger.state, stranger.keeps) == (AccessState.REFUSED, frozenset())


def test_i2_in_observe_an_open_cluster_refuses_nobody() -> None:
    assert judged(cluster(is_open=True), on=target(mode=Mode.OBSERVE)).admitted

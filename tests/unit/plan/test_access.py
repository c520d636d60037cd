"""What one grant asks of one target: its period, its ranges, and each rule that it breaks."""

from datetime import datetime, timedelta

import pytest

from aks_access.api.reasons import GrantReason as R
from aks_access.plan.access import (
    NAMESPACE_NAME_LABEL,
    Period,
    ended,
    expand,
    judge,
    matches,
    namespace_allowed,
    over,
    period,
)
from aks_access.plan.model import (
    Grant,
    LabelRequirement,
    Namespace,
    Policy,
    Problem,
    RangeSet,
    Selector,
    activation_key,
)
from aks_access.plan.outcome import AccessState as S
from aks_access.plan.outcome import Refusal, Rule, Verdict
from tests.unit.plan.build import (
    HOUR,
    NOW,
    PERMISSIVE,
    grant,
    labelled,
    range_set,
    ranges,
    target,
)

SECOND = timedelta(seconds=1)
END = NOW + 4 * HOUR
STRICT = Policy(all_namespaces=True)


def judged(
    item: Grant,
    policy: Policy = PERMISSIVE,
    *,
    sets: tuple[RangeSet, ...] = (),
    namespaces: tuple[Namespace, ...] = (),
    activated: datetime | None = None,
) -> Verdict:
    return judge(
        grant=item,
        target=target(policy=policy),
        sets={each.name: each for each in sets},
        namespaces={each.name: each for each in namespaces},
        activations={activation_key(item): activated} if activated else {},
        now=NOW,
    )


@pytest.mark.parametrize(
    ("fields", "starts"),
    [
        ({}, NOW),
        ({"evaluated": (1, NOW - HOUR)}, NOW - HOUR),
        ({"evaluated": (2, NOW - HOUR)}, NOW),
        ({"evaluated": (1, NOW - HOUR), "started": NOW - 2 * HOUR}, NOW - 2 * HOUR),
        ({"started": NOW - 2 * HOUR, "closed": NOW - 2 * HOUR}, NOW),
        ({"started": NOW - 2 * HOUR, "closed": NOW - 2 * HOUR - SECOND}, NOW - 2 * HOUR),
        ({"started": NOW - 2 * HOUR, "not_before": NOW - HOUR}, NOW - 2 * HOUR),
        ({"started": NOW - 2 * HOUR, "not_before": NOW}, NOW - 2 * HOUR),
        ({"started": NOW - 2 * HOUR, "not_before": NOW + HOUR}, NOW + HOUR),
        (
            {
                "started": NOW - 2 * HOUR,
                "closed": NOW - 2 * HOUR,
                "evaluated": (1, NOW - HOUR),
                "not_before": NOW,
            },
            NOW,
        ),
        ({"not_before": NOW - HOUR}, NOW),
        ({"not_before": NOW + HOUR}, NOW + HOUR),
    ],
)
def test_i10_a_period_starts_where_it_was_first_admitted_or_seen(
    fields: dict[str, object], starts: datetime
) -> None:
    item = grant("a", "20.0.0.1", **fields)
    found = period(grant=item, activations={}, now=NOW)
    assert found == Period(starts=starts, ends=END)
    assert found.needs_activation is False


@pytest.mark.parametrize(
    ("fields", "activated", "expected"),
    [
        ({}, NOW - HOUR, Period(NOW - HOUR, NOW + HOUR)),
        ({"started": NOW - HOUR}, None, Period(NOW - HOUR, NOW + HOUR)),
        ({"started": NOW}, NOW - HOUR, Period(NOW - HOUR, NOW + HOUR)),
        ({"closed": NOW - HOUR}, None, Period(NOW - HOUR, NOW - HOUR)),
        ({}, None, Period(NOW, NOW + 2 * HOUR, needs_activation=True)),
        ({"not_before": NOW - HOUR}, None, Period(NOW, NOW + 2 * HOUR, needs_activation=True)),
        (
            {"not_before": NOW + HOUR},
            None,
            Period(NOW + HOUR, NOW + 3 * HOUR, needs_activation=True),
        ),
    ],
)
def test_i10_a_duration_counts_from_its_activation(
    fields: dict[str, object], activated: datetime | None, expected: Period
) -> None:
    item = grant("a", "20.0.0.1", duration=2 * HOUR, expires_at=None, **fields)
    known = {activation_key(item): activated} if activated else {}
    assert period(grant=item, activations=known, now=NOW) == expected


@pytest.mark.parametrize(
    ("ends", "closed", "expected"),
    [
        (None, NOW, False),
        (NOW, None, True),
        (NOW + SECOND, None, False),
        (NOW + SECOND, NOW + SECOND, True),
        (NOW + SECOND, NOW, False),
    ],
)
def test_i10_a_period_is_over_at_its_end_and_stays_so(
    ends: datetime | None, closed: datetime | None, expected: bool
) -> None:
    assert over(grant=grant("a", closed=closed), ends=ends, now=NOW) is expected


def test_i3_a_grant_ends_by_itself_when_it_expires_or_is_revoked() -> None:
    def state(**fields: object) -> S | None:
        return ended(grant=grant("a", "20.0.0.1", **fields), activations={}, now=NOW)

    assert state() is None
    assert state(revoked=True) is S.REVOKED
    assert state(expires_at=NOW) is S.EXPIRED
    assert state(expires_at=NOW, revoked=True) is S.EXPIRED
    assert state(expires_at=NOW, problems=(Problem("spec", "x", "wrong"),)) is None
    assert state(not_before=NOW + HOUR) is None
    counted = grant("a", "20.0.0.1", duration=HOUR, expires_at=None)
    assert ended(grant=counted, activations={}, now=NOW) is None
    activations = {activation_key(counted): NOW - HOUR}
    assert ended(grant=counted, activations=activations, now=NOW) is S.EXPIRED


def test_a_grant_matches_by_name_or_by_its_selector_alone() -> None:
    prod = target(labels={"tier": "prod"})
    assert matches(grant=grant("a"), target=prod)
    assert not matches(grant=grant("a", target_name="dev"), target=prod)
    assert matches(
        grant=grant("a", target_name=None, selector=labelled("tier", "prod")), target=prod
    )
    assert not matches(grant=grant("a", selector=labelled("tier", "dev")), target=prod)


@pytest.mark.parametrize(
    ("operator", "values", "has", "lacks"),
    [
        ("In", ("prod", "dev"), True, False),
        ("In", ("dev",), False, False),
        ("NotIn", ("dev",), True, True),
        ("NotIn", ("prod",), False, True),
        ("Exists", (), True, False),
        ("DoesNotExist", (), False, True),
        ("Gt", ("1",), False, False),  # the API server lets none of this kind in
    ],
)
def test_a_selectors_terms_mean_what_kubernetes_says(
    operator: str, values: tuple[str, ...], has: bool, lacks: bool
) -> None:
    term = LabelRequirement(key="tier", operator=operator, values=values)
    assert Selector((term,)).matches({"tier": "prod"}) is has
    assert Selector((term,)).matches({"other": "prod"}) is lacks


def test_every_term_of_a_selector_has_to_hold_and_without_any_it_matches_nothing() -> None:
    two = Selector((LabelRequirement("tier", "Exists"), LabelRequirement("zone", "Exists")))
    assert two.matches({"tier": "", "zone": ""})
    assert not two.matches({"tier": ""})
    assert not Selector().matches({"tier": ""})


def test_ranges_of_sets_stand_beside_the_grants_own_and_are_told_from_them() -> None:
    item = grant("a", "20.0.0.2", range_sets=("one", "gone", "two", "one", "broken"))
    sets = {
        "one": range_set("one", "20.0.0.1", "20.0.0.2"),
        "two": range_set("two", "20.0.0.1", "20.0.0.3"),
        "broken": range_set("broken", "20.0.0.9", problems=(Problem("spec", "x", "wrong"),)),
    }
    found, via, missing = expand(grant=item, sets=sets)
    assert found == ranges("20.0.0.1", "20.0.0.2", "20.0.0.3")
    first, third = ranges("20.0.0.1", "20.0.0.3")
    assert via == {first: ("one", "two"), third: ("two",)}
    assert missing == ("gone", "broken")


def test_a_verdict_says_what_is_asked_for_and_when() -> None:
    item = grant("a", "20.0.0.1", range_sets=("one",), duration=2 * HOUR, expires_at=None)
    brought = range_set("one", "20.0.0.7")
    verdict = judged(item, sets=(brought,))
    assert verdict == Verdict(
        grant=item,
        state=S.LIVE,
        ranges=ranges("20.0.0.1", "20.0.0.7"),
        via_sets={brought.ranges[0]: ("one",)},
        starts=NOW,
        ends=NOW + 2 * HOUR,
        needs_activation=True,
    )
    begun = judged(item, sets=(brought,), activated=NOW - HOUR)
    assert (begun.starts, begun.ends) == (NOW - HOUR, NOW + HOUR)
    assert begun.needs_activation is False


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, S.LIVE),
        ({"deleting": NOW, "expires_at": NOW}, S.DELETED),
        ({"expires_at": NOW, "revoked": True}, S.EXPIRED),
        ({"revoked": True}, S.REVOKED),
        ({"not_before": NOW + SECOND}, S.SCHEDULED),
        ({"not_before": NOW}, S.LIVE),
        ({"revoked": True, "not_before": NOW + SECOND}, S.REVOKED),
    ],
)
def test_the_state_of_a_grant(fields: dict[str, object], state: S) -> None:
    item = grant("a", "20.0.0.1", **fields)
    verdict = judged(item)
    assert (verdict.state, verdict.grant, verdict.refusals) == (state, item, ())


def test_every_wrong_field_of_a_grant_is_a_refusal() -> None:
    problems = (Problem("spec.ipRanges[0]", "x", "no range"), Problem("spec.a", "y", "unknown"))
    item = grant("a", "20.0.0.1", problems=problems)
    assert judged(item) == Verdict(
        grant=item,
        state=S.REFUSED,
        refusals=(
            Refusal(R.INVALID_SPEC, Rule.SPEC, "spec.ipRanges[0]", "x", "no range"),
            Refusal(R.INVALID_SPEC, Rule.SPEC, "spec.a", "y", "unknown"),
        ),
    )


P = R.POLICY_DENIED
OFFICE = range_set("office", "20.9.0.0/24")
REQUIRED = Policy(
    all_namespaces=True, require_reason=True, require_ticket=True, require_requested_by=True
)
WHY = {"reason": "work", "ticket": "T-1", "requested_by": "me"}
ALLOWED = Policy(all_namespaces=True, allowed_ranges=ranges("20.0.0.0/16", "30.0.0.0/16"))
DENIED = Policy(all_namespaces=True, denied_ranges=ranges("20.0.0.0/25", "20.0.0.128/25"))
DAY = Policy(all_namespaces=True, max_duration=24 * HOUR)


@pytest.mark.parametrize(
    ("item", "policy", "refusals"),
    [
        (grant("a", "20.0.0.0/24"), STRICT, []),
        (
            grant("a", "20.0.0.0/23"),
            STRICT,
            [Refusal(P, Rule.MIN_PREFIX, "spec.ipRanges", "20.0.0.0/23", "/24")],
        ),
        (
            grant("a", "20.0.0.0/15"),
            Policy(all_namespaces=True, min_prefix_length=8),
            [Refusal(P, Rule.MIN_PREFIX, "spec.ipRanges", "20.0.0.0/15", "/16")],
        ),
        (
            grant("a", range_sets=("office",)),
            Policy(all_namespaces=True, min_prefix_length=28),
            [Refusal(P, Rule.MIN_PREFIX, "spec.rangeSetRefs", "20.9.0.0/24", "/28")],
        ),
        (grant("a", "20.0.7.0/24", "30.0.7.0/24"), ALLOWED, []),
        (
            grant("a", "40.0.0.0/24"),
            ALLOWED,
            [
                Refusal(
                    P,
                    Rule.ALLOWED_RANGES,
                    "spec.ipRanges",
                    "40.0.0.0/24",
                    "20.0.0.0/16, 30.0.0.0/16",
                )
            ],
        ),
        (
            grant("a", "20.0.0.0/24"),
            DENIED,
            [Refusal(P, Rule.DENIED_RANGES, "spec.ipRanges", "20.0.0.0/24", "20.0.0.0/25")],
        ),
        (grant("a", "20.0.1.0/24"), DENIED, []),
        (grant("a", "20.0.0.1", **WHY), REQUIRED, []),
        (
            grant("a", "20.0.0.1", reason=" "),
            REQUIRED,
            [
                Refusal(P, Rule.REASON, "spec.reason"),
                Refusal(P, Rule.TICKET, "spec.ticketRef"),
                Refusal(P, Rule.REQUESTED_BY, "spec.requestedBy"),
            ],
        ),
        (
            grant("a", "20.0.0.1", expires_at=None),
            STRICT,
            [Refusal(P, Rule.PERMANENT, "spec.expiresAt")],
        ),
        (grant("a", "20.0.0.1", expires_at=NOW + 24 * HOUR), DAY, []),
        (
            grant("a", "20.0.0.1", expires_at=NOW + 24 * HOUR + SECOND),
            DAY,
            [Refusal(P, Rule.MAX_DURATION, "spec.expiresAt", "2026-11-23T12:00:01Z", "24h")],
        ),
        (grant("a", "20.0.0.1", duration=24 * HOUR, expires_at=None), DAY, []),
        (
            grant("a", "20.0.0.1", duration=25 * HOUR, expires_at=None),
            DAY,
            [Refusal(P, Rule.MAX_DURATION, "spec.duration", "25h", "24h")],
        ),
        (
            grant("a"),
            STRICT,
            [
                Refusal(
                    R.INVALID_SPEC,
                    Rule.SPEC,
                    "spec.ipRanges",
                    "",
                    "no range is asked for; name one here or in rangeSetRefs",
                )
            ],
        ),
        (
            grant("a", "20.0.0.1", range_sets=("gone", "office")),
            STRICT,
            [Refusal(R.RANGE_SET_NOT_RESOLVED, Rule.RANGE_SET, "spec.rangeSetRefs", "gone")],
        ),
        (
            grant("a", range_sets=("blank",)),
            STRICT,
            [Refusal(R.RANGE_SET_NOT_RESOLVED, Rule.RANGE_SET, "spec.rangeSetRefs", "blank")],
        ),
        (
            grant("a", "20.0.0.1", namespace="team-b"),
            Policy(namespaces=labelled(NAMESPACE_NAME_LABEL, "team-a")),
            [Refusal(R.NAMESPACE_NOT_ALLOWED, Rule.NAMESPACE, "metadata.namespace", "team-b")],
        ),
    ],
)
def test_each_broken_rule_names_field_value_and_limit(
    item: Grant, policy: Policy, refusals: list[Refusal]
) -> None:
    verdict = judged(item, policy, sets=(OFFICE, range_set("blank")))
    assert list(verdict.refusals) == refusals
    assert verdict.state is (S.REFUSED if refusals else S.LIVE)


def test_a_namespace_is_allowed_by_its_labels_and_by_its_name() -> None:
    known = {"team-a": Namespace(uid="n", name="team-a", labels={"tier": "dev"})}

    def allowed(policy: Policy, namespace: str = "team-a") -> bool:
        return namespace_allowed(namespace=namespace, policy=policy, namespaces=known)

    assert allowed(Policy(all_namespaces=True), "unknown")
    assert allowed(Policy(namespaces=labelled("tier", "dev")))
    assert not allowed(Policy(namespaces=labelled("tier", "dev")), "unknown")
    assert allowed(Policy(namespaces=labelled(NAMESPACE_NAME_LABEL, "unknown")), "unknown")
    assert not allowed(Policy())

"""Why a grant is not let in, word for word: these sentences are an interface."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from aks_access.api.reasons import GrantReason as R
from aks_access.plan.grant_sentences import (
    blocked_sentence,
    left_words,
    refusal_sentence,
    refusals_sentence,
    unsupported_sentence,
)
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from tests.unit.plan.build import AZ_FLAGS, ID, grant, ranges

P = R.POLICY_DENIED


def refused(
    reason: R, rule: Rule = Rule.SPEC, field: str = "", value: str = "", limit: str = ""
) -> Refusal:
    return Refusal(reason=reason, rule=rule, field=field, value=value, limit=limit)


THROUGH_A_SET = refused(
    R.RANGE_REFUSED, field="spec.rangeSetRefs", value="20.0.0.1/32", limit="Bad range"
)


def told(*refusals: Refusal) -> Verdict:
    return Verdict(grant=grant("a", "20.0.0.1"), state=AccessState.REFUSED, refusals=refusals)


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            refused(R.INVALID_SPEC, field="spec.ipRanges", value="10/8", limit="is private"),
            "spec.ipRanges: is private.",
        ),
        (refused(R.INVALID_SPEC, value="10/8"), "10/8."),
        (refused(R.INVALID_SPEC), "the spec cannot be read."),
        (
            refused(R.RANGE_SET_NOT_RESOLVED, value="office"),
            "IPRangeSet office does not exist or does not resolve. See `kubectl get iprs office` "
            "and mend it, or take it out of spec.rangeSetRefs.",
        ),
        (
            refused(P, Rule.MIN_PREFIX, "spec.rangeSetRefs", "20.0.0.0/20", "/24"),
            "20.0.0.0/20 (through a range set) is wider than /24, the limit of prod. Narrow it.",
        ),
        (
            refused(P, Rule.ALLOWED_RANGES, "spec.ipRanges", "20.0.0.0/24", "30.0.0.0/8"),
            "20.0.0.0/24 lies outside what prod allows: 30.0.0.0/8. Use a range inside.",
        ),
        (
            refused(P, Rule.DENIED_RANGES, "spec.ipRanges", "20.0.0.0/24", "20.0.0.7/32"),
            "20.0.0.0/24 overlaps 20.0.0.7/32, which prod denies. Use another range.",
        ),
        (
            refused(P, Rule.MAX_DURATION, "spec.duration", "48h", "24h"),
            "duration 48h is longer than 24h, the limit of prod. Shorten it.",
        ),
        (
            refused(P, Rule.MAX_DURATION, "spec.expiresAt", "2026-12-01T00:00Z", "24h"),
            "expiresAt 2026-12-01T00:00Z is more than 24h, the limit of prod, after the start of "
            "access. Commit an earlier expiresAt.",
        ),
        (
            refused(P, Rule.PERMANENT, "spec.expiresAt"),
            "The grant has no end, and prod takes no permanent ones. Set expiresAt or duration.",
        ),
        (
            refused(P, Rule.MAX_GRANTS, "metadata.namespace", "team-a", "3"),
            "Namespace team-a may have 3 live or scheduled grants on prod "
            "(policy.maxGrantsPerNamespace). Delete or revoke one.",
        ),
        (
            refused(P, Rule.MAX_ENTRIES, "spec.ipRanges", "7", "5"),
            "The namespace would take 7 entries of prod, its limit is 5 "
            "(policy.maxEntriesPerNamespace). Merge ranges, or end another grant.",
        ),
        (
            refused(P, Rule.REASON, "spec.reason"),
            "prod takes no grant without spec.reason. Fill it in.",
        ),
        (
            refused(P, Rule.TICKET, "spec.ticketRef"),
            "prod takes no grant without spec.ticketRef. Fill it in.",
        ),
        (
            refused(P, Rule.REQUESTED_BY, "spec.requestedBy"),
            "prod takes no grant without spec.requestedBy. Fill it in.",
        ),
        (
            refused(P, Rule.AZURE, "spec.other", "x", "y"),
            "prod refuses spec.other x (azure y). Change it.",
        ),
        (
            refused(R.CAPACITY_EXCEEDED, value="200/200 used, 1 more needed"),
            "prod: 200/200 used, 1 more needed. Merge ranges or shorten others.",
        ),
        (
            refused(
                R.RANGE_REFUSED,
                field="spec.ipRanges",
                value="20.0.0.1/32",
                limit="Overlapping ranges",
            ),
            "Azure refused 20.0.0.1/32 of spec.ipRanges on prod: Overlapping ranges. Change "
            "spec.ipRanges.",
        ),
        (
            refused(R.RANGE_REFUSED, field="spec.ipRanges", value="20.0.0.1/32"),
            "Azure refused 20.0.0.1/32 of spec.ipRanges on prod: it gave no reason. Change "
            "spec.ipRanges.",
        ),
        (
            refused(R.UNSUPPORTED_CLUSTER, value="Basic load balancer"),
            "Basic load balancer: ranges do not apply. Move the cluster to a Standard one, or "
            "delete this grant.",
        ),
        (
            refused(R.NODE_EGRESS_UNKNOWN, value="userDefinedRouting"),
            "userDefinedRouting: a write could cut the nodes off. Set nodeEgress to the public "
            "IPs by which they leave (firewall or NAT gateway).",
        ),
        (
            refused(R.NODE_EGRESS_UNKNOWN),
            "Unknown outbound type: a write could cut the nodes off. Set nodeEgress to the public "
            "IPs by which they leave (firewall or NAT gateway).",
        ),
        (
            refused(R.NOT_REVOCABLE, value="userDefinedRouting"),
            "prod (outbound type userDefinedRouting) holds no other entry, and a list without any "
            "would open it: the end of this grant could not be written. Platform: add a baseline "
            "entry or nodeEgress. Ask the platform team.",
        ),
        (
            refused(R.TARGET_BLOCKED, value="Suspended", limit="Lifted on Monday"),
            "prod is Suspended: Lifted on Monday.",
        ),
        (
            refused(R.TARGET_BLOCKED, value="Suspended"),
            "prod is Suspended: See `kubectl describe aat prod`.",
        ),
        (refused(R.NOT_PROGRAMMED, value="v", limit="l"), "prod: NotProgrammed v l."),
        (refused(R.NOT_PROGRAMMED), "prod: NotProgrammed."),
    ],
)
def test_a_refusal_names_value_limit_and_way_out(refusal: Refusal, said: str) -> None:
    assert refusal_sentence(refusal=refusal, target="prod") == said


@pytest.mark.parametrize(
    ("refusal", "contact", "others", "said"),
    [
        (
            refused(R.RANGE_REFUSED, field="spec.ipRanges", value="20.0.0.1/32", limit="Bad range"),
            "#platform",
            (),
            "Azure refused 20.0.0.1/32 of spec.ipRanges on prod: Bad range. Change spec.ipRanges, "
            "or ask #platform.",
        ),
        (
            replace(THROUGH_A_SET, hint="office, vpn"),
            "",
            (),
            "Azure refused 20.0.0.1/32 of spec.rangeSetRefs on prod: Bad range. Change "
            "spec.rangeSetRefs or the range set (office, vpn).",
        ),
        (
            replace(THROUGH_A_SET, hint="office"),
            "#platform",
            (),
            "Azure refused 20.0.0.1/32 of spec.rangeSetRefs on prod: Bad range. Change "
            "spec.rangeSetRefs or the range set (office), or ask #platform.",
        ),
        (
            refused(P, Rule.PERMANENT, "spec.expiresAt"),
            "#platform",
            (),
            "The grant has no end, and prod takes no permanent ones. Set expiresAt or duration, "
            "or ask #platform.",
        ),
        (
            refused(R.NOT_REVOCABLE, value="none"),
            "#platform",
            (),
            "prod (outbound type none) holds no other entry, and a list without any would open "
            "it: the end of this grant could not be written. Platform: add a baseline entry or "
            "nodeEgress. Ask #platform.",
        ),
        (
            refused(R.TARGET_NOT_FOUND, field="spec.targetSelector"),
            "",
            ("dev", "prod"),
            "No target's labels match spec.targetSelector. Open to this namespace: dev, prod. "
            "Mend the selector, or ask for the label.",
        ),
        (
            refused(R.TARGET_NOT_FOUND, field="spec.targetRef.name", value="prd"),
            "",
            ("dev", "prod"),
            'No target "prd". Open to this namespace: dev, prod. Mend spec.targetRef.name.',
        ),
        (
            refused(R.TARGET_NOT_FOUND, field="spec.targetRef.name", value="prd"),
            "",
            (),
            'No target "prd". Open to this namespace: none. Mend spec.targetRef.name.',
        ),
        (
            refused(R.NAMESPACE_NOT_ALLOWED, value="team-a"),
            "",
            ("dev", "prod", "test"),
            "prod takes no grants from team-a. Ask the platform team. Open to this namespace: "
            "dev, test.",
        ),
        (
            refused(R.NAMESPACE_NOT_ALLOWED, value="team-a"),
            "#platform",
            ("prod",),
            "prod takes no grants from team-a. Ask #platform.",
        ),
    ],
)
def test_a_refusal_names_whom_to_ask_and_what_is_open_instead(
    refusal: Refusal, contact: str, others: Sequence[str], said: str
) -> None:
    assert (
        refusal_sentence(refusal=refusal, target="prod", contact=contact, open_targets=others)
        == said
    )


def test_fields_that_are_wrong_each_by_itself_break_no_common_rule() -> None:
    fields = [
        refused(R.INVALID_SPEC, Rule.SPEC, "spec.reason", limit="it is no text"),
        refused(R.INVALID_SPEC, Rule.SPEC, "spec.duration", limit="it is none"),
    ]
    assert refusals_sentence(verdict=told(*fields), target="prod") == (
        "spec.reason: it is no text. 1 more of its fields are wrong."
    )


def test_the_refusals_after_the_first_are_counted_and_named_by_rule() -> None:
    widths = [refused(P, Rule.MIN_PREFIX, value=f"2{n}.0.0.0/20", limit="/24") for n in range(3)]
    others = [refused(P, Rule.REASON), refused(P, Rule.TICKET), refused(P, Rule.REASON)]
    verdict = told(*widths, *others)
    assert refusals_sentence(verdict=verdict, target="prod", contact="#platform") == (
        "20.0.0.0/20 is wider than /24, the limit of prod. Narrow it, or ask #platform. 2 more of "
        "its values break this rule. Also against: policy.requireReason, policy.requireTicket."
    )


def test_i8_a_grant_that_grew_is_told_why_it_waits_and_what_it_keeps() -> None:
    verdict = replace(
        told(refused(R.CAPACITY_EXCEEDED, Rule.CAPACITY, value="200/200 used, 2 more needed")),
        ranges=ranges("20.0.0.1", "20.0.0.2", "20.0.0.3"),
        keeps=frozenset({"20.0.0.1/32"}),
    )
    assert refusals_sentence(verdict=verdict, target="prod") == (
        "prod: 200/200 used, 2 more needed. Merge ranges or shorten others. Until then it keeps "
        "what it has (1 of 3)."
    )


def test_what_a_refused_grant_left_behind_is_named() -> None:
    assert left_words([]) == ""
    assert left_words(["81.2.69.3/32", "81.2.69.4/32"]) == (
        " What it asked for before stands until then: 81.2.69.3/32, 81.2.69.4/32."
    )


def test_a_single_refusal_is_said_with_all_that_is_known_of_the_target() -> None:
    def say(refusal: Refusal) -> str:
        return refusals_sentence(
            verdict=told(refusal),
            target="prod",
            open_targets=("dev",),
            cluster=ID,
        )

    assert say(refused(R.NAMESPACE_NOT_ALLOWED, value="team-a")) == (
        "prod takes no grants from team-a. Ask the platform team. Open to this namespace: dev."
    )
    assert AZ_FLAGS in say(refused(R.UNSUPPORTED_CLUSTER, value="private cluster"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "private cluster",
            f"Private cluster: ranges do not apply. Use `az aks command invoke {AZ_FLAGS} "
            '--command "…"` or Bastion; delete this target.',
        ),
        (
            "",
            f"Private cluster: ranges do not apply. Use `az aks command invoke {AZ_FLAGS} "
            '--command "…"` or Bastion; delete this target.',
        ),
        (
            "Basic load balancer",
            "Basic load balancer: ranges do not apply. Move the cluster to a Standard one, or "
            "delete this target.",
        ),
    ],
)
def test_a_target_of_a_cluster_without_ranges_is_to_be_deleted(kind: str, said: str) -> None:
    assert unsupported_sentence(kind=kind, cluster=ID, on_grant=False) == said


def test_a_blocked_target_is_quoted() -> None:
    said = blocked_sentence(target="prod", reason="Suspended", message="Nothing is added.")
    assert said == "prod is Suspended: Nothing is added."


def test_another_way_out_stands_in_the_place_of_the_operators() -> None:
    refusal = refused(P, rule=Rule.TICKET, field="spec.ticketRef")
    said = refusal_sentence(refusal=refusal, target="prod", contact="a@b.c", advice="Add --ticket")
    assert said == "prod takes no grant without spec.ticketRef. Add --ticket, or ask a@b.c."

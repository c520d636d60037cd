"""What people read on a grant, word for word: these sentences are an interface."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.api.conditions import GrantReason as R
from aks_access.plan.grant_sentences import (
    blocked_sentence,
    contested_sentence,
    overdue_sentence,
    paced_sentence,
    pending_sentence,
    refusal_sentence,
    refusals_sentence,
    unsupported_sentence,
    verdict_sentence,
)
from aks_access.plan.outcome import AccessState as S
from aks_access.plan.outcome import Refusal, Rule, Verdict
from aks_access.plan.pace import Bucket, Paced
from tests.unit.plan.build import HOUR, ID, NOW, grant, ranges

P = R.POLICY_DENIED
AAG = grant("dev-laptop", "81.2.69.142")
LATER, COUNTED = replace(AAG, not_before=NOW), replace(AAG, duration=HOUR)
END = NOW + 6 * HOUR
COVER = (("81.2.69.142/32", "81.2.69.0/24 (foreign)"),)


def refused(
    reason: R, rule: Rule = Rule.SPEC, field: str = "", value: str = "", limit: str = ""
) -> Refusal:
    return Refusal(reason=reason, rule=rule, field=field, value=value, limit=limit)


def stood(state: S, **fields: object) -> Verdict:
    return Verdict(
        **{"grant": AAG, "state": state, "ranges": ranges("81.2.69.142"), "ends": END, **fields}  # type: ignore[arg-type]
    )


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
            "Namespace team-a may have 3 live or scheduled grants on prod. Delete or revoke one.",
        ),
        (
            refused(P, Rule.MAX_ENTRIES, "spec.ipRanges", "7", "5"),
            "The namespace would take 7 entries of prod, its limit is 5. Merge ranges, or end "
            "another grant.",
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
            refused(R.RANGE_REFUSED, value="20.0.0.1/32", limit="Overlapping ranges"),
            "Azure refused 20.0.0.1/32 on prod: Overlapping ranges. Change spec.ipRanges.",
        ),
        (
            refused(R.RANGE_REFUSED, value="20.0.0.1/32"),
            "Azure refused 20.0.0.1/32 on prod: it gave no reason. Change spec.ipRanges.",
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


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            stood(S.EXPIRED, ends=NOW),
            "Expired 2026-11-22T12:00Z. For new access, set a later expiresAt.",
        ),
        (stood(S.EXPIRED, ends=None), "Expired. For new access, set a later expiresAt."),
        (
            stood(S.EXPIRED, grant=COUNTED),
            "Expired 2026-11-22T18:00Z. For new access, create a new grant.",
        ),
        (
            stood(S.EXPIRED, grant=replace(COUNTED, tracked="Flux")),
            "Expired 2026-11-22T18:00Z. Tracked by Flux: delete it in Git; for new access, commit "
            "a new grant.",
        ),
        (
            stood(S.EXPIRED, grant=replace(AAG, tracked="Flux")),
            "Expired 2026-11-22T18:00Z. Tracked by Flux: delete it in Git; for new access, commit "
            "a later expiresAt.",
        ),
        (stood(S.REVOKED), "Revoked. Delete it, or set revoked to false for access until its end."),
        (
            stood(S.REVOKED, grant=replace(AAG, tracked="Flux")),
            "Revoked. Tracked by Flux: delete it, or set revoked to false for access until its "
            "end.",
        ),
        (stood(S.DELETED), "Deleted: its access to prod is taken away."),
        (
            stood(S.REVOKED, covered=COVER),
            "Revoked. Closed, but 81.2.69.0/24 (foreign) still admits 81.2.69.142/32.",
        ),
        (
            stood(S.DELETED, covered=(*COVER, *COVER, *COVER)),
            "Deleted. Closed, but 81.2.69.0/24 (foreign) still admits 81.2.69.142/32, and 2 more "
            "of its ranges are still admitted.",
        ),
        (
            stood(S.SCHEDULED, grant=LATER, starts=END),
            "Scheduled: starts at 2026-11-22T12:00Z, until 2026-11-22T18:00Z.",
        ),
        (
            stood(S.SCHEDULED, starts=NOW),
            "Scheduled: starts at 2026-11-22T12:00Z, until 2026-11-22T18:00Z.",
        ),
        (stood(S.SCHEDULED), "Scheduled: starts, until 2026-11-22T18:00Z."),
        (stood(S.LIVE, present=True), "Let in until 2026-11-22T18:00Z."),
        (stood(S.LIVE, present=True, ends=None), "Let in with no end."),
        (stood(S.LIVE, present=True, needs_activation=True), "Let in until 2026-11-22T18:00Z."),
        (
            stood(S.LIVE, present=True, needs_activation=True, grant=COUNTED),
            "Let in for its duration from the first admission.",
        ),
        (stood(S.LIVE), "Being let in on prod: written to Azure, then read back."),
    ],
)
def test_a_grant_says_how_it_stands(verdict: Verdict, said: str) -> None:
    assert verdict_sentence(verdict=verdict, target="prod") == said


@pytest.mark.parametrize(
    ("verdict", "of_target", "said"),
    [
        (
            stood(S.LIVE, ends=None),
            {"observed": True},
            "Observed: prod is in mode Observe, nothing is written. In Merge it would be let in "
            "with no end.",
        ),
        (
            stood(S.LIVE),
            {"suspended": True},
            "prod is suspended: nothing is added until spec.suspend is lifted there.",
        ),
        (
            stood(S.LIVE, present=True),
            {"suspended": True},
            "prod is suspended: the access stays as it is until spec.suspend is lifted there.",
        ),
        (
            stood(S.EXPIRED, ends=NOW),
            {"observed": True, "suspended": True},
            "Expired 2026-11-22T12:00Z. For new access, set a later expiresAt.",
        ),
    ],
)
def test_a_target_that_writes_nothing_is_named(
    verdict: Verdict, of_target: dict[str, bool], said: str
) -> None:
    assert verdict_sentence(verdict=verdict, target="prod", **of_target) == said


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            stood(S.EXPIRED),
            "Expired 2026-11-22T18:00Z; its ranges are being taken out of prod and stand until "
            "read back.",
        ),
        (
            stood(S.EXPIRED, ends=None),
            "Expired; its ranges are being taken out of prod and stand until read back.",
        ),
        (
            stood(S.REVOKED),
            "Revoked; its ranges are being taken out of prod and stand until read back.",
        ),
        (
            stood(S.DELETED),
            "Deleted; its ranges are being taken out of prod and stand until read back.",
        ),
        (
            stood(S.REFUSED),
            "No longer let in; its ranges are being taken out of prod and stand until read back.",
        ),
    ],
)
def test_what_still_stands_is_said_with_its_reason(verdict: Verdict, said: str) -> None:
    assert pending_sentence(verdict=verdict, target="prod") == said


@pytest.mark.parametrize(
    ("paced", "said"),
    [
        (
            Paced(
                until=END, namespace="team-a", bucket=Bucket(burst=10, every=timedelta(minutes=6))
            ),
            "Namespace team-a has used up the additions to prod (10, and one more every 6m): let "
            "in at 2026-11-22T18:00Z. Nothing to do; to use fewer, apply several grants at once.",
        ),
        (
            Paced(until=END, namespace="", bucket=Bucket(burst=20, every=timedelta(minutes=2))),
            "All namespaces have used up the additions to prod (20, and one more every 2m): let "
            "in at 2026-11-22T18:00Z. Nothing to do; to use fewer, apply several grants at once.",
        ),
    ],
)
def test_an_addition_that_waits_names_whose_tokens_are_gone(paced: Paced, said: str) -> None:
    assert paced_sentence(paced=paced, target="prod") == said


def test_entries_that_something_else_takes_out_are_named() -> None:
    said = contested_sentence(entries=["20.0.0.1/32"], again="2026-11-22T13:00Z", target="prod")
    assert said == (
        "Something else keeps taking 20.0.0.1/32 out of prod; added again at 2026-11-22T13:00Z. "
        "The platform team sees more: `kubectl describe aat prod`."
    )


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            ["20.0.0.1/32"],
            "20.0.0.1/32 still stands open on prod, due 2026-11-22T09:00Z. The platform team sees "
            "why: `kubectl describe aat prod`.",
        ),
        (
            ["20.0.0.1/32", "20.0.0.2/32"],
            "20.0.0.1/32, 20.0.0.2/32 still stand open on prod, due 2026-11-22T09:00Z. The "
            "platform team sees why: `kubectl describe aat prod`.",
        ),
    ],
)
def test_an_overdue_removal_names_the_entries(entries: list[str], said: str) -> None:
    assert overdue_sentence(entries=entries, due="2026-11-22T09:00Z", target="prod") == said


def test_the_refusals_after_the_first_are_counted_and_named_by_rule() -> None:
    widths = [refused(P, Rule.MIN_PREFIX, value=f"2{n}.0.0.0/20", limit="/24") for n in range(3)]
    others = [refused(P, Rule.REASON), refused(P, Rule.TICKET), refused(P, Rule.REASON)]
    verdict = stood(S.REFUSED, refusals=(*widths, *others))
    assert refusals_sentence(verdict=verdict, target="prod", contact="#platform") == (
        "20.0.0.0/20 is wider than /24, the limit of prod. Narrow it, or ask #platform. 2 more of "
        "its values break this rule. Also against: policy.requireReason, policy.requireTicket."
    )


def test_a_single_refusal_is_said_with_all_that_is_known_of_the_target() -> None:
    def say(refusal: Refusal) -> str:
        return refusals_sentence(
            verdict=stood(S.REFUSED, refusals=(refusal,)),
            target="prod",
            open_targets=("dev",),
            cluster=ID,
        )

    assert say(refused(R.NAMESPACE_NOT_ALLOWED, value="team-a")) == (
        "prod takes no grants from team-a. Ask the platform team. Open to this namespace: dev."
    )
    assert "-g rg -n c1" in say(refused(R.UNSUPPORTED_CLUSTER, value="private cluster"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "private cluster",
            "Private cluster: ranges do not apply. Use `az aks command invoke -g rg -n c1 "
            '--command "…"` or Bastion; delete this target.',
        ),
        (
            "",
            "Private cluster: ranges do not apply. Use `az aks command invoke -g rg -n c1 "
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

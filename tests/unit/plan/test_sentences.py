"""Messages name the value, the rule and the way out, and never a length of time that runs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.errors import AzureError, AzureFault
from aks_access.plan.model import Problem
from aks_access.plan.outcome import AccessState, Finding, Refusal, Rule, Verdict
from aks_access.plan.sentences import (
    azure_sentence,
    azure_text,
    finding_sentence,
    instant,
    overdue_sentence,
    pending_sentence,
    refusal_sentence,
    refusals_sentence,
    verdict_sentence,
)
from tests.unit.plan.build import AZ_FLAGS, ID, NOW, grant, ranges, target

P, CONTACT = GrantReason.POLICY_DENIED, "platform@contoso.com"
AAG = grant("dev-laptop", "81.2.69.142")
END = NOW + timedelta(hours=6)


def told(refusal: Refusal) -> str:
    return refusal_sentence(refusal=refusal, target="prod-weu", contact=CONTACT, cluster=ID)


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            Refusal(P, Rule.MIN_PREFIX, "spec.ipRanges", "20.50.0.0/24", "/28"),
            "20.50.0.0/24 is wider than /28, the limit of prod-weu. Narrow it, or ask "
            "platform@contoso.com.",
        ),
        (
            Refusal(P, Rule.MAX_DURATION, "spec.duration", "48h", "24h"),
            "duration 48h is longer than 24h, the limit of prod-weu. Shorten it, or ask "
            "platform@contoso.com.",
        ),
        (
            Refusal(P, Rule.MAX_DURATION, "spec.expiresAt", "2026-12-01T00:00Z", "24h"),
            "expiresAt 2026-12-01T00:00Z is more than 24h, the limit of prod-weu, after the start "
            "of access. Commit an earlier expiresAt, or ask platform@contoso.com.",
        ),
        (
            Refusal(GrantReason.NAMESPACE_NOT_ALLOWED, Rule.NAMESPACE, "", "team-a"),
            "prod-weu takes no grants from team-a. Ask platform@contoso.com.",
        ),
        (
            Refusal(GrantReason.CLUSTER_UNRESTRICTED, Rule.UNRESTRICTED),
            "Anyone can reach prod-weu; this grant changes nothing. Platform: put every client's "
            "egress in baseline, then set restrictUnrestricted.",
        ),
        (
            Refusal(GrantReason.UNSUPPORTED_CLUSTER, Rule.AZURE, "", "private cluster"),
            f"Private cluster: ranges do not apply. Use `az aks command invoke {AZ_FLAGS} "
            '--command "…"` or Bastion; delete this grant.',
        ),
        (
            Refusal(
                GrantReason.CAPACITY_EXCEEDED,
                Rule.CAPACITY,
                "spec.ipRanges",
                "200/200 used, 3 more needed",
                "200",
                "team-b/ci-42, 2026-11-22T18:00Z",
            ),
            "prod-weu: 200/200 used, 3 more needed. Next to free: team-b/ci-42, 2026-11-22T18:00Z. "
            "Merge ranges or shorten others, or ask platform@contoso.com.",
        ),
    ],
)
def test_refusals_read_as_documented(refusal: Refusal, expected: str) -> None:
    assert told(refusal) == expected


@pytest.mark.parametrize("reason", list(GrantReason))
def test_every_refusal_has_a_sentence(reason: GrantReason) -> None:
    for rule in Rule:
        said = told(Refusal(reason, rule, "spec.field", "the-value", "the-limit"))
        assert said.endswith((".", "…"))
        assert "None" not in said
        assert said.isprintable()


def test_a_missing_target_names_those_that_are_open() -> None:
    refusal = Refusal(
        GrantReason.TARGET_NOT_FOUND, Rule.SPEC, field="spec.targetRef.name", value="prod-weux"
    )
    said = refusal_sentence(refusal=refusal, target="", open_targets=("prod-weu", "prod-neu"))
    assert said.startswith('No target "prod-weux". Open to this namespace: prod-weu, prod-neu.')


def test_several_broken_rules_are_all_named_and_the_first_in_full() -> None:
    verdict = Verdict(
        grant=AAG,
        state=AccessState.REFUSED,
        refusals=(
            Refusal(P, Rule.MIN_PREFIX, value="20.0.0.0/20", limit="/24"),
            Refusal(P, Rule.MIN_PREFIX, value="21.0.0.0/20", limit="/24"),
            Refusal(P, Rule.REASON, field="spec.reason"),
        ),
    )
    assert refusals_sentence(verdict=verdict, target="prod") == (
        "20.0.0.0/20 is wider than /24, the limit of prod. Narrow it. 1 more of its values break "
        "this rule. Also against: policy.requireReason."
    )


def verdict(state: AccessState, **fields: object) -> Verdict:
    return Verdict(
        **{"grant": AAG, "state": state, "ranges": ranges("81.2.69.142"), "ends": END, **fields}  # type: ignore[arg-type]
    )


def test_states_of_a_grant() -> None:
    live = verdict(AccessState.LIVE)
    say = verdict_sentence
    assert say(verdict=replace(live, present=True), target="p") == "Let in until 2026-11-22T18:00Z."
    assert say(verdict=replace(live, present=True, ends=None), target="p") == "Let in with no end."
    assert "written to Azure, then read back" in say(verdict=live, target="p")
    assert "mode Observe" in say(verdict=live, target="p", observed=True)
    assert "nothing is added until spec.suspend" in say(verdict=live, target="p", suspended=True)
    scheduled = verdict(AccessState.SCHEDULED, grant=replace(AAG, not_before=NOW))
    assert say(verdict=scheduled, target="p") == (
        "Scheduled: starts at 2026-11-22T12:00Z, until 2026-11-22T18:00Z."
    )
    expired = verdict(AccessState.EXPIRED, ends=NOW)
    assert say(verdict=expired, target="p") == (
        "Expired 2026-11-22T12:00Z. For new access, set a later expiresAt."
    )
    tracked = replace(expired, grant=replace(AAG, tracked="Argo CD application team-c"))
    assert say(verdict=tracked, target="p") == (
        "Expired 2026-11-22T12:00Z. Tracked by Argo CD application team-c: delete it in Git; for "
        "new access, commit a later expiresAt."
    )
    covered = replace(expired, covered=(("81.2.69.142/32", "81.2.69.0/24 (foreign)"),))
    assert say(verdict=covered, target="p") == (
        "Expired 2026-11-22T12:00Z. Closed, but 81.2.69.0/24 (foreign) still admits 81.2.69.142/32."
    )
    assert "stand until read back" in pending_sentence(verdict=expired, target="p")
    overdue = overdue_sentence(entries=["20.50.1.7/32"], due=instant(NOW), target="p")
    assert overdue.startswith("20.50.1.7/32 still stands open on p, due 2026-11-22T12:00Z.")


def test_a_duration_that_does_not_count_yet_names_no_end() -> None:
    unactivated = verdict(
        AccessState.LIVE,
        grant=replace(AAG, duration=timedelta(hours=1)),
        needs_activation=True,
    )
    said = verdict_sentence(verdict=unactivated, target="p", observed=True)
    assert "2026" not in said


@pytest.mark.parametrize("reason", list(TargetReason))
@pytest.mark.parametrize("details", [{}, {"entry": "1.2.3.4/32", "count": "3", "code": "abc"}])
def test_every_finding_has_a_sentence(reason: TargetReason, details: Mapping[str, str]) -> None:
    for on in (target(), None):
        said = finding_sentence(finding=Finding(reason, details), target=on, cluster=ID)
        assert said.endswith((".", ")"))
        assert "None" not in said


def test_findings_read_as_documented() -> None:
    def say(reason: TargetReason, **details: str) -> str:
        on = target(name="prod-weu", problems=(Problem("spec.mode", "x", "must be Merge"),))
        return finding_sentence(finding=Finding(reason, details), target=on, cluster=ID)

    assert say(
        TargetReason.REVOCATION_OVERDUE,
        entry="20.50.1.7/32",
        due="2026-11-22T09:00Z",
        count="1",
        why="403 from ARM",
    ).startswith(
        "20.50.1.7/32 still open, due 2026-11-22T09:00Z (403 from ARM). Fix aat/prod-weu; by hand: "
        "`aks-access plan prod-weu --as-az`."
    )
    assert say(TargetReason.INVALID_SPEC) == "spec.mode: must be Merge."
    assert say(TargetReason.MASS_REMOVAL_HELD, count="8", causes="Vanished", code="a1b2").endswith(
        "`kubectl annotate --overwrite aat prod-weu aksaccess.dev/acknowledge=a1b2`."
    )
    assert say(TargetReason.CLUSTER_BUSY, state="Upgrading") == (
        "Cluster is Upgrading; the write waits. Nothing to do."
    )


def test_details_are_never_read_as_a_template() -> None:
    finding = Finding(TargetReason.DUPLICATE_TARGET, {"holder": "{name} %s {0}"})
    said = finding_sentence(finding=finding, target=target(), cluster=ID)
    assert "{name} %s {0}" in said


LINKED = (
    "The client 'c1' with object id 'o1' has permission to perform action "
    "'Microsoft.ContainerService/managedClusters/write' on scope '/subscriptions/s/aks'; however, "
    "it does not have permission to perform action "
    "'Microsoft.OperationalInsights/workspaces/sharedkeys/read' on the linked scope(s) "
    "'/subscriptions/s/ws' or the linked scope(s) are invalid."
)
PLAIN = (
    "The client 'c1' with object id 'o1' does not have authorization to perform action "
    "'Microsoft.ContainerService/managedClusters/read' over scope '/subscriptions/s/aks' or the "
    "scope is invalid."
)


@pytest.mark.parametrize(
    ("message", "action", "scope"),
    [
        (LINKED, "Microsoft.OperationalInsights/workspaces/sharedkeys/read", "/subscriptions/s/ws"),
        (PLAIN, "Microsoft.ContainerService/managedClusters/read", "/subscriptions/s/aks"),
        ("No.", "Microsoft.ContainerService/managedClusters/write", ID),
    ],
)
def test_a_missing_right_is_named_with_its_scope(message: str, action: str, scope: str) -> None:
    error = AzureError(message, fault=AzureFault.FORBIDDEN, status=403)
    outcome = azure_sentence(error=error, target=target())
    assert outcome.reason is TargetReason.WRITE_FORBIDDEN
    assert f" lacks {action} on {scope}" in outcome.message
    assert "Run: `az role assignment create --assignee " in outcome.message
    assert outcome.message.endswith(f" --scope {scope}`.")


def linked(message: str) -> str:
    error = AzureError(
        message, fault=AzureFault.FORBIDDEN, status=403, code="LinkedAuthorizationFailed"
    )
    return azure_sentence(error=error, target=target()).message


@pytest.mark.parametrize("word", ["action", "action(s)"])
def test_a_right_that_is_missing_on_a_linked_resource_is_told_as_that(word: str) -> None:
    said = linked(LINKED.replace("permission to perform action", f"permission to perform {word}"))
    assert said.startswith(
        "Client c1 lacks Microsoft.OperationalInsights/workspaces/sharedkeys/read on "
        "/subscriptions/s/ws, a resource that the cluster uses (subnet, "
    )
    assert "managedClusters/write" not in said


def test_a_linked_right_that_azure_does_not_name_is_not_the_one_on_the_cluster() -> None:
    said = linked("The linked resource is not allowed.")
    assert "lacks a right on a resource that the cluster uses (subnet, public IP" in said
    assert "not on the cluster itself: The linked resource is not allowed." in said
    assert "managedClusters/write" not in said


@pytest.mark.parametrize(
    ("fault", "reason", "retries"),
    [
        (AzureFault.LOCKED, TargetReason.CLUSTER_LOCKED, False),
        (AzureFault.NOT_FOUND, TargetReason.CLUSTER_NOT_FOUND, False),
        (AzureFault.STOPPED, TargetReason.CLUSTER_STOPPED, False),
        (AzureFault.THROTTLED, TargetReason.THROTTLED, True),
        (AzureFault.BUSY, TargetReason.CLUSTER_BUSY, True),
        (AzureFault.CHANGED, TargetReason.CLUSTER_BUSY, True),
        (AzureFault.NO_CREDENTIAL, TargetReason.AZURE_UNAVAILABLE, False),
        (AzureFault.UNCERTAIN, TargetReason.AZURE_UNAVAILABLE, True),
        (AzureFault.INVALID, TargetReason.WRITE_REFUSED, False),
        (AzureFault.REFUSED, TargetReason.WRITE_REFUSED, False),
    ],
)
def test_every_fault_has_a_reason(fault: AzureFault, reason: TargetReason, retries: bool) -> None:
    outcome = azure_sentence(error=AzureError("x" * 2000, fault=fault), target=target())
    assert (outcome.reason, outcome.retries) == (reason, retries)
    assert len(outcome.message) < 600


def test_a_read_that_is_forbidden_is_told_from_a_write() -> None:
    error = AzureError(PLAIN, fault=AzureFault.FORBIDDEN)
    outcome = azure_sentence(error=error, target=target(), writing=False)
    assert outcome.reason is TargetReason.READ_FORBIDDEN


def test_azures_text_is_one_bounded_printable_line_without_request_ids() -> None:
    text = azure_text(
        "It\nfailed.\x00 Request ID: 12345678-aaaa-bbbb-cccc-123456789abc. Timestamp: "
        "2026-11-22T12:00:00Z " + "y" * 400
    )
    assert text.startswith("It failed.")
    assert "12345678" not in text
    assert "2026" not in text
    assert len(text) <= 300
    assert text.isprintable()

"""What is judged beyond single grants: limits of a namespace, and what cannot be known."""

from pathlib import Path

import pytest

from tests.unit.cli.transcript import execute

_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers"
TARGET = f"""\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessTarget
metadata: {{{{name: c1}}}}
spec:
  resourceId: {_SUBSCRIPTION}/Microsoft.ContainerService/managedClusters/c1
  mode: Merge
  policy: {{{{allowedNamespaces: {{{{from: All}}}}, {{policy}}}}}}
"""
GRANT = """\
---
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {{name: {name}, namespace: team-a}}
spec: {{targetRef: {{name: c1}}, {ranges}, expiresAt: {end}}}
"""
SET = f"""\
---
apiVersion: aksaccess.dev/v1alpha1
kind: IPRangeSet
metadata: {{name: nat}}
spec:
  fromAzure:
    resourceId: {_SUBSCRIPTION}/Microsoft.Network/natGateways/nat
"""
EARLY, LATE = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
OVER, LIVE = "2026-11-01T00:00:00Z", "2026-11-22T18:00:00Z"


def grant(name: str, *, ranges: str = "ipRanges: [81.2.69.142]", end: str = LIVE) -> str:
    return GRANT.format(name=name, ranges=ranges, end=end)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(*texts: str, policy: str = "maxDuration: 24h") -> list[str]:
    """The findings about these grants: level, rule and message."""
    Path("targets.yaml").write_text(TARGET.format(policy=policy))
    Path("grants.yaml").write_text("".join(texts))
    _, out, _ = execute("aks-access validate grants.yaml --targets targets.yaml")
    return [line.split(" ", 1)[1] for line in out.splitlines()[:-1]]


def test_grants_beyond_the_number_that_a_namespace_may_have_are_refused() -> None:
    found = said(grant("a"), grant("b", end=OVER), grant("c"), policy="maxGrantsPerNamespace: 1")
    assert found == [
        "error PolicyDenied: Namespace team-a may have 1 live or scheduled grants on c1 "
        "(policy.maxGrantsPerNamespace). Delete or revoke one. [ApiAccessGrant team-a/c]"
    ]


def test_entries_beyond_the_number_that_a_namespace_may_have_are_refused() -> None:
    found = said(
        grant("a", ranges="ipRanges: [20.50.1.1, 20.50.1.2]"),
        grant("b", ranges="ipRanges: [20.50.1.2, 20.50.1.3]"),
        policy="maxEntriesPerNamespace: 2",
    )
    assert found == [
        "error PolicyDenied: The namespace would take 3 entries of c1, its limit is 2 "
        "(policy.maxEntriesPerNamespace). Merge ranges, or end another grant. "
        "[ApiAccessGrant team-a/b]"
    ]


def test_a_set_is_in_doubt_only_where_none_is_known() -> None:
    asks = grant("a", ranges="rangeSetRefs: [{name: nat}]")
    [doubt] = said(asks)
    assert doubt.startswith("note NotChecked: IPRangeSet nat was not checked")
    [refused] = said(asks, SET)
    assert refused.startswith("error RangeSetNotResolved: IPRangeSet nat does not exist or does")


def test_a_namespace_that_is_put_in_later_is_in_doubt() -> None:
    """As Flux puts it in, for what stands in braces."""
    selected = TARGET.format(policy="maxDuration: 24h").replace(
        "{from: All}", "{from: Selector, selector: {matchLabels: {a: b}}}"
    )
    Path("targets.yaml").write_text(selected)
    Path("grants.yaml").write_text(grant("a").replace("team-a", "'${TEAM}'"))
    _, out, _ = execute("aks-access validate grants.yaml --targets targets.yaml")
    assert "Labels of namespace ${TEAM} are not known: whether c1 takes its grants was " in out


def test_a_target_that_cannot_be_read_is_said_with_the_grants() -> None:
    over, revoked = grant("b", end=OVER), grant("c", ranges="ipRanges: [20.50.0.1], revoked: true")
    [error] = said(grant("a"), over, revoked, policy="maxDuration: 1d")
    assert error.startswith(
        "error TargetBlocked: c1 is InvalidSpec: spec.policy.maxDuration: 1d is not a duration; "
    )
    assert error.endswith("[ApiAccessGrant team-a/a]")


BROKEN = (
    TARGET.replace("{{name: c1}}", "{{name: c1, uid: u-c1, creationTimestamp: {made}}}")
    + """\
status:
  ledgerSequence: 3
  entriesOmitted: {omitted}
  entries:
  - {{range: 81.2.69.142/32, origin: Grant, grants: [team-a/a, team-a/b], grantsOmitted: {more}}}
"""
)
WIDER = "ipRanges: [81.2.69.142, 81.2.69.143]"


def broken(*grants: str, omitted: int = 0, more: int = 0) -> list[str]:
    """The findings about grants for a target that broke once it had let in team-a/a and b."""
    target = BROKEN.format(policy="maxDuration: 1d", made=LATE, omitted=omitted, more=more)
    Path("targets.yaml").write_text(target)
    Path("grants.yaml").write_text("".join(grants))
    _, out, _ = execute("aks-access validate grants.yaml --targets targets.yaml")
    return [line.split(" ", 1)[1] for line in out.splitlines()[:-1]]


def test_a_target_that_broke_blocks_only_who_is_not_in() -> None:
    found = broken(grant("a"), grant("b", ranges=WIDER), grant("c"))
    assert ["[ApiAccessGrant team-a/b]" in each for each in found] == [True, False]
    assert all(each.startswith("error TargetBlocked: c1 is InvalidSpec: ") for each in found)
    assert "Until then it keeps what it has (1 of 2). [ApiAccessGrant team-a/b]" in found[0]
    assert found[1].endswith("90m or 45s. [ApiAccessGrant team-a/c]")


def test_who_may_be_in_where_a_status_tells_not_all_is_not_said_to_be_blocked() -> None:
    wider = grant("a", ranges=WIDER)
    for found in (broken(wider, omitted=1), broken(grant("c"), more=1)):
        [note] = found
        assert note.startswith("note NotChecked: c1 cannot be used, and its status does not tell ")
    assert broken(grant("a"), omitted=1, more=1) == []
    [error] = broken(wider, more=1)
    assert error.startswith("error TargetBlocked: ")


def judged_on(*targets: str, merged: str = "") -> list[str]:
    """The findings about a grant for c1, and about targets that are to be merged."""
    Path("targets.yaml").write_text("---\n".join(targets))
    Path("grants.yaml").write_text(merged + grant("a"))
    _, out, _ = execute("aks-access validate grants.yaml --targets targets.yaml")
    return [line.split(" ", 1)[1] for line in out.splitlines()[:-1]]


def aat(name: str, *, made: str = "", extra: str = "") -> str:
    """A target of the one cluster, as kubectl prints it where `made` says when it was made."""
    known = f", uid: u-{name}, creationTimestamp: {made}" if made else ""
    text = TARGET.format(policy="maxDuration: 24h")
    return text.replace("{name: c1}", f"{{name: {name}{known}}}") + extra


BLOCKED = (
    "error TargetBlocked: c1 is DuplicateTarget: other stands for this cluster already. "
    "Delete this target, or that one first. [ApiAccessGrant team-a/a]"
)


def test_a_target_whose_cluster_another_one_holds_judges_no_grant() -> None:
    assert judged_on(aat("c1", made=EARLY), aat("other", made=LATE)) == []
    assert judged_on(aat("c1", made=LATE), aat("other", made=EARLY)) == [BLOCKED]


def test_the_target_that_remembers_a_ledger_holds_the_cluster() -> None:
    remembers = "status: {ledgerSequence: 3}\n"
    young = aat("other", made=LATE, extra=remembers)
    assert judged_on(aat("c1", made=EARLY), young) == [BLOCKED]


def test_a_target_of_a_file_is_younger_than_those_that_are_there() -> None:
    assert judged_on(aat("c1", made=LATE), aat("other")) == []
    assert judged_on(aat("c1"), aat("other", made=LATE)) == [BLOCKED]


def test_an_edited_target_keeps_its_place() -> None:
    assert judged_on(aat("c1", made=EARLY), aat("other", made=LATE), aat("c1")) == []


def test_a_target_that_is_to_be_merged_may_not_be_a_clusters_second() -> None:
    found = judged_on(aat("c1", made=EARLY), merged=aat("more"))
    assert found == [
        "error DuplicateTarget: c1 stands for this cluster already. Delete this target, or "
        "that one first. [ApiAccessTarget more]"
    ]


def test_a_status_in_a_file_proves_nothing() -> None:
    """A period that began long ago would make any end too late, a closed one end the grant."""
    status = 'status: {periodStart: "2026-01-01T00:00:00Z", closedAt: "2027-01-01T00:00:00Z"}\n'
    assert said(grant("a") + status) == []
    [denied] = said(grant("a", end="2026-11-24T00:00:00Z") + status)
    assert "expiresAt 2026-11-24T00:00Z is more than 24h" in denied


def test_what_is_over_or_revoked_is_not_judged() -> None:
    wide = "ipRanges: [20.50.0.0/20]"
    assert (
        said(grant("a", ranges=wide, end=OVER), grant("b", ranges=f"{wide}, revoked: true")) == []
    )


def test_only_a_namespace_of_kubernetes_tells_a_namespaces_labels() -> None:
    """Service Bus and others have a kind of that name too."""
    others = (
        "---\napiVersion: servicebus.azure.com/v1\nkind: Namespace\n"
        "metadata: {name: team-a, labels: {tier: dev}}\n"
    )
    Path("targets.yaml").write_text(
        TARGET.format(policy="maxDuration: 24h").replace(
            "{from: All}", "{from: Selector, selector: {matchLabels: {tier: dev}}}"
        )
        + others
    )
    Path("grants.yaml").write_text(grant("a"))
    _, out, _ = execute("aks-access validate grants.yaml --targets targets.yaml")
    assert "Labels of namespace team-a are not known" in out
    Path("targets.yaml").write_text(
        Path("targets.yaml").read_text().replace("servicebus.azure.com/v1", "v1")
    )
    assert execute("aks-access validate grants.yaml --targets targets.yaml")[0] == 0


def test_a_target_that_is_to_be_merged_counts_instead_of_the_one_of_now() -> None:
    Path("grants.yaml").write_text(TARGET.format(policy="maxDuration: 4h") + grant("a"))
    Path("targets.yaml").write_text(TARGET.format(policy="maxDuration: 24h"))
    code, out, _ = execute("aks-access validate grants.yaml --targets targets.yaml")
    assert code == 1
    assert "is more than 4h" in out

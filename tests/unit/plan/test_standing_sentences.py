"""What people read on a grant that is not refused, word for word."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.plan.outcome import AccessState as S
from aks_access.plan.outcome import Verdict
from aks_access.plan.pace import Bucket, Paced
from aks_access.plan.standing_sentences import (
    contested_sentence,
    overdue_sentence,
    paced_sentence,
    pending_sentence,
    verdict_sentence,
)
from tests.unit.plan.build import HOUR, NOW, grant, ranges

AAG = grant("dev-laptop", "81.2.69.142")
LATER, COUNTED = replace(AAG, not_before=NOW), replace(AAG, duration=HOUR)
END = NOW + 6 * HOUR
COVER = (("81.2.69.142/32", "81.2.69.0/24 (foreign)"),)


def stood(state: S, **fields: object) -> Verdict:
    return Verdict(
        **{"grant": AAG, "state": state, "ranges": ranges("81.2.69.142"), "ends": END, **fields}  # type: ignore[arg-type]
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

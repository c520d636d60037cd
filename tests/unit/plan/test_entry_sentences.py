"""What people read of entries that are refused, contended, too many or too wide, word for word."""

from collections.abc import Mapping

import pytest

from aks_access.api.reasons import TargetReason as R
from tests.unit.plan.said import say


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            R.CAPACITY_EXCEEDED,
            {},
            "Not every grant fits into the 200 entries that AKS takes. Merge ranges, or end "
            "grants; VNet integration raises the limit to 2,000.",
        ),
        (
            R.CAPACITY_EXCEEDED,
            {"limit": "2000", "next": "team-a/x, 2026-11-22T18:00Z"},
            "Not every grant fits into the 2000 entries that AKS takes. Next to free: team-a/x, "
            "2026-11-22T18:00Z. Merge ranges, or end grants.",
        ),
        (
            R.CAPACITY_EXCEEDED,
            {"limit": "200", "platform": "40.0.0.0/24 and 7 more", "grants": ""},
            "Left out, because the 200 entries that AKS takes are used up: 40.0.0.0/24 and 7 more "
            "of baseline or egress. Merge ranges, or shorten spec.baseline; VNet integration "
            "raises the limit to 2,000.",
        ),
        (
            R.CAPACITY_EXCEEDED,
            {"limit": "2000", "platform": "40.0.0.0/24", "grants": "yes", "next": "a/x, then"},
            "Left out, because the 2000 entries that AKS takes are used up: 40.0.0.0/24 of "
            "baseline or egress. Not every grant fits into the 2000 entries that AKS takes. Next "
            "to free: a/x, then. Merge ranges, or shorten spec.baseline and end grants.",
        ),
        (
            R.CONFLICTING_OWNER,
            {},
            "Something else keeps undoing our writes: entries are added again once an hour only; "
            "removals stay prompt. Find it (an az script, Terraform's authorized_ip_ranges, "
            "another operator), leave each entry to one of the two, then annotate aat/prod with "
            "reconcile.aksaccess.dev/requestedAt.",
        ),
        (
            R.CONFLICTING_OWNER,
            {"entries": "20.0.0.1/32", "again": "2026-11-22T13:00Z"},
            "Something else keeps undoing our writes (20.0.0.1/32): entries are added again once "
            "an hour only, next at 2026-11-22T13:00Z; removals stay prompt. Find it (an az "
            "script, Terraform's authorized_ip_ranges, another operator), leave each entry to one "
            "of the two, then annotate aat/prod with reconcile.aksaccess.dev/requestedAt.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "standing"},
            "Azure refuses the list of prod even without additions: it gave no reason. An entry "
            "that stands there already is to blame: correct or remove that one in Azure. Until "
            "then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {
                "phase": "standing",
                "said": "Bad range",
                "entries": "20.0.0.1/32",
                "next": "2026-11-22T13:00Z",
            },
            "Azure refuses the list of prod even without additions: Bad range. It names "
            "20.0.0.1/32: correct or remove that one in Azure. Until then nothing is added. Next "
            "try at 2026-11-22T13:00Z.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "standing", "said": "Bad.", "entries": "20.0.0.1/32", "foreign": "yes"},
            "Azure refuses the list of prod even without additions: Bad. It names 20.0.0.1/32, "
            "which is not ours: correct or remove that one in Azure. Until then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "own", "said": "Bad range", "entries": "20.0.0.1/32"},
            "Azure refuses 20.0.0.1/32 of baseline or egress: Bad range. Mend spec.baseline or "
            "spec.nodeEgress of aat/prod; until then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "own", "entries": "20.0.0.1/32", "next": "2026-11-22T13:00Z"},
            "Azure refuses 20.0.0.1/32 of baseline or egress: it gave no reason. Mend "
            "spec.baseline or spec.nodeEgress of aat/prod; until then nothing is added. Next try "
            "at 2026-11-22T13:00Z.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "own"},
            "Azure refuses an entry of baseline or egress: it gave no reason. Mend spec.baseline "
            "or spec.nodeEgress of aat/prod; until then nothing is added.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "halving", "said": "Bad range", "grants": "4"},
            "Azure refused a list with additions: Bad range. Which of 4 grants is to blame is "
            "being found out, the others follow. Nothing to do.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "platform", "said": "Bad range", "grants": "0"},
            "Azure refused a list with additions of baseline or egress: Bad range. Whether these "
            "are to blame is being found out. Nothing to do.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "platform", "grants": "0", "next": "2026-11-22T13:00Z"},
            "Azure refused a list with additions of baseline or egress: it gave no reason. Whether "
            "these are to blame is being found out. Next try at 2026-11-22T13:00Z.",
        ),
        (
            R.WRITE_REFUSED,
            {"phase": "control", "next": "2026-11-22T13:00Z"},
            "Azure refused a list with additions: it gave no reason. Which of several grants is "
            "to blame is being found out, the others follow. Next try at 2026-11-22T13:00Z.",
        ),
        (
            R.BROAD_ENTRY,
            {},
            "So wide that the list protects little: An entry, not ours: stays until "
            "it is taken out in Azure, or mode is Exclusive.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "AzureCloud", "platform": ""},
            "So wide that the list protects little: AzureCloud, not ours: stays "
            "until it is taken out in Azure, or mode is Exclusive.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "", "platform": "20.0.0.0/8"},
            "So wide that the list protects little: 20.0.0.0/8: narrow it in "
            "baseline or nodeEgress.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "AzureCloud", "platform": "20.0.0.0/8"},
            "So wide that the list protects little: AzureCloud, not ours: stays "
            "until it is taken out in Azure, or mode is Exclusive. 20.0.0.0/8: narrow it in "
            "baseline or nodeEgress.",
        ),
        (
            R.BROAD_ENTRY,
            {"entries": "", "platform": "", "going": "30.0.0.0/8"},
            "So wide that the list protects little: 30.0.0.0/8, wanted by nobody any more: goes "
            "once what else is reported here is settled.",
        ),
    ],
)
def test_a_finding_names_the_way_out(reason: R, details: Mapping[str, str], said: str) -> None:
    assert say(reason, details) == said

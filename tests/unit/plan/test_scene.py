"""From which list a plan starts, and how much of an unusable target's word still counts."""

from dataclasses import replace

import pytest

from aks_access.plan.adoption import Adoption
from aks_access.plan.ledger import Ledger, Search, SearchPhase
from aks_access.plan.model import Cause, Problem
from aks_access.plan.scene import set_scene
from tests.unit.plan.build import (
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    planned,
    ranges,
    target,
    wanted_entries,
    world,
)

OTHER, OURS, BOTH, WANTED = "30.0.0.0/24", "20.0.0.1/32", "40.0.0.2/32", "40.0.0.1"
BROKEN = (Problem("spec.mode", "x", "is unknown"),)
CLEARED = ledger(
    entry(OURS, "a"), entry(BOTH, "a", "baseline"), verified=(OTHER, OURS, BOTH, WANTED)
)


def goes_back(books: Ledger) -> tuple[str, ...]:
    """What of the cleared list a plan starts from; the baseline wants `WANTED`."""
    place = target(baseline=ranges(WANTED))
    scene = set_scene(
        world=world(target=place), view=cluster(is_open=True), adoption=Adoption(books)
    )
    return tuple(scene.base.spelling.values())


def test_i12_a_cleared_list_goes_back_as_it_was_spelt() -> None:
    assert goes_back(CLEARED) == CLEARED.verified


@pytest.mark.parametrize(
    ("phase", "back"),
    [
        (SearchPhase.CONTROL, (OTHER, BOTH, WANTED)),
        (SearchPhase.PLATFORM, (OTHER, BOTH, WANTED)),
        (SearchPhase.OWN, (OTHER, BOTH, WANTED)),
        (SearchPhase.HALVING, (OTHER, BOTH, WANTED)),
        (SearchPhase.STANDING, (OURS, BOTH, WANTED)),
    ],
)
def test_i12_a_cleared_list_that_aks_refuses_goes_back_without_what_may_be_to_blame(
    phase: SearchPhase, back: tuple[str, ...]
) -> None:
    books = replace(CLEARED, search=Search(phase=phase, message="Bad range."))
    assert goes_back(books) == back, "but what the platform wants always goes back"


@pytest.mark.parametrize(
    ("said", "left"),
    [("Revoke", {OTHER}), ("Detach", None), ("", {OTHER, OURS})],
)
def test_i3_a_target_that_goes_with_an_unusable_spec_does_what_its_last_usable_one_said(
    said: str, left: set[str] | None
) -> None:
    plan = planned(
        grant("a", OURS),
        view=cluster(OTHER, OURS),
        on=target(problems=BROKEN, deletion_policy=None, deleting=NOW),
        with_ledger=ledger(entry(OURS, "a"), deletion_policy=said),
    )
    assert (plan.desired and wanted_entries(plan)) == left
    went = {change.entry: change.cause for change in plan.removals}
    assert went == ({OURS: Cause.TARGET_DELETED} if said == "Revoke" else {})

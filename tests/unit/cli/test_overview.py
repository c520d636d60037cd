"""All targets: which comes first, the sums, and what is shown while somebody watches."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from aks_access.cli.reports import screen
from aks_access.cli.reports.overview import EVERY, Health, Overview, changes, overview
from aks_access.errors import KubeError
from tests.unit.cli import scene
from tests.unit.cli.transcript import NOW

TARGETS = [each for each in scene.objects() if each["kind"] == "ApiAccessTarget"]


def test_what_hangs_comes_first_and_an_overdue_removal_before_all() -> None:
    found = overview(TARGETS, now=NOW)
    assert [(each.name, each.health) for each in found.lines] == [
        ("prod-neu", Health.HANGS),
        ("lab", Health.HANGS),
        ("vault", Health.HANGS),
        ("dev-weu", Health.FINE),
        ("prod-weu", Health.FINE),
    ]
    assert found.sums() == (
        "5 targets: 3 to be looked after, 2 as they should be. 2 live grants, 6 entries. "
        "Next: 16:00Z."
    )


def test_an_old_report_is_not_taken_for_good_health() -> None:
    found = overview(TARGETS, now=NOW + timedelta(days=1))
    late = {each.name: each.health for each in found.lines}
    assert (late["prod-weu"], late["dev-weu"]) == (Health.UNKNOWN, Health.UNKNOWN)


def test_nothing_at_all_is_said_too() -> None:
    assert overview([], now=NOW).sums() == "There are no targets."


class _Read:
    """Looks that find these, one after another; then somebody presses Ctrl-C."""

    def __init__(self, *found: Overview | KubeError) -> None:
        self._found = iter(found)

    def __call__(self) -> Overview:
        found = next(self._found, None)
        if found is None:
            raise KeyboardInterrupt
        if isinstance(found, KubeError):
            raise found
        return found


def followed(*found: Overview | KubeError) -> tuple[list[Overview], list[float]]:
    """What is shown, and how long was waited, until Ctrl-C."""
    pauses: list[float] = []
    states = changes(overview(TARGETS, now=NOW), read=_Read(*found), pause=pauses.append)
    shown: list[Overview] = []
    with contextlib.suppress(KeyboardInterrupt):
        for each in states:
            shown.append(each)  # noqa: PERF402 (kept where the iterator raises)
    return shown, pauses


def test_only_changes_are_shown() -> None:
    first = overview(TARGETS, now=NOW)
    fewer = replace(first, lines=first.lines[1:])
    shown, pauses = followed(first, fewer, fewer)
    assert shown == [first, fewer]
    assert pauses == [EVERY] * 4


def test_a_look_that_fails_is_shown_beside_what_was_seen_last_and_the_next_is_tried() -> None:
    first = overview(TARGETS, now=NOW)
    shown, _ = followed(KubeError("gone"), KubeError("gone"), first)
    assert shown == [first, replace(first, failure="gone"), first]


def test_a_pipe_gets_each_state_below_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    first = overview(TARGETS, now=NOW)
    none = replace(first, lines=())
    screen.follow(changes(first, read=_Read(first, none), pause=lambda _: None))
    said = capsys.readouterr().out
    assert said.count("5 targets: ") == 1
    assert said.endswith("\n\nThere are no targets.\n")

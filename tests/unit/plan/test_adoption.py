"""I7, I8: what a ledger is worth beside the cluster and target of today."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from aks_access.api.modes import Mode
from aks_access.plan.adoption import (
    Adoption,
    acknowledgement_code,
    adopt,
    fresh,
    inherited,
    lost_code,
)
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import (
    Conflict,
    EntryState,
    Ledger,
    LedgerEntry,
    RefusedGrant,
    Reversal,
    Search,
    SearchPhase,
    WriteInFlight,
)
from aks_access.plan.model import Grant, Identity, Problem, RangeSet, Target, activation_key
from aks_access.plan.pace import Turn
from aks_access.plan.settlement import cluster_gone
from tests.unit.plan.build import (
    HOUR,
    ID,
    KEY,
    NOW,
    cluster,
    entry,
    grant,
    ledger,
    range_set,
    target,
)

VIEW = cluster("30.0.0.0/24", "20.0.0.1", "20.0.0.2/32")
OURS = Identity(client_id="c9")
ON = target(mode=Mode.EXCLUSIVE, identity=OURS)
FLIGHT = WriteInFlight(
    desired=("20.0.0.1/32",), added=("20.0.0.1/32",), removed=(), started=NOW - HOUR
)
PAST = {"writes": (NOW - HOUR,), "turns": (Turn(at=NOW - HOUR, added=("team-a",)),), "version": "7"}


def adopted(
    stored: Ledger | None,
    *grants: Grant,
    on: Target = ON,
    view: ClusterView = VIEW,
    unreadable: str = "",
    sets: Mapping[str, RangeSet] | None = None,
    activations: Mapping[str, datetime] | None = None,
    unattended: datetime | None = None,
    newer: bool = False,
    guessed: Ledger | None = None,
) -> Adoption:
    return adopt(
        stored=stored,
        unreadable=unreadable,
        target=on,
        view=view,
        grants={item.uid: item for item in grants},
        sets=sets or {},
        activations=activations or {},
        now=NOW,
        unattended=unattended,
        newer=newer,
        guessed=guessed,
    )


def owned(text: str, *owners: str) -> LedgerEntry:
    """An entry that was guessed just now."""
    return entry(text, *owners, since=NOW)


EMPTY = Ledger(
    key=KEY,
    resource_id=ID,
    target_name="prod",
    target_uid="t1",
    mode="Exclusive",
    identity=OURS,
    deletion_policy="Revoke",
    resource_uid="cluster-1",
    verified=VIEW.ranges,
)


def test_i7_at_first_sight_the_ledger_is_empty_and_names_cluster_and_target() -> None:
    assert adopted(None) == Adoption(EMPTY)
    unseen = replace(EMPTY, resource_uid=None, verified=None)
    assert fresh(target=ON, view=None) == unseen
    assert fresh(target=ON, view=None, sequence=4) == replace(unseen, sequence=4)


@pytest.mark.parametrize(
    "stored",
    [
        ledger(entry("20.0.0.1", "a"), detached=True, **PAST),
        ledger(entry("20.0.0.1", "a"), resource_uid="cluster-0", **PAST),
    ],
)
def test_i7_what_is_about_nothing_of_ours_starts_anew_with_the_writes_it_remembers(
    stored: Ledger,
) -> None:
    assert adopted(stored) == Adoption(replace(EMPTY, sequence=3, **PAST))  # type: ignore[arg-type]


def test_a_ledger_follows_its_target_and_cluster() -> None:
    stored = ledger(entry("20.0.0.1", "a"), target_name="old", target_uid="t0", resource_id="/x")
    followed = replace(
        stored,
        target_name="prod",
        target_uid="t1",
        former_names=("old",),
        resource_id=ID,
        mode="Exclusive",
        identity=OURS,
        deletion_policy="Revoke",
    )
    assert adopted(stored) == Adoption(followed)
    unknown = replace(stored, resource_uid=None)
    assert adopted(unknown).ledger.resource_uid == "cluster-1"
    silent = replace(VIEW, resource_uid=None)
    assert adopted(stored, view=silent).ledger.resource_uid == "cluster-1"


def test_i8_an_unusable_spec_is_not_mirrored() -> None:
    broken = replace(ON, problems=(Problem("spec.mode", "x", "wrong"),))
    stored = ledger(target_name="old", target_uid="t0", resource_id="/x", identity=Identity("c1"))
    assert adopted(stored, on=broken) == Adoption(
        replace(stored, target_name="prod", target_uid="t1", former_names=("old",))
    )


def test_i8_what_an_unusable_spec_says_of_its_deletion_is_not_remembered() -> None:
    assert fresh(target=ON, view=VIEW).deletion_policy == "Revoke"
    broken = replace(ON, problems=(Problem("spec.mode", "x", "wrong"),))
    assert fresh(target=broken, view=VIEW).deletion_policy == ""
    silent = replace(broken, deletion_policy=None)
    assert fresh(target=silent, view=VIEW).deletion_policy == ""


@pytest.mark.parametrize(
    ("stored", "remembered", "unreadable", "problem"),
    [
        (None, 0, "", "the ledger is gone"),
        (None, None, "it is torn", "it is torn"),
        (ledger(sequence=2), 3, "", "the ledger is at 2, the target remembers 3"),
        (ledger(), 3, "", ""),
        (ledger(), 2, "", ""),
        (ledger(lost="since monday"), 3, "", "since monday"),
    ],
)
def test_i8_a_ledger_that_is_missing_or_older_than_remembered_is_lost(
    stored: Ledger | None, remembered: int | None, unreadable: str, problem: str
) -> None:
    found = adopted(stored, on=replace(ON, ledger_sequence=remembered), unreadable=unreadable)
    assert (found.lost, found.ledger.lost, found.newer) == (problem, problem, False)


GRANTS = (grant("a", "20.0.0.1", "50.0.0.1"), grant("b", "20.0.0.1"), grant("s", range_sets=("o",)))
SETS = {"o": range_set("o", "20.0.0.2")}
GUESS = {
    "20.0.0.1/32": owned("20.0.0.1", "a", "b"),
    "20.0.0.2/32": owned("20.0.0.2", "s"),
}
NAMES = {"a": "team-a/a", "b": "team-a/b", "s": "team-a/s"}


def test_i8_of_a_ledger_that_is_gone_every_entry_that_a_grant_names_is_ours() -> None:
    on = replace(ON, ledger_sequence=9)
    for grants in (GRANTS, GRANTS[::-1]):
        assert adopted(None, *grants, on=on, sets=SETS) == Adoption(
            replace(EMPTY, sequence=9, entries=GUESS, names=NAMES, lost="the ledger is gone"),
            "the ledger is gone",
        )
    assert adopted(None, on=replace(on, ledger_sequence=0)).ledger.sequence == 0
    torn = adopted(None, unreadable="it is torn").ledger
    assert torn.sequence == 0


def test_i8_what_an_older_ledger_says_is_ours_stays_so_and_its_write_is_doubted() -> None:
    older = ledger(
        entry("20.0.0.1", "x"),
        entry("20.0.0.9", "y", state=EntryState.INTENDED),
        sequence=2,
        names={"x": "team-x/x"},
        in_flight=FLIGHT,
        verified=("1.1.1.1",),
        **PAST,
    )
    found = adopted(older, *GRANTS, on=replace(ON, ledger_sequence=3), sets=SETS).ledger
    assert found == replace(
        EMPTY,
        sequence=3,
        entries={
            "20.0.0.1/32": entry("20.0.0.1", "x"),
            "20.0.0.9/32": entry("20.0.0.9", "y", state=EntryState.INTENDED, unsettled=True),
            "20.0.0.2/32": owned("20.0.0.2", "s"),
        },
        names={"x": "team-x/x", "s": "team-a/s"},
        lost="the ledger is at 2, the target remembers 3",
        foreign=("1.1.1.1/32",),
        **PAST,  # type: ignore[arg-type]
    )
    cleared = adopted(older, on=replace(ON, ledger_sequence=3), view=cluster(is_open=True))
    assert cleared.ledger.verified == ("1.1.1.1",)


def test_i2_what_was_somebody_elses_in_the_last_known_list_is_no_grants_after_a_loss() -> None:
    older = ledger(sequence=2, verified=("30.0.0.0/24", "20.0.0.1"))
    found = adopted(older, *GRANTS, on=replace(ON, ledger_sequence=3), sets=SETS).ledger
    assert found.entries == {"20.0.0.2/32": owned("20.0.0.2", "s")}
    assert found.foreign == ("20.0.0.1/32", "30.0.0.0/24")


def test_i8_a_ledger_that_was_lost_before_keeps_its_own_writes() -> None:
    intended = entry("20.0.0.9", "y", state=EntryState.INTENDED)
    stored = ledger(intended, lost="since monday", in_flight=FLIGHT)
    found = adopted(stored, on=replace(ON, ledger_sequence=3)).ledger
    assert found.in_flight == FLIGHT
    assert found.entries == {"20.0.0.9/32": intended}
    later = adopted(replace(stored, sequence=5), on=replace(ON, ledger_sequence=3)).ledger
    assert later.sequence == 5


@pytest.mark.parametrize("fields", [{"detached": True}, {"resource_uid": "cluster-0"}])
def test_i8_an_older_ledger_of_something_else_says_nothing(fields: dict[str, object]) -> None:
    older = ledger(entry("20.0.0.9", "x"), sequence=2, **{**PAST, **fields})
    found = adopted(older, on=replace(ON, ledger_sequence=3)).ledger
    assert found.entries == {}
    assert found.sequence == 3
    assert (found.version, found.writes, found.turns) == (older.version, older.writes, older.turns)


def test_i8_a_guess_is_trusted_once_its_very_code_is_acknowledged() -> None:
    waiting = adopted(None, *GRANTS, on=replace(ON, ledger_sequence=3), sets=SETS)
    code = lost_code(waiting.ledger)
    accepted = replace(ON, ledger_sequence=3, acknowledge=code)
    found = adopted(None, *GRANTS, on=accepted, sets=SETS)
    assert found == Adoption(replace(waiting.ledger, lost=""))
    assert adopted(None, *GRANTS[:1], on=accepted, sets=SETS).lost, "another guess"
    newer = adopted(None, *GRANTS, on=accepted, sets=SETS, newer=True)
    assert newer == Adoption(waiting.ledger, "the ledger is gone", newer=True)


def test_i8_a_code_is_that_of_case_cluster_sequence_and_entries() -> None:
    def code(case: str = "LedgerLost", sequence: int = 3, *entries: str) -> str:
        return acknowledgement_code(case=case, sequence=sequence, cluster=KEY, entries=entries)

    assert code() == lost_code(ledger()) == "0d5b45b1b7"
    assert code("LedgerLost", 3, "a", "b") == code("LedgerLost", 3, "b", "a")
    assert len({code(), code("Other"), code(sequence=4), code("LedgerLost", 3, "a")}) == 4


READY = {
    "type": "Ready",
    "status": "False",
    "reason": "LedgerLost",
    "message": "it is gone",
    "lastTransitionTime": "2026-11-22T10:00:00Z",
}
LATE, EARLY = NOW - HOUR, NOW - 2 * HOUR


@pytest.mark.parametrize(
    ("conditions", "created", "claims"),
    [
        ([READY], LATE, False),
        ([READY], EARLY, True),
        ([{**READY, "type": "Accepted"}, READY], LATE, False),
        ([{**READY, "status": "True"}], LATE, True),
        ([{**READY, "lastTransitionTime": "yesterday"}], LATE, True),
        ([{**READY, "status": "True"}, READY], LATE, True),
        ([], NOW, True),
        (None, LATE, True),
    ],
)
def test_i8_a_grant_that_came_after_the_loss_was_seen_claims_nothing(
    conditions: object, created: datetime, claims: bool
) -> None:
    on = replace(ON, ledger_sequence=3, status={"conditions": conditions})
    item = grant("a", "20.0.0.1", created=created)
    found = adopted(None, item, on=on).ledger.entries
    assert found == ({"20.0.0.1/32": owned("20.0.0.1", "a")} if claims else {})


def test_i8_what_was_guessed_before_stays_ours_though_its_grant_is_gone() -> None:
    earlier = ledger(
        entry("60.0.0.1", "gone"),
        entry("20.0.0.1", "a", due=NOW - HOUR),
        entry("20.0.0.2", "gone"),
        entry("30.0.0.0/24", "baseline", "egress"),
        names={"gone": "team-a/gone", "a": "team-a/old"},
    )
    on = replace(ON, ledger_sequence=3)
    found = adopted(None, grant("a", "20.0.0.1"), on=on, guessed=earlier).ledger
    assert found.entries == {
        "20.0.0.1/32": replace(owned("20.0.0.1", "a"), due=NOW - HOUR),
        "20.0.0.2/32": entry("20.0.0.2", "gone"),
    }
    assert found.names == {"gone": "team-a/gone", "a": "team-a/a"}
    another = adopted(None, on=on, guessed=replace(earlier, resource_uid="cluster-0"))
    assert another.ledger.entries == {}


def test_i8_a_loss_that_is_not_acknowledged_yet_is_guessed_anew_at_each_look() -> None:
    stored = ledger(lost="since monday")
    earlier = ledger(entry("30.0.0.0/24", "gone"))
    found = adopted(stored, *GRANTS, sets=SETS, guessed=earlier)
    assert found.ledger.entries == {**GUESS, "30.0.0.0/24": entry("30.0.0.0/24", "gone")}


def test_i8_an_earlier_guess_changes_nothing_that_the_ledger_knows_better() -> None:
    stored = ledger(
        entry("20.0.0.1", "a", due=NOW), entry("20.0.0.2", state=EntryState.WITHDRAWN), lost="gone"
    )
    earlier = ledger(
        entry("20.0.0.1", "b", due=NOW - HOUR),
        entry("20.0.0.2", "b", due=NOW - HOUR),
        entry("30.0.0.0/24", state=EntryState.WITHDRAWN),
    )
    found = adopted(stored, on=replace(ON, ledger_sequence=3), guessed=earlier)
    assert found.ledger.entries == stored.entries


def test_i8_after_a_time_without_a_leader_the_list_is_held_against_the_ledger() -> None:
    counted = grant("a", "20.0.0.7", duration=HOUR, expires_at=None)
    stored = ledger(entry("20.0.0.7", "a"), verified=("30.0.0.0/24", "20.0.0.7/32"))
    view = cluster("30.0.0.0/24")

    def lost(books: Ledger = stored, since: datetime | None = NOW - HOUR, **fields: object) -> str:
        return adopted(books, counted, view=view, unattended=since, **fields).lost  # type: ignore[arg-type]

    assert lost() == (
        "nobody led since 2026-11-22T11:00Z, and meanwhile 20.0.0.7/32 went (somebody else edited "
        "the list, or the management cluster is from a backup)"
    )
    assert lost(since=None) == ""
    assert lost(activations={activation_key(counted): NOW - HOUR}) == "", "it is over"
    assert lost(replace(stored, lost="since monday")) == "since monday"


def test_i8_without_its_target_a_ledger_counts_for_its_own_cluster_only() -> None:
    stored = ledger(
        entry("20.0.0.1", "a"),
        names={"a": "team-a/a"},
        in_flight=FLIGHT,
        lost="since monday",
        foreign=("30.0.0.0/24",),
    )
    here = inherited(stored=stored, view=VIEW, acknowledge="another-code")
    assert here == Adoption(stored, "since monday")
    accepted = inherited(stored=stored, view=VIEW, acknowledge=lost_code(stored))
    assert accepted == Adoption(replace(stored, lost="", foreign=None))
    another = replace(VIEW, resource_uid="cluster-2")
    assert inherited(stored=stored, view=another, acknowledge="") == Adoption(
        replace(
            stored,
            resource_uid="cluster-2",
            entries={},
            names={},
            in_flight=None,
            verified=VIEW.ranges,
            lost="",
            foreign=None,
        )
    )


def test_i7_a_cluster_that_was_made_anew_inherits_nothing_of_the_old_ones_troubles() -> None:
    stored = ledger(
        entry("20.0.0.1", "a"),
        search=Search(phase=SearchPhase.STANDING, message="no"),
        refused={"a": RefusedGrant(asks="1-x", message="no")},
        reversals=(Reversal(at=NOW),),
        conflict=Conflict(since=NOW),
        ousted={"20.0.0.9/32": NOW},
        names={"a": "team-a/a"},
        in_flight=FLIGHT,
        **PAST,  # type: ignore[arg-type]
    )
    another = replace(VIEW, resource_uid="cluster-2")
    found = inherited(stored=stored, view=another, acknowledge="").ledger
    bare = ledger(resource_uid="cluster-2", verified=VIEW.ranges, **PAST)  # type: ignore[arg-type]
    assert found == bare
    gone = cluster_gone(ledger=stored, now=NOW)
    kept = {item.range: item for item in gone.entries.values()}
    assert gone == replace(bare, resource_uid="cluster-1", verified=None, entries=kept)

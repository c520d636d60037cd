"""The store believes the newest, keeps the dead dead, and lets a complete list replace all."""

from collections.abc import Mapping
from typing import Any

import pytest

from aks_access.engine.ports import Kind
from aks_access.engine.store import Changed, Store
from aks_access.plan.model import GrantUid
from tests.unit.api import specs

Raw = dict[str, Any]


def grant(uid: str, version: int, *, name: str = "laptop", reason: str = "") -> Raw:
    return {
        "metadata": {
            "name": name,
            "namespace": "team-a",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": 1,
        },
        "spec": {**specs.GRANT, "reason": reason},
    }


class Seen:
    def __init__(self) -> None:
        self.changes: list[Changed] = []
        self.store = Store(on_change=self.changes.append, argo_instance_label="argo")

    def reason(self, uid: str) -> str | None:
        found = self.store.grant(GrantUid(uid))
        return found.reason if found is not None else None

    def list_all(self, *raws: Mapping[str, object], version: int) -> None:
        self.store.listing(Kind.GRANT)
        self.store.replaced(Kind.GRANT, raws, str(version))


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_an_older_hint_changes_nothing(seen: Seen) -> None:
    seen.store.changed(Kind.GRANT, grant("u1", 9, reason="new"))
    seen.store.changed(Kind.GRANT, grant("u1", 7, reason="old"))
    seen.store.changed(Kind.GRANT, grant("u1", 9, reason="again"))
    assert seen.reason("u1") == "new"
    assert len(seen.changes) == 1


def test_i3_a_late_answer_does_not_bring_a_deleted_object_back(seen: Seen) -> None:
    seen.store.changed(Kind.GRANT, grant("u1", 5))
    seen.store.deleted(Kind.GRANT, grant("u1", 6))
    seen.store.changed(Kind.GRANT, grant("u1", 8))
    assert seen.reason("u1") is None
    assert [change.after is None for change in seen.changes] == [False, True]
    assert seen.changes[-1].seen


def test_a_list_that_began_before_the_deletion_does_not_bring_it_back(seen: Seen) -> None:
    seen.store.changed(Kind.GRANT, grant("u1", 5))
    seen.store.listing(Kind.GRANT)
    seen.store.deleted(Kind.GRANT, grant("u1", 6))
    seen.store.replaced(Kind.GRANT, [grant("u1", 5)], "5")
    assert seen.reason("u1") is None


def test_the_dead_are_remembered_until_a_list_that_began_later(seen: Seen) -> None:
    seen.store.deleted(Kind.GRANT, grant("u1", 6))
    seen.store.changed(Kind.GRANT, grant("u1", 7))
    assert seen.reason("u1") is None
    seen.list_all(grant("u1", 3, reason="restored"), version=4)
    assert seen.reason("u1") == "restored"


def test_a_namesake_is_another_object(seen: Seen) -> None:
    seen.store.changed(Kind.GRANT, grant("u1", 5))
    seen.store.deleted(Kind.GRANT, grant("u1", 6))
    seen.store.changed(Kind.GRANT, grant("u2", 7, reason="second"))
    assert seen.reason("u2") == "second"
    assert set(seen.store.grants()) == {"u2"}


def test_i8_a_complete_list_of_a_restored_server_replaces_all_whatever_its_versions(
    seen: Seen,
) -> None:
    seen.list_all(grant("u1", 900, reason="late"), grant("u2", 901), version=950)
    seen.list_all(grant("u1", 40, reason="early"), version=41)
    assert seen.reason("u1") == "early"
    assert seen.reason("u2") is None
    assert not seen.changes[-1].seen


def test_what_a_watch_brought_while_the_list_was_read_stays(seen: Seen) -> None:
    seen.store.listing(Kind.GRANT)
    seen.store.changed(Kind.GRANT, grant("u1", 12, reason="newer"))
    seen.store.changed(Kind.GRANT, grant("u2", 13, reason="created meanwhile"))
    seen.store.replaced(Kind.GRANT, [grant("u1", 8, reason="older")], "10")
    assert seen.reason("u1") == "newer"
    assert seen.reason("u2") == "created meanwhile"


def test_an_object_that_a_later_list_lacks_is_gone_though_a_watch_touched_it(seen: Seen) -> None:
    seen.store.listing(Kind.GRANT)
    seen.store.changed(Kind.GRANT, grant("u1", 12))
    seen.store.replaced(Kind.GRANT, [], "20")
    assert seen.reason("u1") is None


def test_it_is_synced_only_when_every_kind_was_listed(seen: Seen) -> None:
    for kind in Kind:
        assert not seen.store.synced
        seen.store.listing(kind)
        seen.store.replaced(kind, [], "1")
    assert (seen.store.synced, seen.store.complete) == (True, True)
    seen.store.list_failed(Kind.TARGET, "403")
    assert (seen.store.synced, seen.store.complete) == (True, False)
    assert seen.store.problems == {Kind.TARGET: "403"}
    seen.store.listing(Kind.TARGET)
    seen.store.replaced(Kind.TARGET, [], "2")
    assert seen.store.complete
    seen.store.forget_lists()
    assert not seen.store.synced


def test_i8_a_list_begun_before_the_lists_were_forgotten_does_not_count(seen: Seen) -> None:
    store = seen.store
    for kind in Kind:
        store.listing(kind)
    store.forget_lists()
    for kind in Kind:
        store.replaced(kind, [grant("u1", 5, reason="new")] if kind is Kind.GRANT else [], "9")
    assert not any(store.listed(kind) for kind in Kind)
    assert seen.reason("u1") == "new", "what it told is known all the same"
    store.listing(Kind.GRANT)
    store.list_failed(Kind.GRANT, "503")
    assert not store.listed(Kind.GRANT)
    for kind in Kind:
        store.listing(kind)
        store.replaced(kind, [], "9")
    assert store.complete


def test_what_does_not_parse_is_kept_as_invalid(seen: Seen) -> None:
    raw = grant("u1", 5)
    raw["spec"] = {"ipRanges": ["10.0.0.0/8"]}
    seen.store.changed(Kind.GRANT, raw)
    found = seen.store.grant(GrantUid("u1"))
    assert found is not None
    assert found.problems
    assert not found.ranges


def doubts(seen: Seen, *raws: Raw, version: int) -> list[tuple[str, str]]:
    found = seen.store.doubtful(Kind.GRANT, raws, str(version))
    return [(ref.uid, ref.resource_version) for ref in found]


def test_i8_what_a_list_drops_or_sets_back_is_doubtful(seen: Seen) -> None:
    seen.list_all(grant("gone", 5), grant("old", 6), grant("same", 7), version=8)
    seen.store.listing(Kind.GRANT)
    listed = [grant("old", 4), grant("same", 7), grant("new", 9)]
    assert doubts(seen, *listed, version=9) == [("gone", "5"), ("old", "6")]
    [ref] = seen.store.doubtful(Kind.GRANT, listed[1:], "9")[:1]
    assert (ref.namespace, ref.name) == ("team-a", "laptop")


def test_what_a_watch_told_of_meanwhile_is_not_doubtful(seen: Seen) -> None:
    seen.list_all(grant("a", 5), grant("b", 6), version=8)
    seen.store.listing(Kind.GRANT)
    seen.store.changed(Kind.GRANT, grant("a", 9))
    seen.store.deleted(Kind.GRANT, grant("b", 10))
    seen.store.changed(Kind.GRANT, grant("c", 11))
    assert doubts(seen, grant("a", 5), grant("b", 6), version=8) == []


def test_i8_what_a_list_drops_is_doubtful_though_it_was_touched_while_the_list_was_read(
    seen: Seen,
) -> None:
    seen.list_all(grant("a", 5), grant("b", 6), version=6)
    seen.store.listing(Kind.GRANT)
    seen.store.changed(Kind.GRANT, grant("a", 8))
    seen.store.changed(Kind.GRANT, grant("b", 10))
    assert doubts(seen, version=9) == [("a", "8")]
    seen.store.replaced(Kind.GRANT, [], "9")
    assert seen.store.grants().keys() == {"b"}


def test_i3_what_a_list_brings_back_is_doubtful(seen: Seen) -> None:
    seen.list_all(grant("a", 5), version=5)
    seen.store.deleted(Kind.GRANT, grant("a", 6))
    seen.store.listing(Kind.GRANT)
    assert doubts(seen, grant("a", 5), version=5) == [("a", "")]
    seen.store.replaced(Kind.GRANT, [], "7")
    seen.store.listing(Kind.GRANT)
    assert doubts(seen, grant("a", 5), version=5) == [("a", "")]
    assert doubts(seen, grant("b", 8), version=8) == []


def test_a_list_that_was_prepared_counts_only_once_it_is_complete(seen: Seen) -> None:
    seen.store.changed(Kind.GRANT, grant("u1", 5, reason="known"))
    seen.store.listing(Kind.GRANT)
    seen.store.prepare(Kind.GRANT, [grant("u1", 6, reason="listed"), grant("u2", 6)])
    assert (seen.reason("u1"), seen.reason("u2")) == ("known", None)
    seen.store.changed(Kind.GRANT, grant("u1", 7, reason="newer"))
    seen.store.replaced(
        Kind.GRANT, [grant("u1", 6, reason="listed"), grant("u2", 8, reason="later")], "8"
    )
    assert (seen.reason("u1"), seen.reason("u2")) == ("newer", "later")


OLD = {"name": "weu", "uid": "old", "resourceVersion": "5"}
NEW = {"name": "weu", "uid": "new", "resourceVersion": "7"}


def test_a_target_is_found_by_its_name_after_another_took_it(seen: Seen) -> None:
    old, new = ({"metadata": meta, "spec": specs.TARGET} for meta in (OLD, NEW))
    seen.store.changed(Kind.TARGET, old)
    seen.store.listing(Kind.TARGET)
    seen.store.replaced(Kind.TARGET, [new], "9")
    found = seen.store.target("weu")
    assert found is not None
    assert found.uid == "new"
    seen.store.deleted(Kind.TARGET, new)
    assert seen.store.target("weu") is None


@pytest.mark.parametrize("created", ["2026-05-01T12:00:00Z", "2026-05-01T11:00:00Z"])
def test_a_late_answer_about_its_predecessor_takes_no_target_its_name(
    seen: Seen, created: str
) -> None:
    """The predecessor's end was not seen, so it is not known to be dead."""
    began = {"old": created, "new": "2026-05-01T12:00:00Z"}
    old, new = (
        {"metadata": {**meta, "creationTimestamp": began[meta["uid"]]}, "spec": specs.TARGET}
        for meta in (OLD, NEW)
    )
    seen.store.changed(Kind.TARGET, old)
    seen.store.listing(Kind.TARGET)
    seen.store.replaced(Kind.TARGET, [new], "9")
    seen.store.changed(
        Kind.TARGET, {**old, "metadata": {**old["metadata"], "resourceVersion": "6"}}
    )
    found = seen.store.target("weu")
    assert found is not None
    assert found.uid == "new" or created == began["new"], "of the same second either may be it"
    seen.store.listing(Kind.TARGET)
    seen.store.replaced(Kind.TARGET, [new], "10")
    found = seen.store.target("weu")
    assert found is not None
    assert found.uid == "new"

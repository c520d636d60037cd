"""Complete lists from pages that expire, break off or are no lists."""

import asyncio
from collections.abc import Mapping

import pytest

from aks_access.engine.ports import Kind, ObjectRef
from aks_access.errors import KubeError, KubeNotFound
from aks_access.kube.relist import Relist
from tests.unit.kube.recording_feed import RecordingFeed


class Pages:
    """Answers one after the other; remembers what was asked."""

    def __init__(self, *answers: Mapping[str, object] | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, str]] = []

    async def get(
        self, path: str, *, query: Mapping[str, str] | None = None
    ) -> Mapping[str, object]:
        self.asked.append(dict(query or {}))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def page(*names: str, version: str = "10", more: str = "") -> Mapping[str, object]:
    return {
        "kind": "ApiAccessGrantList",
        "metadata": {"resourceVersion": version, "continue": more},
        "items": [{"metadata": {"name": name, "managedFields": []}} for name in names],
    }


EXPIRED = KubeError("expired", status=410)
KIND = Kind.GRANT


async def relist(*answers: Mapping[str, object] | BaseException) -> tuple[RecordingFeed, Pages]:
    feed, pages = RecordingFeed(), Pages(*answers)
    await Relist(connection=pages).relist(feed=feed, kinds=[KIND])
    assert not pages.answers
    return feed, pages


async def test_all_pages_make_one_list() -> None:
    feed, pages = await relist(page("a", "b", more="t"), page("c"))
    assert feed.calls == [("listing", KIND), ("replaced", KIND, ["a", "b", "c"], "10")]
    assert pages.asked == [{"limit": "500"}, {"limit": "500", "continue": "t"}]


async def test_expired_pages_start_the_list_anew() -> None:
    feed, pages = await relist(page("a", "b", more="t"), EXPIRED, page("b", version="20"))
    assert feed.calls == [("listing", KIND), ("replaced", KIND, ["b"], "20")]
    assert pages.asked[2] == {"limit": "500"}


async def test_a_list_that_always_expires_fails() -> None:
    first = page("a", more="t")
    feed, _ = await relist(first, EXPIRED, first, EXPIRED, first, EXPIRED)
    assert [call[0] for call in feed.calls] == ["listing", "failed"]


@pytest.mark.parametrize(
    "answer",
    [
        KubeError("503", status=503),
        {"kind": "Status", "metadata": {"resourceVersion": "1"}},
        {"kind": "ApiAccessGrantList", "metadata": {"resourceVersion": "1"}, "items": None},
        {"kind": "ApiAccessGrantList", "metadata": {}, "items": []},
        {},
    ],
)
async def test_half_a_list_is_never_handed_on(answer: Mapping[str, object] | KubeError) -> None:
    feed, pages = RecordingFeed(), Pages(page("a", more="t"), answer)
    if isinstance(answer, dict):
        pages.answers.pop(0)  # a first page must be sound too
    failures = await Relist(connection=pages).relist(feed=feed, kinds=[KIND])
    assert list(failures) == [KIND]
    assert [call[0] for call in feed.calls] == ["listing", "failed"]
    assert feed.calls[1][2] == str(failures[KIND])


async def test_one_kind_that_fails_does_not_stop_the_others() -> None:
    feed = RecordingFeed()
    pages = Pages(KubeError("403", status=403), page("n"))
    failures = await Relist(connection=pages).relist(feed=feed, kinds=[KIND, Kind.NAMESPACE])
    assert list(failures) == [KIND]
    assert [call[0] for call in feed.calls] == ["listing", "failed", "listing", "replaced"]


async def test_a_list_that_is_cancelled_is_reported_as_failed() -> None:
    feed, pages = RecordingFeed(), Pages(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await Relist(connection=pages).relist(feed=feed, kinds=[KIND])
    assert [call[0] for call in feed.calls] == ["listing", "failed"]


async def test_the_loop_gets_its_turn_while_many_objects_are_read() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    feed, _ = await relist(page(*map(str, range(1000))))
    counting.cancel()
    assert turns >= 10
    assert feed.pieces == [200] * 5


def known(uid: str = "u", *, version: str = "7", name: str = "a") -> ObjectRef:
    return ObjectRef(Kind.GRANT, name, uid, "team", version)


def stored(uid: str = "u", *, version: str = "7") -> Mapping[str, object]:
    return {"metadata": {"uid": uid, "resourceVersion": version}}


def listed(*uids: str) -> Mapping[str, object]:
    items = [{"metadata": {"name": uid, "uid": uid}} for uid in uids]
    return {"kind": "ApiAccessGrantList", "metadata": {"resourceVersion": "9"}, "items": items}


@pytest.mark.parametrize(
    ("answer", "page", "believed"),
    [
        pytest.param(stored(), listed(), False, id="lacks one that is there"),
        pytest.param(KubeNotFound("404"), listed(), True, id="lacks one that is gone"),
        pytest.param(stored("v"), listed(), True, id="lacks one whose name is another's"),
        pytest.param(KubeError("503"), listed(), False, id="lacks one that cannot be asked for"),
        pytest.param(stored(version="7"), listed("u"), False, id="has an old state"),
        pytest.param(stored(version="5"), listed("u"), True, id="has the state of a restore"),
        pytest.param(KubeNotFound("404"), listed("u"), False, id="has one that is gone"),
    ],
)
async def test_i8_a_list_is_believed_when_what_it_drops_is_gone(
    answer: Mapping[str, object] | KubeError, page: Mapping[str, object], believed: bool
) -> None:
    feed, pages = RecordingFeed(), Pages(page, answer)
    feed.doubts = [known()]
    failures = await Relist(connection=pages).relist(feed=feed, kinds=[KIND])
    assert [call[0] for call in feed.calls] == ["listing", "replaced" if believed else "failed"]
    assert believed or isinstance(answer, KubeError) or "team/a" in str(failures[KIND])


async def test_i8_not_every_object_of_many_is_asked_for() -> None:
    feed = RecordingFeed()
    feed.doubts = [known(str(number), name=f"n{number}") for number in range(200)]
    pages = Pages(listed(), *[KubeNotFound("404")] * 50)
    assert await Relist(connection=pages).relist(feed=feed, kinds=[KIND]) == {}
    assert not pages.answers


async def test_security_a_known_object_without_a_name_stops_no_list() -> None:
    feed = RecordingFeed()
    feed.doubts = [ObjectRef(KIND, "", "", "", "0")]
    assert await Relist(connection=Pages(listed())).relist(feed=feed, kinds=[KIND]) == {}

"""Events: their form, the bounded queue, and that one sentence is told once."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_access.api.reasons import TargetReason
from aks_access.engine.ports import Event, EventType, Kind, ObjectRef
from aks_access.errors import KubeError
from aks_access.kube.events import NOTE_LIMIT, QUIET_SECONDS, EventPoster, cut, event_body
from aks_access.plan.outcome import Finding
from aks_access.plan.target_sentences import finding_sentence, orphan_sentence
from aks_access.plan.wording import azure_text
from tests.unit.plan.build import ID, target

GRANT = ObjectRef(Kind.GRANT, "laptop", "u1", "team-a", "7")
EVENT = Event(GRANT, EventType.NORMAL, "Active", "Grant", "20.1.2.3/32 is let in")


class Sent:
    """Takes what is posted; refuses, or blocks, on demand."""

    def __init__(self) -> None:
        self.bodies: list[Mapping[str, object]] = []
        self.errors: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    async def post(self, path: str, *, body: Mapping[str, object]) -> Mapping[str, object]:
        await self.open.wait()
        if self.errors:
            raise self.errors.pop()
        self.bodies.append({"path": path, **body})
        return body

    @property
    def notes(self) -> list[object]:
        return [body["note"] for body in self.bodies]


def about(note: str) -> Event:
    return replace(EVENT, note=note)


async def test_the_form() -> None:
    body = event_body(EVENT, time=datetime(2026, 5, 1, tzinfo=UTC), instance="pod-1")
    assert body == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "laptop-", "namespace": "team-a"},
        "eventTime": "2026-05-01T00:00:00.000000Z",
        "type": "Normal",
        "reason": "Active",
        "action": "Grant",
        "note": "20.1.2.3/32 is let in",
        "regarding": {
            "apiVersion": "aksaccess.dev/v1alpha1",
            "kind": "ApiAccessGrant",
            "namespace": "team-a",
            "name": "laptop",
            "uid": "u1",
            "resourceVersion": "7",
        },
        "reportingController": "aksaccess.dev/aks-access-operator",
        "reportingInstance": "pod-1",
    }


async def test_the_same_sentence_is_told_again_after_ten_minutes_only() -> None:
    now = 0.0
    sent = Sent()
    poster = EventPoster(connection=sent, instance="p", clock=lambda: now)
    poster.start()
    for time in (0.0, 1.0, QUIET_SECONDS - 1, QUIET_SECONDS, QUIET_SECONDS + 1):
        now = time
        poster.post(EVENT)
    poster.post(replace(EVENT, reason="Expired"))
    poster.post(replace(EVENT, regarding=replace(GRANT, uid="u2")))
    await poster.stop()
    assert [body["reason"] for body in sent.bodies] == ["Active", "Active", "Expired", "Active"]


async def test_the_oldest_go_when_too_many_wait() -> None:
    sent = Sent()
    lost: list[None] = []
    poster = EventPoster(connection=sent, instance="p", limit=3, on_lost=lambda: lost.append(None))
    for number in range(5):
        poster.post(about(str(number)))
    poster.start()
    await poster.stop()
    assert sent.notes == ["2", "3", "4"]
    assert poster.dropped == len(lost) == 2


async def test_a_refused_event_is_counted_and_the_next_are_posted() -> None:
    sent = Sent()
    sent.errors = [KubeError("403", status=403)]
    poster = EventPoster(connection=sent, instance="p")
    poster.start()
    poster.post(about("a"))
    poster.post(about("b"))
    await poster.stop()
    assert sent.notes == ["b"]
    assert poster.dropped == 1


async def test_stopping_does_not_wait_for_an_api_server_that_hangs() -> None:
    sent = Sent()
    sent.open.clear()
    poster = EventPoster(connection=sent, instance="p")
    poster.start()
    poster.post(EVENT)
    async with asyncio.timeout(5):
        await poster.stop()
    assert sent.bodies == []


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcdef", 5, "ab…"),
        ("ääää", 8, "ääää"),
        ("äääää", 8, "ää…"),
    ],
)
def test_a_note_is_cut_by_bytes(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected
    assert len(cut(text, limit).encode()) <= limit


WORDS = st.sampled_from(
    ["a", "über", "`az aks show -n c1`.", "x" * 30, "等着", "(`kubectl get aat`),"]
)


@given(words=st.lists(WORDS, min_size=1, max_size=60), limit=st.integers(80, 200))
def test_a_long_note_loses_whole_words_in_the_middle(words: list[str], limit: int) -> None:
    text = " ".join(words)
    said = cut(text, limit)
    assert len(said.encode()) <= limit
    if said == text:
        assert len(text.encode()) <= limit
        return
    begin, _, end = said.partition(" … ")
    assert text.startswith(f"{begin} ")
    assert text.endswith(f" {end}")
    assert begin.count("`") % 2 == end.count("`") % 2 == 0
    assert len(end.encode()) > limit // 2 - 40, "the way out has half of the room"
    assert len(said.encode()) > limit - 40, "and nothing goes that has room"


GROUP, NAME = "g" * 90, "c" * 63
CLUSTER = ID.replace("/rg/", f"/{GROUP}/").removesuffix("c1") + NAME
LONGEST = ".".join(["t" * 63] * 3 + ["t" * 61])
TAKEN = azure_text("é" * 9000)
BY_HAND = (
    f"-g {GROUP} -n {NAME} --api-server-authorized-ip-ranges` with every other entry of the list"
)


@pytest.mark.parametrize("why", ["403 from ARM", TAKEN, f"{TAKEN} Run: `az {'x' * 400}`."])
def test_i9_the_way_out_of_orphaned_access_has_room_with_the_longest_names(why: str) -> None:
    entries = [f"120.200.100.{number}/32" for number in range(100, 300)]
    said = orphan_sentence(entries=entries, target=LONGEST, cluster=CLUSTER, why=why)
    told = cut(said, NOTE_LIMIT)
    assert len(told.encode()) <= NOTE_LIMIT
    assert f"120.200.100.104/32 and 195 more stand open on {NAME}, whose target {LONGEST}" in told
    assert "create a target for the cluster again; by hand: `az aks update --subscription " in told
    assert told.endswith(f"{BY_HAND}, never an empty one.")


@pytest.mark.parametrize("kept", ["", f"WriteForbidden: {TAKEN}"])
@pytest.mark.parametrize("is_there", [True, False])
def test_i4_the_way_out_of_an_overdue_removal_has_room_with_the_longest_names(
    kept: str, is_there: bool
) -> None:
    details = {
        **{"entry": "120.200.100.100/32", "count": "200", "due": "2026-11-22T09:00:01Z"},
        **{"why": TAKEN, "kept": kept},
    }
    said = finding_sentence(
        finding=Finding(TargetReason.REVOCATION_OVERDUE, details),
        target=target(name=LONGEST) if is_there else None,
        cluster=CLUSTER,
    )
    told = cut(said, NOTE_LIMIT)
    assert len(told.encode()) <= NOTE_LIMIT
    assert told.startswith("120.200.100.100/32 and 199 more still open, due 2026-11-22T09:00:01Z")
    end = f"hand: `aks-access plan {LONGEST} --as-az`."
    assert told.endswith(
        end if is_there else f"{BY_HAND}, never an empty one (it opens the cluster)."
    )


async def test_an_error_that_nobody_expected_loses_one_event_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent, lost = Sent(), list[None]()
    sent.errors.append(AttributeError("from the client library"))
    poster = EventPoster(connection=sent, instance="pod", on_lost=lambda: lost.append(None))
    poster.start()
    for number in range(5):
        poster.post(about(str(number)))
    await poster.stop()
    assert sent.notes == ["1", "2", "3", "4"]
    assert (poster.dropped, len(lost)) == (1, 1)
    (record,) = [r for r in caplog.records if r.exc_info]
    assert record.getMessage() == "the Event Active could not be posted"

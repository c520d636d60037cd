"""Writes end with the Lease; credentials that cannot be used, and dates that are none."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kubernetes.aio.client import Configuration

from aks_access.errors import KubeError, StartupError
from aks_access.kube.connection import Access, Connection


@asynccontextmanager
async def mute_server() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Reads requests and answers none."""
    heard: list[bytes] = []
    hearing: list[asyncio.Task[None]] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hearing.append(asyncio.current_task())
        while chunk := await reader.read(65536):
            heard.append(chunk)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", heard
        await asyncio.gather(*hearing)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    configuration = Configuration(host=url)
    async with Connection(access=Access(timeout=20.0), configuration=configuration) as connection:
        yield connection


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_i6_nothing_is_written_after_the_lease(method: str) -> None:
    async with mute_server() as (url, heard), connected(url) as connection:
        with pytest.raises(KubeError, match="not sent, another replica may be leading"):
            await connection.fenced(lambda: 0.0).request(method, "/api/v1/namespaces", body={})
    assert heard == []


async def test_i6_a_write_waits_no_longer_than_the_lease() -> None:
    async with mute_server() as (url, heard), connected(url) as connection:
        fenced = connection.fenced(lambda: 0.2)
        async with asyncio.timeout(10.0):
            with pytest.raises(KubeError, match="no answer"):
                await fenced.post("/api/v1/namespaces", body={})
    assert heard


async def test_reads_and_the_connection_it_came_from_know_no_fence() -> None:
    async with mute_server() as (url, heard), connected(url) as connection:
        fenced = connection.fenced(lambda: 0.0)
        for request in (
            fenced.get("/api/v1/namespaces"),
            connection.post("/api/v1/namespaces", body={}),
        ):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await request
    assert len(heard) >= 2


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ("Sat, 28 Nov 2026 06:00:00 GMT", datetime(2026, 11, 28, 6, tzinfo=UTC)),
        ("Sat, 28 Nov 2026 06:00:00 -0000", datetime(2026, 11, 28, 6, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -0100", None),
        (None, None),
    ],
)
async def test_the_date_of_an_answer_is_told_where_it_is_one(
    header: str | None, date: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    told: list[datetime] = []
    async with Connection(
        access=Access(), configuration=Configuration(host="http://h"), on_date=told.append
    ) as connection:
        connection._tell_date(header)
    monkeypatch.undo()
    time.tzset()
    assert told == ([] if date is None else [date])


@pytest.mark.parametrize("user", ["x", 7])
async def test_a_kubeconfig_that_the_client_stumbles_over_is_refused_with_the_way_out(
    user: object, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://h"}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(config))
    with pytest.raises(StartupError, match="name a kubeconfig and a context") as caught:
        await Access(kubeconfig=str(path)).configuration()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no such file"),
        ("", "it is no kubeconfig, or its context names a cluster or user that it lacks"),
        ("{}", "Expected key current-context"),
    ],
)
async def test_a_kubeconfig_that_is_none_is_one_sentence(
    text: str | None, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StartupError) as caught:
        await Access(kubeconfig=str(path)).configuration()
    assert f"through kubeconfig {path}: " in str(caught.value)
    assert told in str(caught.value)
    assert not caplog.records

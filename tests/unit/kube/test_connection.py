"""Writes of a process whose Lease ends: none begins after that, and none waits for longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from kubernetes.aio.client import Configuration

from aks_access.errors import KubeError
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

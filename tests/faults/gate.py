"""One replica's way to the API server, under a test's control.

A TLS proxy between one operator process and the API server: it notes every request by that
process (the audit log cannot tell replicas apart, they share an account), holds or refuses chosen
ones, and can cut this one process off, with a reset or by silence, while the others go on.
"""

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from sandbox.processes import Port

_T = TypeVar("_T")

_HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_STOP_SECONDS = 10.0
_GRACE = 0.25
"""Seconds that the loop goes on for TLS connections to be closed (aiohttp, Graceful Shutdown)."""
_NOT_WORK = re.compile(r"/leases|/events|/selfsubjectaccessreviews")


@dataclass(slots=True)
class Passed:
    """A request by the process; `status` 0 = it was not answered."""

    at: float  # monotonic seconds at which it came
    method: str
    path: str
    status: int = 0

    @property
    def works(self) -> bool:
        """Whether it changes what the operator is there for: a status, finalizer, ledger …"""
        return self.method != "GET" and not _NOT_WORK.search(self.path)


@dataclass(slots=True)
class Rule:
    """What happens to requests that match: they are held until `Gate.release`, or refused."""

    method: str
    path: str
    count: int
    status: int = 0
    met: list[Passed] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, passed: Passed) -> bool:
        """Whether this rule is for the request; counted if so."""
        fits = re.fullmatch(self.method, passed.method) and re.search(self.path, passed.path)
        if not fits or self.released.is_set() or len(self.met) >= self.count:
            return False
        self.met.append(passed)
        return True


class Gate:
    """See the module. Runs in a thread of its own: `with Gate(...) as gate:`."""

    def __init__(self, *, upstream: str, authority: Path, certificate: Path, key: Path) -> None:
        self.passed: list[Passed] = []
        self._upstream = upstream
        self._rules: list[Rule] = []
        self._port = Port()
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self._trust = ssl.create_default_context(cafile=str(authority))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)
        self._server = web.Server(self._answer, loop=self._loop)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._listening: asyncio.Server | None = None
        self._session: aiohttp.ClientSession | None = None
        self._silent = False

    @property
    def url(self) -> str:
        """Base URL for the process's kubeconfig."""
        return f"https://127.0.0.1:{self._port.number}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        self._loop.close()
        self._port.close()

    def hold(self, method: str, path: str, *, count: int = 1) -> Rule:
        """Hold requests (regular expressions) until `release`."""
        return self._add(Rule(method=method, path=path, count=count))

    def refuse(self, method: str, path: str, *, status: int, count: int = 1_000_000) -> Rule:
        """Answer requests with an error until `release`."""
        return self._add(Rule(method=method, path=path, count=count, status=status))

    def release(self, rule: Rule) -> None:
        """Let what the rule holds go on to the API server, and what comes pass."""
        self._loop.call_soon_threadsafe(rule.released.set)

    def cut(self, *, silent: bool) -> None:
        """Cut the process off: by silence (what comes is never answered), or by resets."""
        self._silent = silent
        if not silent:
            self._wait(self._close())

    def mend(self) -> None:
        """End the cut; what was caught by it is lost."""
        if self._silent:
            self._wait(self._close())
            self._silent = False
        self._wait(self._listen())

    def work(self, since: float) -> list[Passed]:
        """The process's writes (no Lease, no Events) that came after a monotonic time."""
        return [each for each in self.passed if each.at >= since and each.works]

    def _add(self, rule: Rule) -> Rule:
        self._rules.append(rule)
        return rule

    def _wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_STOP_SECONDS)

    async def _open(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        await self._listen()

    async def _listen(self) -> None:
        self._listening = await self._loop.create_server(
            self._server, "127.0.0.1", self._port.number, ssl=self._tls, reuse_port=True
        )

    async def _close(self) -> None:
        """Stop listening and break every connection."""
        assert self._listening is not None
        self._listening.close()
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        tasks = [task for task in self._under_way if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _shut(self) -> None:
        assert self._session is not None
        await self._close()
        await self._server.shutdown(1.0)
        await self._session.close()
        await asyncio.sleep(_GRACE)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        passed = Passed(at=time.monotonic(), method=request.method, path=request.raw_path)
        self.passed.append(passed)
        if self._silent:
            await self._never()
        rule = next((rule for rule in self._rules if rule.take(passed)), None)
        body = await request.read()
        if rule is not None and rule.status:
            passed.status = rule.status
            return _refusal(rule.status)
        if rule is not None:
            await rule.released.wait()
        self._under_way.add(task)
        try:
            return await self._forward(request, body, passed)
        finally:
            self._under_way.discard(task)

    async def _forward(
        self, request: web.BaseRequest, body: bytes, passed: Passed
    ) -> web.StreamResponse:
        assert self._session is not None
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        url = URL(self._upstream + request.raw_path, encoded=True)
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=body or None,
            timeout=timeout,
            skip_auto_headers=_AUTOMATIC,
        ) as upstream:
            passed.status = upstream.status
            kept = {k: v for k, v in upstream.headers.items() if k.lower() not in _HOP_BY_HOP}
            answer = web.StreamResponse(status=upstream.status, headers=kept)
            if self._silent:
                await self._never()
            with suppress(ConnectionError):  # the process went, or was cut off, meanwhile
                await answer.prepare(request)
                async for chunk in upstream.content.iter_any():
                    if self._silent:
                        await self._never()
                    await answer.write(chunk)
                await answer.write_eof()
            return answer

    async def _never(self) -> None:
        await self._loop.create_future()


def _refusal(status: int) -> web.Response:
    body = {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": f"refused on purpose with {status}",
        "code": status,
    }
    return web.json_response(body, status=status)

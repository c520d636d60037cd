"""The proxy itself: a thread with a TLS server that carries every request to the API server.

Who asks stays who it is: the bearer token goes through (a client certificate cannot). Everything
that no injection strikes passes unchanged, watches event by event.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import hdrs, web

from sandbox.apiproxy.calls import Call, Verb, parse
from sandbox.apiproxy.faults import (
    Answer,
    EmptyList,
    Fault,
    Faults,
    Foist,
    FrozenList,
    HalfOpen,
    Injection,
    LoseAnswer,
    Reset,
    ShortPages,
)
from sandbox.apiproxy.streams import Stream, status_of
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.pki import write_private

_PREFIX: Final = "/as/"
_JSON: Final = "application/json"
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"}
    | {"content-length", "accept-encoding"}
)


class ApiProxy:
    """`with ApiProxy(plane) as proxy:` listens on loopback, with the API server's certificate."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="apiproxy", daemon=True)
        self._port = 0
        self.faults = Faults(loop=self._loop)

    @property
    def url(self) -> str:
        """Base URL; an API server's to its clients."""
        return f"https://127.0.0.1:{self._port}"

    def kubeconfig(self, original: Path, *, client: str = "") -> Path:
        """A copy of a kubeconfig (with a token) that goes through here, as the client `client`."""
        content = json.loads(original.read_text())
        for cluster in content["clusters"]:
            cluster["cluster"]["server"] = self.url + (_PREFIX + client if client else "")
        made = original.with_suffix(f".proxy-{self._port}-{client}.kubeconfig")
        return write_private(made, json.dumps(content).encode())

    def inject(
        self,
        fault: Fault,
        *,
        plurals: Collection[str] = (),
        verbs: Collection[Verb] = (),
        client: str = "",
        agent: str = "",
        token: str = "",
        continued: bool | None = None,
        times: int | None = None,
    ) -> Injection:
        """Begin a fault; see `Injection`."""
        return self.faults.add(
            fault,
            plurals=plurals,
            verbs=verbs,
            client=client,
            agent=agent,
            token=token,
            continued=continued,
            times=times,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        directory = self._plane.directory
        upstream = ssl.create_default_context(cafile=str(self._plane.certificate_authority))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=upstream, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, connect=10),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._carry)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(directory / "server.crt", directory / "server.key")
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=serving).start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.sleep(0.25)  # aiohttp, Graceful Shutdown: TLS connections close

    async def _carry(self, request: web.Request) -> web.StreamResponse:
        client, path = _whose(request.rel_url.raw_path)
        call = parse(
            client=client,
            agent=request.headers.get(hdrs.USER_AGENT, ""),
            token=request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer "),
            method=request.method,
            path=path,
            query=request.query,
        )
        for each in self.faults.of(call):
            match each.fault:
                case Answer():
                    each.strike()
                    return _answered(each.fault)
                case Reset():
                    each.strike()
                    _abort(request)
                case HalfOpen():
                    each.strike()
                    await asyncio.Event().wait()
        try:
            return await self._forward(request, call=call, path=path)
        except aiohttp.ClientError:
            return _answered(Answer(status=502, reason="BadGateway"))

    async def _forward(self, request: web.Request, *, call: Call, path: str) -> web.StreamResponse:
        query = request.rel_url.query.copy()
        for each in self.faults.of(call):
            if isinstance(each.fault, ShortPages):
                each.strike()
                query["limit"] = str(each.fault.limit)
        async with self._session.request(
            request.method,
            self._plane.url + path,
            params=query,
            headers=_headers(request.headers),
            data=await request.read(),
            skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
            allow_redirects=False,
        ) as upstream:
            if call.verb is Verb.WATCH and upstream.status == 200:
                return await self._stream(request, call=call, upstream=upstream)
            body = await upstream.read()
            for each in self.faults.of(call):
                body = _struck(each, call=call, body=body, request=request, status=upstream.status)
            return web.Response(
                status=upstream.status, body=body, headers=_headers(upstream.headers)
            )

    async def _stream(
        self, request: web.Request, *, call: Call, upstream: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=200, headers=_headers(upstream.headers))
        response.enable_chunked_encoding()
        await response.prepare(request)
        await Stream(
            call=call,
            faults=self.faults,
            upstream=upstream,
            response=response,
            abort=lambda: _drop(request),
        ).run()
        return response


def _whose(path: str) -> tuple[str, str]:
    """The client's name and the API server's path."""
    if not path.startswith(_PREFIX):
        return "", path
    client, _, rest = path.removeprefix(_PREFIX).partition("/")
    return client, f"/{rest}"


def _struck(
    each: Injection, *, call: Call, body: bytes, request: web.Request, status: int
) -> bytes:
    """The body of an answer after one fault."""
    match each.fault:
        case LoseAnswer():
            each.strike()
            _abort(request)
        case EmptyList() if status == 200:
            each.strike()
            page = json.loads(body)
            page["metadata"] = {"resourceVersion": page["metadata"]["resourceVersion"]}
            return json.dumps({**page, "items": []}).encode()
        case FrozenList() if status == 200:
            each.strike()
            each.fault.body = each.fault.body or body
            return each.fault.body
        case Foist() if status == 200 and call.verb is Verb.LIST:
            each.strike()
            return _with_items(body, each.fault.objects)
    return body


def _with_items(body: bytes, objects: tuple[str, ...]) -> bytes:
    """A list with more objects, whose JSON is taken as it is."""
    mark = '"items":['
    head, found, rest = body.decode().partition(mark)
    separator = "" if rest.startswith("]") else ","
    return f"{head}{found}{','.join(objects)}{separator}{rest}".encode() if found else body


def _answered(fault: Answer) -> web.Response:
    headers = {} if fault.retry_after is None else {hdrs.RETRY_AFTER: str(fault.retry_after)}
    return web.Response(
        status=fault.status,
        body=json.dumps(status_of(fault.status, reason=fault.reason)).encode(),
        content_type=_JSON,
        headers=headers,
    )


def _headers(headers: "web.BaseRequest | object") -> dict[str, str]:
    assert hasattr(headers, "items")
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _abort(request: web.Request) -> None:
    """Reset the connection, and leave the handler."""
    _drop(request)
    raise asyncio.CancelledError

"""What the kubelet and Prometheus ask: `/livez`, `/readyz` and `/metrics` on one port.

`/livez` fails where only a new process helps: the loop or the re-lists hang. An API server or an
Azure that is away is no reason to restart, so it shows in `/readyz`, where every line names what
is missing. The server runs on the engine's own loop: one that hangs answers nothing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from aks_access.errors import StartupError
from aks_access.ops.redact import one_line, redact

_PATIENCE: Final = 3.0
"""Re-list intervals without the end of a list, good or bad, after which re-listing hangs."""

_SLACK: Final = 60.0
"""Seconds on top, for lists that take long."""

LIFETIME: Final = 30.0
"""Seconds of a connection: longer than a probe's or a scrape's time-out."""

MOST_CONNECTIONS: Final = 64

_LONGEST_DETAIL: Final = 4_000


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `/readyz`.

    Attributes:
        passed: whether all is well.
        detail: what is missing and how to mend it, or what was found.
        needed: whether the process is ready only with this.
    """

    passed: bool
    detail: str = ""
    needed: bool = True

    @property
    def mark(self) -> str:
        """`+` passed, `-` failed, `!` failed but not needed."""
        return "+" if self.passed else "-" if self.needed else "!"


class Readiness:
    """The checks of `/readyz`, by name; every needed one must pass.

    A process is not ready before the checks named at construction have reported.
    """

    def __init__(self, *awaited: str) -> None:
        self._checks: dict[str, Check] = {
            name: Check(passed=False, detail="not known yet") for name in awaited
        }

    def report(self, name: str, *, passed: bool, detail: str = "", needed: bool = True) -> None:
        """Set a check's state."""
        self._checks[name] = Check(passed=passed, detail=detail, needed=needed)

    @property
    def ready(self) -> bool:
        """Whether every needed check passes."""
        return all(check.passed for check in self._checks.values() if check.needed)

    def checks(self) -> Mapping[str, Check]:
        """Every check, in the order they were first named."""
        return dict(self._checks)


class Liveness:
    """When the loop last moved, and when each kind's last list ended."""

    def __init__(
        self,
        *,
        beat_age: Callable[[], float],
        beat_limit: float,
        relist_interval: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._beat_age = beat_age
        self._beat_limit = beat_limit
        self._relist_limit = _PATIENCE * relist_interval + _SLACK
        self._monotonic = monotonic
        self._ended: dict[str, float] = {}
        self._completed: dict[str, float] = {}

    def relisted(self, kind: str, *, failed: bool) -> None:
        """Note that a list of `kind` ended, completely or not."""
        self._ended[kind] = self._monotonic()
        if not failed:
            self._completed[kind] = self._ended[kind]

    def checks(self) -> Mapping[str, Check]:
        """The loop's beat, and a line per kind that has been listed."""
        age = self._beat_age()
        result = {
            "loop": Check(
                passed=age <= self._beat_limit,
                detail=f"last beat {age:.1f} s ago, limit {self._beat_limit:g} s",
            )
        }
        now = self._monotonic()
        for kind, ended in sorted(self._ended.items()):
            completed = self._completed.get(kind)
            last = "never" if completed is None else f"{now - completed:.0f} s ago"
            result[f"relist {kind}"] = Check(
                passed=now - ended <= self._relist_limit,
                detail=f"last complete list {last}, last try ended {now - ended:.0f} s ago, "
                f"limit {self._relist_limit:.0f} s",
            )
        return result


def health_app(
    *, liveness: Liveness, readiness: Readiness, registry: CollectorRegistry
) -> web.Application:
    """The aiohttp application of the three paths; everything else is 404."""

    async def livez(_request: web.Request) -> web.Response:
        checks = liveness.checks()
        return _answer(checks, passed=all(check.passed for check in checks.values()))

    async def readyz(_request: web.Request) -> web.Response:
        return _answer(readiness.checks(), passed=readiness.ready)

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=encode(registry), headers={hdrs.CONTENT_TYPE: content_type})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.on_response_prepare.append(_without_versions)
    return app


def _answer(checks: Mapping[str, Check], *, passed: bool) -> web.Response:
    lines = [
        one_line(redact(f"[{check.mark}] {name}: {check.detail[:_LONGEST_DETAIL] or 'ok'}"))
        for name, check in checks.items()
    ]
    lines.append("ok" if passed else "failed")
    return web.Response(
        text="\n".join(lines) + "\n",
        status=200 if passed else 503,
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )


async def _without_versions(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop(hdrs.SERVER, None)


class HealthServer:
    """Serves an application on one port until it is stopped.

    A connection is closed after `lifetime` seconds, busy or not, and at most `MOST_CONNECTIONS` are
    open at a time: aiohttp itself waits for ever for the rest of a request.
    """

    def __init__(
        self, *, app: web.Application, host: str, port: int, lifetime: float = LIFETIME
    ) -> None:
        self._host = host
        self._port = port
        self._lifetime = lifetime
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises StartupError where it cannot be had."""
        await self._runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._accept, self._host, self._port
            )
        except OSError as error:
            await self._runner.cleanup()
            raise StartupError(
                f"--health-host {self._host} and --health-port {self._port} cannot be listened "
                f"on ({error.strerror or error}); choose another port, or end what uses it."
            ) from error
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _accept(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= MOST_CONNECTIONS:
            return _Refusal()
        handler = server()
        asyncio.get_running_loop().call_later(self._lifetime, handler.force_close)
        return handler


class _Refusal(asyncio.Protocol):
    """Closes the connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()

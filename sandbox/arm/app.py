"""The emulator on its two loopback ports: ARM and the directory over HTTPS, control over HTTP."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from sandbox.arm.clock import Clock, SystemClock
from sandbox.arm.clusters import ClusterOptions
from sandbox.arm.control_app import ControlApp
from sandbox.arm.faults import Fault
from sandbox.arm.front import ArmFront, path_and_query
from sandbox.arm.messages import ArmRequest
from sandbox.arm.tls import TlsFiles, make_tls
from sandbox.arm.world import World, random_ids

HOST = "127.0.0.1"
ENDPOINTS_FILE = "endpoints.json"
_LARGEST_BODY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a running emulator is reached."""

    url: str
    """ARM, and the authority of logins."""
    control_url: str
    ca_file: Path


class ArmEmulator:
    """The emulator in the running event loop: `async with ArmEmulator() as arm`.

    `arm.world` and `arm.control` may be used directly from the same loop.
    """

    def __init__(
        self,
        *,
        state_dir: Path | None = None,
        port: int = 0,
        control_port: int = 0,
        clock: Clock | None = None,
        seed: int | None = None,
        operation_seconds: float = 3.0,
    ) -> None:
        self.world = World(
            clock=clock or SystemClock(),
            new_id=random_ids(seed),
            defaults=ClusterOptions(operation_seconds=operation_seconds),
        )
        self.front = ArmFront(self.world)
        self._control = ControlApp(self.world)
        self.control = self._control.local()
        self._ports = (port, control_port)
        self._state_dir = state_dir
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._runners: list[web.AppRunner] = []
        self._endpoints: Endpoints | None = None

    @property
    def endpoints(self) -> Endpoints:
        """Where the emulator is reached; raises RuntimeError before it was started."""
        if self._endpoints is None:
            raise RuntimeError("the ARM emulator is not running: use `async with`")
        return self._endpoints

    @property
    def url(self) -> str:
        """Base URL of ARM, and the authority of logins."""
        return self.endpoints.url

    @property
    def ca_file(self) -> Path:
        """PEM file of the certificate authority."""
        return self.endpoints.ca_file

    @property
    def state_dir(self) -> Path:
        """Where CA and key stand."""
        return self.ca_file.parent

    @property
    def control_url(self) -> str:
        """Base URL of the control API."""
        return self.endpoints.control_url

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _start(self) -> None:
        if self._state_dir is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="aks-access-arm-")
            self._state_dir = Path(self._temporary.name)
        tls = await asyncio.to_thread(make_tls, self._state_dir)
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._answer)
        port = await self._listen(application, port=self._ports[0], tls=tls)
        control_port = await self._listen(self._control.application(), port=self._ports[1])
        self.world.url = f"https://localhost:{port}"
        self.world.tokens.own_audiences.add(self.world.url)
        self._endpoints = Endpoints(
            url=self.world.url,
            control_url=f"http://{HOST}:{control_port}",
            ca_file=tls.ca,
        )

    async def __aexit__(self, *_: object) -> None:
        self.world.faults.clear()
        self._control.changed()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def _listen(
        self, application: web.Application, *, port: int, tls: TlsFiles | None = None
    ) -> int:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        self._runners.append(runner)
        await runner.setup()
        context = tls.server_context() if tls is not None else None
        await web.TCPSite(runner, HOST, port, ssl_context=context).start()
        listening: int = runner.addresses[0][1]
        return listening

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        arm_request = ArmRequest(
            method=request.method,
            path=request.path,
            query={name.lower(): value for name, value in request.query.items()},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await _body(request),
        )
        fault = self.world.faults.match(
            method=request.method, path=path_and_query(request.path, arm_request.query)
        )
        if fault is not None:
            await self._slow_down(fault)
        answer = self.front.handle(arm_request, fault=fault)
        self._control.changed()
        if fault is not None and fault.answer_delay:
            await asyncio.sleep(fault.answer_delay)
        if answer.drop and request.transport is not None:
            request.transport.abort()
            return web.Response(status=500)
        if answer.body is None:
            return web.Response(status=answer.status, headers=answer.headers)
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)

    async def _slow_down(self, fault: Fault) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        while fault.hold and self.world.faults.get(fault.fault_id) is fault:
            await self._control.next_change()


async def _body(request: web.Request) -> Any:
    """Return the parsed body: a form as a dict, JSON as it is, anything else as None."""
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post())
    if not request.can_read_body:
        return None
    try:
        return await request.json()
    except ValueError:
        return None

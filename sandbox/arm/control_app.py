"""The control API's server: `POST /commands/{name}` with keyword arguments as a JSON object.

What only reads may also be fetched with GET: /journal, /damage, /buckets, /clusters, /faults.
"""

import asyncio
import inspect
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.arm.commands import ClusterCommands
from sandbox.arm.control import ArmControl, ControlError
from sandbox.arm.messages import ArmError, JsonObject
from sandbox.arm.rules import RuleCommands
from sandbox.arm.world import World

_READERS = frozenset({"journal", "damage", "buckets", "clusters", "cluster", "faults"})
_NUMBERS = frozenset({"since", "limit"})


class ControlApp:
    """Runs commands by name, over HTTP or directly."""

    def __init__(self, world: World) -> None:
        self.world = world
        groups = (ClusterCommands(world=world), RuleCommands(world=world))
        self._commands: dict[str, Callable[..., Any]] = {
            name: command
            for group in groups
            for name, command in inspect.getmembers(group, inspect.ismethod)
            if not name.startswith("_")
        }
        self._change = asyncio.Event()

    def run(self, name: str, arguments: JsonObject) -> Any:
        """Run a command; raises `ControlError` with the reason when it is refused."""
        command = self._commands.get(name)
        if command is None:
            raise ControlError(f"no command {name!r}: there are {', '.join(self._commands)}")
        try:
            return command(**arguments)
        except (ArmError, KeyError, TypeError, ValueError, re.error) as error:
            raise ControlError(f"{name}: {error}") from error
        finally:
            self.changed()

    def local(self) -> ArmControl:
        """Return a client that runs commands directly, for use in the emulator's own loop."""
        return ArmControl(self.run)

    def changed(self) -> None:
        """Wake those who wait for journal entries."""
        self._change.set()
        self._change = asyncio.Event()

    async def next_change(self) -> None:
        """Wait for the next request or command."""
        await self._change.wait()

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_post("/commands/{name}", self._command)
        application.router.add_get("/{name}", self._read)
        return application

    async def _command(self, request: web.Request) -> web.Response:
        arguments = await request.json() if request.can_read_body else {}
        return self._result(request.match_info["name"], arguments)

    async def _read(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _READERS:
            return _refused(f"GET /{name}: only {', '.join(sorted(_READERS))} can be read")
        arguments: JsonObject = {
            key: int(value) if key in _NUMBERS else value for key, value in request.query.items()
        }
        wait = float(arguments.pop("wait", 0))
        if name == "journal" and wait:
            await self._entries_after(int(arguments.get("since", 0)), seconds=wait)
        return self._result(name, arguments)

    async def _entries_after(self, sequence: int, *, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self.world.journal.newest_is_after(sequence):
                    await self.next_change()
        except TimeoutError:
            return

    def _result(self, name: str, arguments: JsonObject) -> web.Response:
        try:
            return web.json_response({"result": self.run(name, arguments)})
        except ControlError as error:
            return _refused(str(error))


def _refused(message: str) -> web.Response:
    return web.json_response({"error": message}, status=400)

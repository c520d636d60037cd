"""How a process dies: from a chosen crossing of its ports on, none of its calls comes back.

Nothing is raised in the dead engine: an exception would run its `finally` blocks, and a process
that is killed runs none.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any


class Gate:
    """Counts crossings of a process's ports, two per call: before it is sent, and its answer.

    `witness` is told of the death.
    """

    def __init__(self, *, at: int | None = None, witness: Callable[[], None] | None = None) -> None:
        self.at = at
        self._witness = witness
        self.crossings = 0
        self.dead = asyncio.Event()
        self.calls: list[str] = []

    def kill(self) -> None:
        self.dead.set()
        if self._witness is not None:
            self._witness()

    async def cross(self, name: str) -> None:
        if not self.dead.is_set():
            self.crossings += 1
            self.calls.append(name)
            if self.crossings == self.at:
                self.kill()
        if self.dead.is_set():
            await asyncio.get_running_loop().create_future()


class Gated:
    """A port whose calls go through a gate."""

    def __init__(self, port: object, gate: Gate) -> None:
        self._port = port
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not inspect.iscoroutinefunction(method):
            return method

        @functools.wraps(method)
        async def call(**arguments: object) -> object:
            await self._gate.cross(f"{name} sent")
            try:
                answer = await method(**arguments)
            except Exception:
                await self._gate.cross(f"{name} answered")
                raise
            await self._gate.cross(f"{name} answered")
            return answer

        return call

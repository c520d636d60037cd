"""A watch on its way through the proxy, event by event, and what faults do to it.

Each event is a line of JSON (Kubernetes API concepts, "Efficient detection of changes"). The stream
looks at the faults before each event and whenever they change.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import aiohttp
from aiohttp import web

from sandbox.apiproxy.calls import Call
from sandbox.apiproxy.faults import (
    CLOSING,
    CutMidEvent,
    Delay,
    ErrorEvent,
    Faults,
    Foist,
    HalfOpen,
    Injection,
    Stall,
    Suppress,
)


class _Goes(Enum):
    ON = auto()
    ENDS = auto()


class Lines:
    """The upstream's lines, one at a time; a wait that is given up loses nothing."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._rest = b""
        self._reading: asyncio.Task[bytes] | None = None

    async def next(self, *, until: asyncio.Event) -> bytes | None:
        """The next line; None where `until` was set first. Empty = the upstream has ended."""
        stop = asyncio.create_task(until.wait())
        try:
            while b"\n" not in self._rest:
                self._reading = self._reading or asyncio.create_task(self._content.readany())
                await asyncio.wait([self._reading, stop], return_when=asyncio.FIRST_COMPLETED)
                if not self._reading.done():
                    return None
                chunk, self._reading = self._reading.result(), None
                if not chunk:
                    return b""
                self._rest += chunk
        finally:
            stop.cancel()
        line, _, self._rest = self._rest.partition(b"\n")
        return line + b"\n"

    async def close(self) -> None:
        """Give up."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            if not self._reading.cancelled():
                self._reading.exception()


@dataclass(slots=True, kw_only=True)
class Stream:
    """One watch: `run` returns when it has ended."""

    call: Call
    faults: Faults
    upstream: aiohttp.ClientResponse
    response: web.StreamResponse
    abort: Callable[[], None]

    async def run(self) -> None:
        """Carry events until the upstream, the client or a fault ends it."""
        lines = Lines(self.upstream.content)
        for each in self.faults.of(self.call):
            if isinstance(each.fault, Foist):
                each.strike()
                for text in each.fault.objects:
                    await self._write(f'{{"type":"ADDED","object":{text}}}\n'.encode())
        stalled: set[int] = set()
        try:
            while await self._step(lines, stalled) is _Goes.ON:
                pass
        except (aiohttp.ClientError, ConnectionError):
            self.abort()
        finally:
            await lines.close()

    async def _step(self, lines: Lines, stalled: set[int]) -> _Goes:
        changed = self.faults.changed
        for each in self.faults.of(self.call):
            match each.fault:
                case Stall():
                    if id(each) not in stalled:
                        stalled.add(id(each))
                        each.strike()
                    await changed.wait()
                    return _Goes.ON
                case HalfOpen():
                    each.strike()
                    self.upstream.close()
                    await asyncio.Event().wait()
                case ErrorEvent():
                    each.strike()
                    await self._write(_error(each.fault))
                    return _Goes.ENDS
                case fault if isinstance(fault, CLOSING):
                    self.abort()
                    return _Goes.ENDS
        line = await lines.next(until=changed)
        if line is None:
            return _Goes.ON
        if not line:
            return _Goes.ENDS
        return await self._carry(line, self.faults.of(self.call))

    async def _carry(self, line: bytes, struck: tuple[Injection, ...]) -> _Goes:
        for each in struck:
            match each.fault:
                case CutMidEvent():
                    each.strike()
                    await self._write(line[: len(line) // 2])
                    self.abort()
                    return _Goes.ENDS
                case Delay():
                    each.strike()
                    await asyncio.sleep(each.fault.seconds)
                case Suppress() if json.loads(line).get("type") in each.fault.types:
                    each.strike()
                    return _Goes.ON
        await self._write(line)
        return _Goes.ON

    async def _write(self, content: bytes) -> None:
        with contextlib.suppress(ConnectionResetError):
            await self.response.write(content)


def _error(fault: ErrorEvent) -> bytes:
    event = {"type": "ERROR", "object": status_of(fault.status, reason=fault.reason)}
    return json.dumps(event).encode() + b"\n"


def status_of(code: int, *, reason: str) -> dict[str, object]:
    """A Kubernetes `Status` that refuses."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"the fault proxy answers {code}",
        "reason": reason,
        "code": code,
    }

"""How the process ends: told to, at any moment, or because a part of it failed."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from aks_access.exits import ExitCode
from aks_access.lifecycle import Operator

WITHIN = 5.0


class Election:
    """Runs until it is stopped, or fails; its first list never ends, or fails."""

    def __init__(self, *, fails: bool = False, list_fails: bool = False) -> None:
        self.fails, self.list_fails = fails, list_fails
        self.stopped = asyncio.Event()
        self.listing = asyncio.Event()

    async def run(self) -> None:
        if self.fails:
            raise RuntimeError("no Lease")
        await self.stopped.wait()

    def stop(self) -> None:
        self.stopped.set()

    async def relist(self) -> bool:
        self.listing.set()
        if self.list_fails:
            raise RuntimeError("no list")
        return await asyncio.Event().wait()


def operator(election: Election, monkeypatch: pytest.MonkeyPatch, *, checks: Any = None) -> Any:
    async def nothing(*_: object) -> None:
        """The API server is there."""

    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Operator, "_startup", nothing)
    monkeypatch.setattr(Operator, "_watches", lambda _: SimpleNamespace(run=for_ever))
    monkeypatch.setattr(Operator, "_watch", checks or for_ever)
    parts: Any = [None] * 7
    return Operator(*parts, elector=election)  # type: ignore[arg-type]


async def test_it_ends_when_told_to_during_the_first_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an API server that does not answer, that takes minutes."""
    election, stopping = Election(), asyncio.Event()
    running = asyncio.create_task(operator(election, monkeypatch).run(stopping))
    await election.listing.wait()
    stopping.set()
    assert await asyncio.wait_for(running, WITHIN) == ExitCode.OK


async def test_an_election_that_fails_during_the_first_list_ends_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = operator(Election(fails=True), monkeypatch).run(asyncio.Event())
    assert await asyncio.wait_for(run, WITHIN) == ExitCode.FAILED
    assert "the election failed: no Lease" in caplog.messages


async def test_checks_or_a_first_list_that_fail_are_told_and_end_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def checks(*_: object) -> None:
        raise RuntimeError("no checks")

    stopping = asyncio.Event()
    whole = operator(Election(list_fails=True), monkeypatch, checks=checks)
    running = asyncio.create_task(whole.run(stopping))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(running), 0.1)
    told = [r.getMessage() for r in caplog.records if r.exc_info and r.levelno == logging.ERROR]
    assert sorted(told) == ["the checks ended in an error", "the first list ended in an error"]
    stopping.set()
    assert await asyncio.wait_for(running, WITHIN) == ExitCode.OK

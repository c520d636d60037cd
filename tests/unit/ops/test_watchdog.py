"""The watchdog: a loop that hangs past the Lease ends the process, one that beats does not."""

import asyncio
import io
import json
import logging
import queue
import subprocess
import sys
from pathlib import Path

import pytest

from aks_access.ops import logs
from aks_access.ops.watchdog import Watchdog
from aks_access.settings.monitoring import LogFormat, LogLevel

SOURCE = Path(__file__).parents[3] / "operator"


def test_age_is_the_time_since_the_last_beat():
    now = [10.0]
    watchdog = Watchdog(limit=30, monotonic=lambda: now[0])
    now[0] = 14.0
    assert watchdog.age() == 4.0
    watchdog.beat()
    assert watchdog.age() == 0.0


@pytest.mark.usefixtures("logging_restored")
def test_a_loop_that_hangs_ends_the_process_and_says_where_it_was():
    stream = io.StringIO()
    logs.configure(level=LogLevel.INFO, form=LogFormat.JSON, stream=stream)
    ended: queue.Queue[int] = queue.Queue()
    watchdog = Watchdog(limit=0.2, end=ended.put)

    async def engine() -> int:
        feeding = asyncio.create_task(watchdog.feed())
        await asyncio.sleep(0)
        watchdog.start()
        code = hang(ended)
        feeding.cancel()
        return code

    try:
        assert asyncio.run(engine()) == 70
    finally:
        watchdog.stop()
    record = json.loads(stream.getvalue())
    assert record["level"] == "CRITICAL"
    assert "longer than the Lease" in record["message"]
    assert "in hang" in record["message"]


def hang(ended: queue.Queue[int]) -> int:
    return ended.get(timeout=20)  # blocks the loop, as a defect would


async def test_a_loop_that_beats_is_left_alone_for_many_times_the_limit():
    ended: list[int] = []
    now = [0.0]
    watchdog = Watchdog(limit=0.1, end=ended.append, monotonic=lambda: now[0])
    feeding = asyncio.create_task(watchdog.feed())
    watchdog.start()
    try:
        for _ in range(20):
            now[0] += 0.04
            while watchdog.age() > 0:  # noqa: ASYNC110 - a beat sets no Event
                await asyncio.sleep(0.005)
    finally:
        watchdog.stop()
        feeding.cancel()
    assert ended == []


def test_a_held_log_lock_does_not_keep_the_process():
    handler = logging.StreamHandler(io.StringIO())
    root = logging.getLogger()
    root.addHandler(handler)
    ended: queue.Queue[int] = queue.Queue()
    watchdog = Watchdog(limit=0.05, end=ended.put)
    try:
        assert handler.lock is not None
        with handler.lock:
            watchdog.start()
            assert ended.get(timeout=20) == 70
    finally:
        root.removeHandler(handler)
        watchdog.stop()


def test_the_process_really_ends_with_70():
    code = (
        "import threading; from aks_access.ops.watchdog import Watchdog;"
        "Watchdog(limit=0.1).start(); threading.Event().wait(20)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 70
    assert "longer than the Lease" in done.stderr

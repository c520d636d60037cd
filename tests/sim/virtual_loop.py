"""An event loop in virtual time: where it would wait, its clock jumps to the next timer."""

import asyncio
import random
import selectors
from collections import deque
from collections.abc import Coroutine
from typing import Any


class _Jumping(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("deadlock: nothing is left that could ever happen")
        self.now += max(0.0, timeout)
        return []  # nothing comes from outside, and to ask each time is a system call


class VirtualLoop(asyncio.SelectorEventLoop):
    """With a `seed` the callbacks that are ready at the same moment run in shuffled order."""

    _ready: deque[asyncio.Handle]  # asyncio's own

    def __init__(self, *, seed: int | None = None) -> None:
        self._jumping = _Jumping()
        self._rng = random.Random(seed) if seed is not None else None
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def _run_once(self) -> None:
        if self._rng is not None and len(self._ready) > 1:
            ready = list(self._ready)
            self._rng.shuffle(ready)
            self._ready.clear()
            self._ready.extend(ready)
        super()._run_once()  # type: ignore[misc]


def run_virtually(main: Coroutine[Any, Any, None], *, seed: int | None = None) -> None:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed=seed)) as runner:
        runner.run(main)

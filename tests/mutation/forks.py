"""pytest plugin: after a run without mutants, each mutant's tests in a forked process, at once.

A run of pytest per mutant would collect the same tests thousands of times. Here they are collected
and run once, which tells which tests reach which function and how long each takes; a mutant then
costs a fork and the tests that reach its function, up to the first that fails. Those that reach the
fewest functions come first: they are about this one, and quick.

`MUTANTS` names a file of mutants (JSON: module and mutmut's name of each), `VERDICTS` the one to
write.
"""

import functools
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import is_hypothesis_test
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

PACKAGE: Final = "aks_access.plan"

CPU_SECONDS: Final = 10
"""A mutant that computes for longer than this is caught: it hangs, and the tests do not."""

SLOW_SECONDS: Final = 0.5
"""A test that takes longer is left out: against thousands of mutants it costs too much."""

KILLED, SURVIVED, HUNG, UNREACHED = "killed", "survived", "hung", "unreached"
PASSED: Final = b"passed"


class Reach:
    """Which tests reach which function, how long each takes and how many functions it reaches."""

    def __init__(self) -> None:
        self.tests: dict[str, list[pytest.Item]] = defaultdict(list)
        self.seconds: dict[pytest.Item, float] = {}
        self.breadth: dict[pytest.Item, int] = {}
        self.failed: list[str] = []

    def learn(self, items: list[pytest.Item]) -> None:
        """Run the tests without any mutant."""
        set_mutant_under_test("stats")
        for item in items:
            state()._stats.clear()
            began = time.process_time()
            if not passes(item):
                self.failed.append(item.nodeid)
            self.seconds[item] = time.process_time() - began
            self.breadth[item] = len(state()._stats)
            if self.seconds[item] < SLOW_SECONDS:
                for function in state()._stats:
                    self.tests[function].append(item)
        for tests in self.tests.values():
            tests.sort(key=lambda item: (self.breadth[item], self.seconds[item]))


def passes(item: pytest.Item) -> bool:
    """Run one test, with its fixtures; nothing is reported."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out property tests: slow, and what random examples happen to catch is no score."""
    items[:] = [item for item in items if not is_hypothesis_test(getattr(item, "obj", None))]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Judge the mutants instead of running the tests."""
    reach = Reach()
    reach.learn(session.items)
    if reach.failed:
        raise pytest.UsageError(f"tests fail without any mutant: {', '.join(reach.failed)}")
    gc.freeze()
    mutants = json.loads(Path(os.environ["MUTANTS"]).read_text())
    began, verdicts = time.monotonic(), dict[str, str]()
    for count, mutant in enumerate(mutants, 1):
        name = f"{PACKAGE}.{mutant}"
        tests = reach.tests.get(name.partition("__mutmut_")[0], [])
        verdicts[mutant] = judge(mutant=name, tests=tests)
        if count % 100 == 0 or count == len(mutants):
            print(
                f"{count} of {len(mutants)} mutants, {time.monotonic() - began:.0f} s", flush=True
            )
    Path(os.environ["VERDICTS"]).write_text(json.dumps(verdicts))
    return True


def judge(*, mutant: str, tests: list[pytest.Item]) -> str:
    """Run the tests against the mutant in a process of its own."""
    if not tests:
        return UNREACHED
    sys.stdout.flush()
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writing, _verdict(mutant=mutant, tests=tests))
        finally:
            os._exit(0)
    os.close(writing)
    status = os.waitpid(process, 0)[1]
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    if os.WIFSIGNALED(status):
        return HUNG if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else KILLED
    if said == PASSED:
        return SURVIVED
    if said:  # no answer: something escaped from pytest itself
        tests.insert(0, tests.pop(int(said)))  # it may well kill the function's next mutant too
    return KILLED


def _verdict(*, mutant: str, tests: list[pytest.Item]) -> bytes:
    """The number of the first test that fails, or `PASSED`."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    set_mutant_under_test(mutant)
    _forget()
    failing = (str(number).encode() for number, item in enumerate(tests) if not passes(item))
    return next(failing, PASSED)


def _forget() -> None:
    """Empty the caches of the code under test: they hold what it said before it was changed."""
    for name, module in list(sys.modules.items()):
        if name.startswith("aks_access."):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()

"""`python -m tests.sim.soak`: random histories by the hundred thousand; goes on after a failure.

python -m tests.sim.soak --runs 100000 --start 0 --jobs 2
python -m tests.sim.soak --seed 4711            plays one seed again
python -m tests.sim.soak --seed 4711 --shrink   and prints the few steps that it needs
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.sim.histories.place import Figures
from tests.sim.histories.play import failure, play, printed, script_of, shrunk

BATCH = 50
AGAIN = "python -m tests.sim.soak --shrink --seed"

Failed = list[tuple[int, str]]


def batch(start: int, runs: int) -> tuple[Figures, Failed]:
    """Play `runs` seeds from `start` on; whatever is raised is a failure of that seed."""
    figures, failed = Figures(), []
    for seed in range(start, start + runs):
        try:
            figures.add(play(script_of(seed), seed=seed))
        except Exception as error:
            failed.append((seed, (str(error) or repr(error)).splitlines()[0]))
    return figures, failed


def soak(*, runs: int, start: int, jobs: int) -> Failed:
    """Play many seeds side by side; prints progress, and each failure when it is found."""
    began, total, every = time.monotonic(), Figures(), Failed()
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        batches = [
            pool.submit(batch, first, min(BATCH, start + runs - first))
            for first in range(start, start + runs, BATCH)
        ]
        for number, done in enumerate(as_completed(batches), 1):
            figures, failed = done.result()
            total.add(figures)
            every += failed
            for seed, what in failed:
                print(f"FAILED {AGAIN} {seed}   # {what}", flush=True)
            if number % 20 == 0:
                print(f"{time.monotonic() - began:.0f} s: {total}", flush=True)
    print(f"{time.monotonic() - began:.0f} s, seeds {start} to {start + runs - 1}: {total}")
    return sorted(every)


def one(*, seed: int, shrink: bool) -> Failed:
    """Play one seed; with `shrink` print the part of its script that fails in the same way."""
    script = script_of(seed)
    what = failure(script, seed=seed)
    if what and shrink:
        script = shrunk(script, seed=seed)
        what = failure(script, seed=seed)
    print(printed(script))
    print(what or "nothing is wrong")
    return [(seed, what.splitlines()[0])] if what else []


def main(arguments: list[str]) -> int:
    """Exit code 1 where a history failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shrink", action="store_true")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return bool(one(seed=given.seed, shrink=given.shrink))
    failed = soak(runs=given.runs, start=given.start, jobs=given.jobs)
    print(f"{len(failed)} of {given.runs} histories failed")
    for seed, what in failed:
        print(f"{AGAIN} {seed}   # {what}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

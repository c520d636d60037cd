"""`python -m tests.mutation`: change `plan/` in thousands of small ways; do its tests notice?

python -m tests.mutation              every module
python -m tests.mutation guard pace   these only

Writes score.json. Needs mutmut: `make mutation` makes an environment that has it. Works on a copy
of the tree. The tests are those of tests/unit/plan but the property tests and the slowest (see
`forks.py`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.mutant import copy_tree
from tests.mutation import score
from tests.mutation.generate import mutate
from tests.mutation.score import Mutant

TESTS = "tests/unit/plan"


def judge(*, tree: Path, mutants: list[Mutant]) -> dict[str, str]:
    """The verdict on each mutant, by module and name, from pytest in a process of its own."""
    asked, answered = tree / "mutants.json", tree / "verdicts.json"
    asked.write_text(json.dumps([f"{mutant.module}.{mutant.name}" for mutant in mutants]))
    plugins = ["-p", "tests.mutation.forks", "-p", "no:xdist"]
    terse = ["-q", "-s", "--assert=plain", "--tb=native"]  # to explain a failure takes far longer
    subprocess.run(
        [sys.executable, "-m", "pytest", *terse, *plugins, TESTS],
        cwd=tree,
        check=True,
        env={
            **os.environ,
            "MUTANTS": str(asked),
            "VERDICTS": str(answered),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    verdicts: dict[str, str] = json.loads(answered.read_text())
    return verdicts


def report(*, mutants: list[Mutant], verdicts: dict[str, str], whole: bool) -> list[str]:
    """Print survivors and scores; what falls short, "" where nothing does."""
    known = score.accepted()
    alive = score.survivors(mutants=mutants, verdicts=verdicts)
    for mutant in alive:
        reason = known.get(mutant.key)
        print(f"{mutant}\n  {f'accepted: {reason}' if reason else 'SURVIVES'}")
    found = score.tallies(mutants=mutants, verdicts=verdicts)
    for module, tally in found.items():
        print(f"{module:20} {tally.killed:5} of {tally.mutants:5} killed  {tally.score:6.1%}")
    total = score.together(found)
    print(f"{'all':20} {total.killed:5} of {total.mutants:5} killed  {total.score:6.1%}")
    modules, keys = found.keys(), {mutant.key for mutant in alive}
    stale = [key for key in known if key[0] in modules and key not in keys]
    score.write(found, whole=whole)
    return [
        *score.complaints(found),
        *(f"accepted.toml: no such survivor: {' | '.join(key)}" for key in stale),
    ]


def main(arguments: list[str]) -> int:
    """Exit code 1 where too few mutants are killed, or an accepted one does not survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    modules = parser.parse_args(arguments).modules
    with tempfile.TemporaryDirectory() as directory:
        tree = copy_tree(Path(directory))
        mutants = mutate(tree, modules=modules)
        verdicts = judge(tree=tree, mutants=mutants)
    short = report(mutants=mutants, verdicts=verdicts, whole=not modules)
    for each in short:
        print(f"FAILED {each}")
    return bool(short)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Every mutant is killed by the test that names the invariant it breaks."""

import shutil
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, apply, copy_tree, mutants, run_tests

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]

MUTANTS = mutants()


def test_the_mutants_break_every_invariant() -> None:
    assert {mutant.invariant for mutant in MUTANTS} == {f"I{number}" for number in range(1, 14)}
    assert all(mutant.names_its_invariant for mutant in MUTANTS)


def test_in_an_unbroken_copy_every_named_test_passes(tmp_path: Path) -> None:
    """What fails below fails for its mutant."""
    tree = copy_tree(tmp_path)

    found = run_tests(tree=tree, tests=sorted({mutant.test for mutant in MUTANTS}))

    assert found.returncode == 0, found.stdout[-3000:]
    shutil.rmtree(tree)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    apply(mutant=mutant, tree=tree)

    found = run_tests(tree=tree, tests=[mutant.test])

    assert found.returncode == 1, f"survived: {mutant.mistake}\n{found.stdout[-3000:]}"
    assert "1 failed" in found.stdout, found.stdout[-3000:]
    shutil.rmtree(tree)

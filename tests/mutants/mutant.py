"""One deliberate mistake in the product: a patch, and the test that has to notice it.

A patch file begins with three lines, `Invariant: I5`, `Test: <pytest id>` and `Mistake: <what>`;
`git apply` skips them. The mistakes are those that an operator of this kind is prone to, each in
the real code, so that the tests of the invariants are known to have teeth.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
NEEDED: Final = ("operator", "tests", "sandbox", "crds", "deploy", "examples", "pyproject.toml")
_PATH: Final = os.environ.get("PATH", os.defpath)
_PATCHED: Final = re.compile(r"^--- a/(.+)$", re.MULTILINE)
_HEADER: Final = re.compile(r"^(Invariant|Test|Mistake): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch with its header.

    Attributes:
        invariant: the invariant that it breaks, "I1" to "I13".
        test: pytest id of the test that has to fail, below the repository's root.
        mistake: what is wrong, in a sentence.
    """

    path: Path
    invariant: str
    test: str
    mistake: str

    @property
    def name(self) -> str:
        """The patch's file name without its ending."""
        return self.path.stem

    @property
    def names_its_invariant(self) -> bool:
        """Whether the test says in its own name which invariant it guards."""
        function = self.test.rpartition("::")[2]
        return function.startswith(f"test_{self.invariant.lower()}_")


def read(path: Path) -> Mutant:
    """Read a patch file; raises `KeyError` where a line of the header is missing."""
    header = dict(_HEADER.findall(path.read_text()))
    return Mutant(
        path=path,
        invariant=header["Invariant"],
        test=header["Test"],
        mistake=header["Mistake"],
    )


def mutants() -> list[Mutant]:
    """Every mutant, by file name."""
    return [read(path) for path in sorted(Path(__file__).parent.glob("*.patch"))]


def copy_tree(to: Path) -> Path:
    """A copy of what the tests need, to be broken; what is compiled already comes along."""
    without = shutil.ignore_patterns("*.egg-info")
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=without)
        else:
            shutil.copy(source, to / name)
    return to


def apply(*, mutant: Mutant, tree: Path) -> None:
    """Break the copy; raises `CalledProcessError` where the patch does not fit the code."""
    for broken in _PATCHED.findall(mutant.path.read_text()):
        source = tree / broken
        for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*"):
            compiled.unlink()
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", str(mutant.path)],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
        env={"GIT_CEILING_DIRECTORIES": str(tree.parent), "PATH": _PATH},
    )


def run_tests(*, tree: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", *tests]
    return subprocess.run(
        command,
        cwd=tree,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": _PATH, "PYTHONDONTWRITEBYTECODE": "1"},
    )

"""What a branch changes, by asking Git: against where it left another branch."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from aks_access.cli.inputs import ENDINGS
from aks_access.cli.kustomizations import NAMES
from aks_access.errors import InputError, StartupError

_GIT: Final = ("git", "--literal-pathspecs")
_FINDING: Final = ("rev-parse", "--verify")
_SHALLOW: Final = "of a shallow clone fetch all of the history first (fetch-depth: 0)"
_AROUND: Final = ("Chart.yaml", *NAMES)
"""Files that tell which of those beside them are objects."""

_REPOSITORY: Final = "160000"


@dataclass(frozen=True, slots=True)
class Fork:
    """The commit at which the branch left `base`, and the folder of the repository."""

    base: str
    commit: str
    top: Path

    @classmethod
    def of(cls, base: str) -> Self:
        """Raises InputError for an unknown revision, StartupError where there is no git."""
        top = Path(_git("rev-parse", "--show-toplevel", base=base).rstrip("\n"))
        commit = _git(*_FINDING, "--end-of-options", f"{base}^{{commit}}", base=base)
        fork = _git("merge-base", commit.strip(), "HEAD", base=base).strip()
        return cls(base, fork, top.resolve())

    def changed(self) -> set[Path]:
        """Files that are new, changed or gone since; what is not committed yet counts too."""
        unknown = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z")
        return self.tracked() | self._named(*unknown)

    def tracked(self) -> set[Path]:
        """Those of them that Git knows."""
        # Without quotes and renames; a file that is moved is a changed one.
        options = ("--name-only", "--no-renames", "--no-relative", "--ignore-submodules=none", "-z")
        return self._named("diff", *options, self.commit)

    def _named(self, *command: str) -> set[Path]:
        names = _git(*command, "--", f"{self.top}", base=self.base).split("\0")
        return {self.top / name for name in names if name}

    def had(self, path: str) -> bool:
        """Whether there was such a file or folder."""
        place = self._place(path)
        return place is not None and any(self._files(place))

    def repositories(self, paths: Iterable[str]) -> list[str]:
        """Submodules among the files that were at another commit, as Git names them."""
        changed = self.changed()
        return [
            name
            for path in paths
            if (place := self._place(path)) is not None
            for name in self._files(place, _REPOSITORY)
            if self.top / name in changed
        ]

    def restore(self, paths: Iterable[str], *, into: Path) -> list[str]:
        """Write what was there and is not as it was, for the same reader as of what is there.

        Returns where the files and folders of these paths are now, as far as there are such.
        Raises InputError for a path outside the repository.
        """
        changed, found = self.changed(), []
        for path in paths:
            place = self._place(path)
            if place is None:
                raise InputError(f"--base {self.base}: {path} is not in the repository {self.top}.")
            for name in self._files(place):
                is_changed = self.top / name in changed and name.endswith(ENDINGS)
                if is_changed or Path(name).name in _AROUND:
                    text = _git("show", f"{self.commit}:{name}", base=self.base)
                    file = into / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(text.encode(errors="surrogateescape"))
            if (into / place).exists():
                found.append(str(into / place))
        return found

    def _place(self, path: str) -> str | None:
        """The path below the repository; None where it is not within."""
        place = os.path.relpath(os.path.realpath(path), self.top)
        return None if place.split(os.sep)[0] == os.pardir else place

    def _files(self, place: str, mode: str = "100") -> Iterator[str]:
        """What is at or below a path: the plain files, links and submodules left out."""
        below = () if place == os.curdir else ("--", place)
        listed = _git("ls-tree", "-r", "-z", "--full-tree", self.commit, *below, base=self.base)
        for line in filter(None, listed.split("\0")):
            about, _, name = line.partition("\t")
            if about.startswith(mode):
                yield name


def changed_files(base: str, *, sources: tuple[str, ...]) -> set[str]:
    """Those of the files that are new or changed since the branch left `base`.

    Raises as `Fork.of`.
    """
    paths = {path.resolve() for path in Fork.of(base).changed()}
    return {source for source in sources if _is_among(Path(source).resolve(), paths)}


def _is_among(file: Path, paths: set[Path]) -> bool:
    """Whether Git names the file, or the submodule or repository within that it is in."""
    return not paths.isdisjoint((file, *file.parents))


def _git(*arguments: str, base: str) -> str:
    try:
        done = subprocess.run(_GIT + arguments, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise StartupError(f"--base {base} needs git, which is not installed.") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        reason = said.removeprefix("fatal: ").rstrip(".") or f"no common ancestor; {_SHALLOW}"
        if arguments[:2] == _FINDING:
            reason = f"{reason}; fetch it first (in a pipeline: fetch-depth: 0)"
        raise InputError(f"--base {base}: git says: {reason}.")
    return done.stdout.decode(errors="surrogateescape")

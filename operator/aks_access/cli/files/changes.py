"""What a branch changes, by asking Git: against where it left another branch."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from aks_access.cli.files.inputs import ENDINGS
from aks_access.cli.files.kustomizations import NAMES
from aks_access.errors import InputError, StartupError

_GIT: Final = ("git", "--literal-pathspecs")
_FINDING: Final = ("rev-parse", "--verify")
_SHALLOW: Final = "of a shallow clone fetch all of the history first (fetch-depth: 0)"
_AROUND: Final = ("Chart.yaml", *NAMES)
"""Files that tell which of those beside them are objects."""

_REPOSITORY: Final = "160000"

_ELSEWHERE: Final = (
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
"""Variables that name a repository, or a part of one, whatever folder Git runs in."""


@dataclass(frozen=True, slots=True)
class Fork:
    """The commit at which the branch left `base`, and the folder of the repository.

    The repository is the one that the working directory is in. Git tells its hooks of theirs in
    variables, by which it takes any folder of a linked worktree that a hook goes to for the top.
    Where the working directory is in none, such variables name one.
    """

    base: str
    commit: str
    top: Path
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, base: str) -> Self:
        """Raises InputError for an unknown revision, StartupError where there is no git."""
        here = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # to look changes nothing
        own = {name: value for name, value in here.items() if name not in _ELSEWHERE}
        try:
            top = _git("rev-parse", "--show-toplevel", base=base, environment=own)
        except InputError:
            if own == here:
                raise
            own = here
            top = _git("rev-parse", "--show-toplevel", base=base, environment=own)
        found = cls(base, "", Path(top.rstrip("\n")).resolve(), own)
        commit = found._git(*_FINDING, "--end-of-options", f"{base}^{{commit}}")
        return replace(found, commit=found._git("merge-base", commit.strip(), "HEAD").strip())

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
        names = self._git(*command, "--", f"{self.top}").split("\0")
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
                    text = self._git("show", f"{self.commit}:{name}")
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
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", self.commit, *below)
        for line in filter(None, listed.split("\0")):
            about, _, name = line.partition("\t")
            if about.startswith(mode):
                yield name

    def _git(self, *arguments: str) -> str:
        return _git(*arguments, base=self.base, environment=self.environment)


def changed_files(base: str, *, sources: tuple[str, ...]) -> set[str]:
    """Those of the files that are new or changed since the branch left `base`.

    Raises as `Fork.of`.
    """
    paths = {path.resolve() for path in Fork.of(base).changed()}
    return {source for source in sources if _is_among(Path(source).resolve(), paths)}


def _is_among(file: Path, paths: set[Path]) -> bool:
    """Whether Git names the file, or the submodule or repository within that it is in."""
    return not paths.isdisjoint((file, *file.parents))


def _git(*arguments: str, base: str, environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(_GIT + arguments, env=environment, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise StartupError(f"--base {base} needs git, which is not installed.") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        reason = said.removeprefix("fatal: ").rstrip(".") or f"no common ancestor; {_SHALLOW}"
        if arguments[:2] == _FINDING:
            reason = f"{reason}; fetch it first (in a pipeline: fetch-depth: 0)"
        raise InputError(f"--base {base}: git says: {reason}.")
    return done.stdout.decode(errors="surrogateescape")

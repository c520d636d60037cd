"""Which files differ from where a branch left another, by asking Git."""

import subprocess
from pathlib import Path
from typing import Final

from aks_access.errors import InputError, StartupError

_FINDING: Final = ("rev-parse", "--verify")
_SHALLOW: Final = "of a shallow clone fetch all of the history first (fetch-depth: 0)"


def changed_files(base: str, *, sources: tuple[str, ...]) -> set[str]:
    """Those of the files that are new or changed since the branch left `base`.

    What is not committed yet counts too. Raises InputError for an unknown revision, StartupError
    where there is no git.
    """
    top = Path(_git("rev-parse", "--show-toplevel", base=base).rstrip("\n"))
    commit = _git(*_FINDING, "--end-of-options", f"{base}^{{commit}}", base=base)
    fork = _git("merge-base", commit.strip(), "HEAD", base=base).strip()
    # Without quotes and renames; a file that is moved is a changed one.
    diff = (
        "diff",
        "--name-only",
        "--no-renames",
        "--no-relative",
        "--ignore-submodules=none",
        "-z",
    )
    differing = _git(*diff, fork, "--", f"{top}", base=base)
    unknown = _git(
        "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", f"{top}", base=base
    )
    paths = {(top / name).resolve() for name in (differing + unknown).split("\0") if name}
    return {source for source in sources if _is_among(Path(source).resolve(), paths)}


def _is_among(file: Path, paths: set[Path]) -> bool:
    """Whether Git names the file, or the submodule or repository within that it is in."""
    return not paths.isdisjoint((file, *file.parents))


def _git(*arguments: str, base: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise StartupError(f"--base {base} needs git, which is not installed.") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        reason = said.removeprefix("fatal: ").rstrip(".") or f"no common ancestor; {_SHALLOW}"
        if arguments[:2] == _FINDING:
            reason = f"{reason}; fetch it first (in a pipeline: fetch-depth: 0)"
        raise InputError(f"--base {base}: git says: {reason}.")
    return done.stdout.decode(errors="surrogateescape")

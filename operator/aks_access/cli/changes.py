"""Which files differ from where a branch left another, by asking Git."""

import subprocess
from pathlib import Path

from aks_access.errors import InputError, StartupError

_SHALLOW = "of a shallow clone fetch all of the history first (fetch-depth: 0)"


def changed_files(base: str, *, sources: tuple[str, ...]) -> set[str]:
    """Those of the files that are new or changed since the branch left `base`.

    What is not committed yet counts too. Raises InputError for an unknown revision, StartupError
    where there is no git.
    """
    top = Path(_git("rev-parse", "--show-toplevel", base=base).rstrip("\n"))
    commit = _git("rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}", base=base)
    fork = _git("merge-base", commit.strip(), "HEAD", base=base).strip()
    # Without quotes and renames; a file that is moved is a changed one.
    differing = _git("diff", "--name-only", "--no-renames", "-z", fork, "--", f"{top}", base=base)
    unknown = _git(
        "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", f"{top}", base=base
    )
    paths = {(top / name).resolve() for name in (differing + unknown).split("\0") if name}
    return {source for source in sources if Path(source).resolve() in paths}


def _git(*arguments: str, base: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise StartupError(f"--base {base} needs git, which is not installed.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1].removeprefix("fatal: ") if said else f"no common ancestor; {_SHALLOW}"
        raise InputError(f"--base {base}: git says: {reason}.".replace("..", "."))
    return done.stdout.decode(errors="surrogateescape")

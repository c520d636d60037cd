"""`--base` in hooks: Git tells them of a repository in variables, and they go to folders of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.repository import Repository

ENDED = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: NAME}
spec:
  targetRef: {name: prod-weu}
  ipRanges: [81.2.69.142]
  expiresAt: 2026-11-01T18:00:00Z
  reason: INC-77
  requestedBy: dev@contoso.com
"""
TEAM = "teams/team-a"
VALIDATE = "aks-access validate . --base main"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    end(made.path, name="tombstone")
    made.bash("git add . && git commit -q -m tombstone && git switch -q -c feature")
    return made


def end(worktree: Path, *, name: str = "ended") -> None:
    """Write a grant that is over."""
    (worktree / TEAM / f"{name}.yaml").write_text(ENDED.replace("NAME", name))


@pytest.fixture(params=["main", "linked", "submodule"])
def worktree(request: pytest.FixtureRequest, repository: Repository) -> Iterator[Path]:
    """The repository's own worktree, a linked one, or one that is a submodule of another."""
    if request.param == "main":
        yield repository.path
        return
    linked = repository.path.parent / request.param
    if request.param == "linked":
        repository.bash(f"git worktree add -q -b linked {linked}")
    else:
        repository.bash(
            f"git init -q -b main {linked} && git -C {linked} -c protocol.file.allow=always "
            f"submodule --quiet add {repository.path} sub && "
            f"git -C {linked}/sub fetch -q origin main:main"
        )
        linked /= "sub"
    yield linked


def hook(repository: Repository, worktree: Path, script: str, *, name: str = "pre-commit") -> None:
    """Have Git run the script as that hook."""
    file = repository.temporary / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/bash -e\n{script}\n")
    file.chmod(0o755)
    repository.bash(f"git -C {worktree} config core.hooksPath {file.parent}")


@pytest.mark.parametrize("folder", [".", TEAM])
@pytest.mark.parametrize("how", ["git commit -q -a -m two", f"git commit -q -m two {TEAM}"])
def test_a_hook_looks_at_its_own_worktree_from_any_folder(
    repository: Repository, worktree: Path, folder: str, how: str
) -> None:
    hook(repository, worktree, f"cd {folder}; {VALIDATE}")
    change = f"echo '# more' >> {TEAM}/maintenance.yaml; {how}"
    done = repository.bash(change, cwd=worktree)
    assert (done.returncode, "PastEnd" in done.stdout) == (0, False), done.stdout
    end(worktree)
    done = repository.bash(f"git add .; {change}", cwd=worktree)
    assert (done.returncode, "PastEnd" in done.stdout) == (1, True), done.stdout


def test_a_hook_may_look_at_a_submodule(repository: Repository) -> None:
    above = repository.path.parent / "above"
    repository.bash(
        f"git init -q -b main {above} && git -C {above} -c protocol.file.allow=always "
        f"submodule --quiet add {repository.path} sub && "
        f"git -C {above}/sub fetch -q origin main:main"
    )
    hook(repository, above, f"cd sub/{TEAM}; {VALIDATE}")
    done = repository.bash("git commit -q -m one", cwd=above)
    assert (done.returncode, "PastEnd" in done.stdout) == (0, False), done.stdout
    end(above / "sub")
    done = repository.bash("git commit -q --allow-empty -m two", cwd=above)
    assert (done.returncode, "PastEnd" in done.stdout) == (1, True), done.stdout


def test_plan_in_a_hook_sees_what_the_commit_deletes(
    repository: Repository, worktree: Path
) -> None:
    hook(repository, worktree, "cd teams; aks-access plan team-a --base main")
    done = repository.bash(f"git rm -q {TEAM}/maintenance.yaml; git commit -m two", cwd=worktree)
    assert "Git deletes default/maintenance, which the management cluster has not" in done.stdout


def test_where_there_is_no_repository_the_variables_name_one(repository: Repository) -> None:
    """A server's hook writes the files that were pushed to a folder of their own."""
    files = repository.temporary / "files"
    files.mkdir()
    there = {"GIT_DIR": f"{repository.path}/.git", "GIT_WORK_TREE": f"{files}"}
    repository.bash("git checkout -q feature -- .", cwd=files, **there)
    done = repository.bash(VALIDATE, cwd=files / TEAM, **there)
    assert (done.returncode, "PastEnd" in done.stdout) == (0, False), done.stdout
    end(files)
    done = repository.bash(VALIDATE, cwd=files / TEAM, **there)
    assert (done.returncode, "PastEnd" in done.stdout) == (1, True), done.stdout
    done = repository.bash(VALIDATE, cwd=files / TEAM)
    assert done.returncode == 2
    assert "--base main: git says: not a git repository" in done.stdout

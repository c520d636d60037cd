"""`validate --base`: a grant that is over is refused where a branch brings it, and nowhere else."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.cli.transcript import execute

GRANT = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {{name: x}}
spec:
  targetRef: {{name: c1}}
  ipRanges: [81.2.69.142]
  expiresAt: {end}
"""
PAST, FUTURE = "2026-11-01T00:00:00Z", "2026-11-23T00:00:00Z"


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def write(name: str, end: str) -> None:
    Path("grants", f"{name}.yaml").write_text(GRANT.format(end=end))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    Path("grants").mkdir()
    write("tombstone", PAST)
    write("later ü", FUTURE)
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("checkout", "-q", "-b", "feature")
    return tmp_path


def refused() -> list[str]:
    code, out, _ = execute("aks-access validate grants --base main")
    found = [line.partition(":")[0] for line in out.splitlines() if " PastEnd: " in line]
    assert code == (1 if found else 0)
    return found


def test_a_tombstone_that_was_there_is_none_of_the_branchs(repository: Path) -> None:
    assert refused() == []


def test_a_change_is_seen_committed_staged_and_new(repository: Path) -> None:
    write("later ü", PAST)
    assert refused() == ["grants/later ü.yaml"]
    git("add", ".")
    assert refused() == ["grants/later ü.yaml"]
    git("commit", "-q", "-m", "two")
    write("new", PAST)
    assert refused() == ["grants/later ü.yaml", "grants/new.yaml"]


def test_what_the_base_did_since_is_none_of_the_branchs(repository: Path) -> None:
    git("checkout", "-q", "main")
    write("tombstone", "2026-11-02T00:00:00Z")
    git("commit", "-q", "-a", "-m", "main goes on")
    git("checkout", "-q", "feature")
    assert refused() == []


def test_a_folder_below_the_top_is_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("new", PAST)
    monkeypatch.chdir(repository / "grants")
    code, out, _ = execute("aks-access validate . --base main")
    assert code == 1
    assert "\nnew.yaml:7:14 error PastEnd: " in out


@pytest.mark.parametrize(("base", "said"), [("nowhere", "revision"), ("-x", "revision")])
def test_an_unknown_base_is_one_line_and_exit_code_2(
    repository: Path, base: str, said: str
) -> None:
    code, out, err = execute(f"aks-access validate grants --base={base}")
    assert (code, out) == (2, "")
    assert err.startswith(f"aks-access: --base {base}: git says: ")
    assert said in err
    assert "fetch-depth: 0" in err
    assert err.count("\n") == 1


def test_what_git_says_in_many_lines_is_told_whole(repository: Path) -> None:
    """In a container Git refuses a repository of another user, and names the way out below."""
    shim = repository / "bin"
    shim.mkdir()
    (shim / "git").write_text(
        "#!/bin/sh\nprintf 'fatal: detected dubious ownership in repository at x\\n"
        "To add an exception, call:\\n\\n\\tgit config --global --add safe.directory x\\n' >&2\n"
        "exit 128\n"
    )
    (shim / "git").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(shim), prepend=os.pathsep)
        code, _, err = execute("aks-access validate grants --base main")
    assert code == 2
    assert "dubious ownership" in err
    assert "safe.directory x" in err


def test_a_persons_own_settings_of_git_change_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("tombstone", "2026-11-02T00:00:00Z")
    git("config", "diff.relative", "true")
    git("config", "status.showUntrackedFiles", "no")
    git("config", "diff.renames", "copies")
    Path("other").mkdir()
    monkeypatch.chdir("other")
    code, out, _ = execute("aks-access validate ../grants --base main")
    assert code == 1
    assert "PastEnd" in out


def test_a_repository_within_counts_as_new_with_all_that_is_in_it(repository: Path) -> None:
    Path("grants", "inner").mkdir()
    git("-C", "grants/inner", "init", "-q")
    write("inner/new", PAST)
    git("-C", "grants/inner", "add", ".")
    git("-C", "grants/inner", "commit", "-q", "-m", "inner")
    assert refused() == ["grants/inner/new.yaml"]
    git("add", "grants/inner")
    git("commit", "-q", "-m", "as a submodule is")
    assert refused() == ["grants/inner/new.yaml"]


def test_a_linked_worktree_and_a_detached_head_are_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("worktree", "add", "-q", "--detach", "elsewhere", "main")
    monkeypatch.chdir("elsewhere")
    assert refused() == []
    write("new", PAST)
    assert refused() == ["grants/new.yaml"]


def test_a_shallow_clone_is_told_what_it_lacks(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("commit", "-q", "--allow-empty", "-m", "of the branch")
    git("clone", "-q", "--depth=1", "--branch=feature", f"file://{repository}", "shallow")
    monkeypatch.chdir("shallow")
    code, _, err = execute("aks-access validate grants --base origin/main")
    assert code == 2
    assert "fetch-depth: 0" in err


def test_without_a_common_ancestor_the_way_out_is_named(repository: Path) -> None:
    git("checkout", "-q", "--orphan", "elsewhere")
    git("commit", "-q", "-m", "no parent")
    code, _, err = execute("aks-access validate grants --base main")
    assert code == 2
    assert "fetch-depth: 0" in err

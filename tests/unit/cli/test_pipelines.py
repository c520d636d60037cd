"""The pipelines of examples/ci and the pre-commit hooks, run as far as one machine goes."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.repository import ROOT, Repository

CI = ROOT / "examples" / "ci"
GITHUB = {"GITHUB_BASE_REF": "main", "GITHUB_RUN_ID": "77", "GH_TOKEN": "token"}
AZURE = {"SYSTEM_PULLREQUEST_TARGETBRANCHNAME": "main"}
GRANT = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: new}
spec:
  targetRef: {name: prod-weu}
  ipRanges: [81.2.69.142]
  expiresAt: 2026-11-22T18:00:00Z
  reason: INC-77
  requestedBy: dev@contoso.com
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.bash("git switch -q -c feature")
    return made


def scripts(file: str) -> Iterator[str]:
    """The scripts of a pipeline that use our command."""
    whole: dict[str, Any] = yaml.safe_load((CI / file).read_text())
    jobs = whole.get("jobs", {"only": whole})
    for job in jobs.values():
        for step in job["steps"]:
            script = step.get("run") or step.get("script") or ""
            if "aks-access " in script:
                yield script


def ran(
    repository: Repository, file: str, variables: dict[str, str]
) -> list[subprocess.CompletedProcess[str]]:
    return [repository.bash(script, **variables) for script in scripts(file)]


def bring(repository: Repository, text: str) -> None:
    Path(repository.path, "teams", "team-a", "new.yaml").write_text(text)
    repository.bash("git add . && git commit -q -m change")


VALIDATING = [("github-actions.yaml", GITHUB), ("azure-devops.yaml", AZURE)]


@pytest.mark.parametrize(("file", "variables"), VALIDATING)
def test_a_good_change_passes(repository: Repository, file: str, variables: dict[str, str]) -> None:
    bring(repository, GRANT)
    assert [
        (each.returncode, "rror" in each.stdout.replace("0 errors", ""))
        for each in ran(repository, file, variables)
    ] == [(0, False)] * len(list(scripts(file)))


@pytest.mark.parametrize(("file", "variables"), VALIDATING)
@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("81.2.69.142", "20.50.0.0/20", "PolicyDenied"),
        ("2026-11-22T18:00:00Z", "2026-11-22T09:00:00Z", "PastEnd"),
        ("prod-weu", "prod-neu", "TargetNotFound"),
    ],
)
def test_a_bad_change_fails_and_is_named(
    repository: Repository, file: str, variables: dict[str, str], was: str, now: str, rule: str
) -> None:
    bring(repository, GRANT.replace(was, now))
    last = ran(repository, file, variables)[-1]
    assert last.returncode == 1
    assert rule in last.stdout
    assert "teams/team-a/new.yaml" in last.stdout


def test_the_clean_up_opens_a_pull_request_and_only_where_there_is_something(
    repository: Repository,
) -> None:
    repository.program("gh", '#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/gh"\n')
    asked = repository.temporary / "gh"
    [nothing] = ran(repository, "github-cleanup.yaml", GITHUB)
    assert (nothing.returncode, nothing.stdout, asked.exists()) == (0, "", False)
    bring(repository, GRANT.replace("11-22", "11-01"))
    [done] = ran(repository, "github-cleanup.yaml", GITHUB)
    assert (done.returncode, done.stdout) == (0, "")
    assert "--head\nexpired-grants-77\n" in asked.read_text()
    listed = repository.bash("git ls-tree -r --name-only origin/expired-grants-77 teams").stdout
    assert listed.split() == ["teams/team-a/kustomization.yaml", "teams/team-a/maintenance.yaml"]
    body = (repository.temporary / "removed").read_text()
    assert body == "removed teams/team-a/new.yaml (new ended 20 d ago)\n"


def hook(name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return next(each for each in found if each["id"] == name)


def test_the_hook_checks_the_files_of_a_commit(repository: Repository) -> None:
    entry = hook("aks-access-validate")["entry"]
    file = Path(repository.path, "teams", "team-a", "new.yaml")
    for text, code in ((GRANT, 0), (GRANT.replace("T18", "T09"), 1)):
        file.write_text(text)
        command = f"git add . && {entry} -n team-a --targets platform {shlex.quote(str(file))}"
        assert repository.bash(command).returncode == code


def test_the_hook_that_cleans_up_runs_on_folders(repository: Repository) -> None:
    found = hook("aks-access-gc")
    assert found["pass_filenames"] is False
    assert repository.bash(f"{found['entry']} teams").stdout == "Nothing to remove.\n"


def test_what_runs_is_on_the_path_of_an_installation() -> None:
    scripts_of = (ROOT / "pyproject.toml").read_text()
    for name in ("aks-access-validate", "aks-access-gc"):
        assert hook(name)["language"] == "python"
        assert f"\n{hook(name)['entry'].split()[0]} = " in scripts_of

"""Every example a user may copy, and every object in the pages, is one that the operator takes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_access.api.grant import ApiAccessGrant
from aks_access.api.modes import Mode
from aks_access.api.names import API_VERSION, Kind
from aks_access.api.parse import Invalid, parse
from aks_access.api.target import ApiAccessTarget

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
REFUSED = EXAMPLES / "refused" / "by-schema.yaml"
FILES = sorted(file for file in EXAMPLES.rglob("*.yaml") if file.parent.name != "templates")
GITOPS = (EXAMPLES / "gitops-argocd", EXAMPLES / "gitops-flux")
WAVE = "argocd.argoproj.io/sync-wave"
PAGES = [
    ROOT / "README.md",
    EXAMPLES / "README.md",
    ROOT / "charts" / "aks-access-operator" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
_YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def objects(text: str) -> Iterator[dict[str, Any]]:
    for document in yaml.safe_load_all(text):
        if isinstance(document, dict) and document.get("apiVersion") == API_VERSION:
            yield document


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_are_examples() -> None:
    assert len(FILES) >= 10
    kinds = {each["kind"] for file in FILES for each in objects(file.read_text())}
    assert kinds == {str(kind) for kind in (Kind.GRANT, Kind.TARGET, Kind.RANGE_SET)}


@pytest.mark.parametrize("file", [each for each in FILES if each != REFUSED], ids=name)
def test_an_example_is_taken(file: Path) -> None:
    for raw in objects(file.read_text()):
        found = parse(Kind(raw["kind"]), raw)
        assert not isinstance(found, Invalid), found.problems


def test_the_refused_example_is_refused_for_what_it_says() -> None:
    [raw] = objects(REFUSED.read_text())
    found = parse(Kind.GRANT, raw)
    assert isinstance(found, Invalid)
    assert [problem.path for problem in found.problems] == ["spec.ipRanges[0]"]
    assert "private, RFC 1918" in found.problems[0].message


def test_examples_never_age() -> None:
    grants = [
        grant
        for file in FILES
        for raw in objects(file.read_text())
        if isinstance(grant := parse(Kind(raw["kind"]), raw), ApiAccessGrant)
    ]
    for grant in grants:
        spec = grant.spec
        assert spec.expires_at is None or spec.expires_at.year >= 2099, grant.metadata.name
        assert spec.duration is None or spec.duration <= timedelta(hours=8), grant.metadata.name


def test_targets_show_every_mode_once() -> None:
    text = (EXAMPLES / "plain" / "targets.yaml").read_text()
    targets = [parse(Kind.TARGET, raw) for raw in objects(text)]
    modes = [each.spec.mode for each in targets if isinstance(each, ApiAccessTarget)]
    assert sorted(modes) == sorted(Mode)


def test_the_burst_is_twenty_different_addresses() -> None:
    text = (EXAMPLES / "plain" / "grants" / "ci-runners.yaml").read_text()
    ranges = {raw["spec"]["ipRanges"][0] for raw in objects(text)}
    assert len(ranges) == 20


def test_argo_brings_targets_and_sets_before_grants() -> None:
    waves = {Kind.TARGET: "0", Kind.RANGE_SET: "0", Kind.GRANT: "1"}
    found = [raw for file in GITOPS[0].rglob("*.yaml") if file in FILES for raw in all_of(file)]
    ours = [raw for raw in found if raw["apiVersion"] == API_VERSION]
    assert len(ours) >= 4
    for raw in ours:
        assert raw["metadata"]["annotations"][WAVE] == waves[Kind(raw["kind"])], raw["metadata"]


@pytest.mark.parametrize("example", GITOPS, ids=name)
def test_no_grant_in_git_says_that_it_is_not_revoked(example: Path) -> None:
    """`revoked: false` in Git would undo a revocation in an emergency."""
    text = "".join(file.read_text() for file in example.rglob("*.yaml"))
    assert "revoked:" not in text


def test_the_last_grant_of_a_team_is_pruned_too() -> None:
    [teams] = all_of(GITOPS[0] / "apps/teams.yaml")
    automated = teams["spec"]["template"]["spec"]["syncPolicy"]["automated"]
    assert automated == {"prune": True, "selfHeal": True, "allowEmpty": True}


@pytest.mark.parametrize("file", ["teams", "platform", "clusters"])
def test_a_sync_that_fails_is_tried_again_with_the_newest_commit(file: str) -> None:
    [found] = all_of(GITOPS[0] / f"apps/{file}.yaml")
    spec = found["spec"]
    application = spec["template"]["spec"] if found["kind"] == "ApplicationSet" else spec
    assert application["syncPolicy"]["retry"]["limit"] == -1
    assert application["syncPolicy"]["retry"]["refresh"] is True


def projects() -> dict[str, dict[str, Any]]:
    found = all_of(GITOPS[0] / "apps/projects.yaml")
    return {each["metadata"]["name"]: each["spec"] for each in found}


@pytest.mark.parametrize("team", ["team-a", "team-b"])
def test_a_team_may_bring_grants_to_its_own_namespace_alone(team: str) -> None:
    project = projects()[f"access-{team}"]
    assert project["clusterResourceWhitelist"] == []
    assert [each["kind"] for each in project["namespaceResourceWhitelist"]] == ["ApiAccessGrant"]
    assert [each["namespace"] for each in project["destinations"]] == [team]


def test_each_directory_of_a_team_has_its_project() -> None:
    [generator] = all_of(GITOPS[0] / "apps/teams.yaml")
    assert generator["spec"]["template"]["spec"]["project"] == "access-{{ .path.basename }}"
    directories = {f"access-{each.name}" for each in (GITOPS[0] / "teams").iterdir()}
    assert set(projects()) == {"access-platform", *directories}


def all_of(file: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(file.read_text()) if each and "apiVersion" in each]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_yaml_in_a_page_is_taken(page: Path) -> None:
    for block in _YAML_BLOCK.findall(page.read_text()):
        for raw in objects(block):
            found = parse(Kind(raw["kind"]), raw)
            assert not isinstance(found, Invalid), found.problems


def test_the_readme_shows_a_grant_and_a_target() -> None:
    blocks = _YAML_BLOCK.findall((ROOT / "README.md").read_text())
    kinds = {raw["kind"] for block in blocks for raw in objects(block)}
    assert {"ApiAccessGrant", "ApiAccessTarget"} <= kinds


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    missing = [
        link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ]
    assert missing == []

"""`plan --base`: what Git deletes goes, as far as it was in the files that are looked at."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.test_changes import git
from tests.unit.cli.transcript import execute, files

LAPTOP = "81.2.69.142/32"
OBJECTS = {
    ("ApiAccessGrant", "dev-laptop"): "team/dev-laptop.yaml",
    ("ApiAccessGrant", "night"): "team/night.yaml",
    ("ApiAccessTarget", "prod-weu"): "targets/prod-weu.yaml",
}
"""Objects of the hub, and the files that they come from."""


@pytest.fixture
def repository() -> Iterator[Path]:
    """The team's repository, on a branch; outside is the hub that the files were applied to."""
    with files():
        top = Path.cwd()
        git("init", "-q", "-b", "main")
        hub = list(yaml.load_all((top / "hub.yaml").read_text(), Loader=yaml.BaseLoader))
        for (kind, name), file in OBJECTS.items():
            [raw] = [
                each for each in hub if (each["kind"], each["metadata"]["name"]) == (kind, name)
            ]
            made = {
                **{field: raw[field] for field in ("apiVersion", "kind", "spec")},
                "metadata": {
                    key: raw["metadata"][key]
                    for key in ("name", "namespace")
                    if key in raw["metadata"]
                },
            }
            path = top / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(_plain(made))
        git("add", "team", "targets")
        git("commit", "-q", "-m", "one")
        git("checkout", "-q", "-b", "feature")
        yield top


def _plain(made: dict[str, Any]) -> str:
    """YAML in which numbers and truths are no text again."""
    return yaml.safe_dump(_typed(made))


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return int(value) if value.isdecimal() else {"true": True, "false": False}.get(value, value)


def planned(*what: str, base: str = "main") -> dict[str, Any]:
    code, out, err = execute(f"aks-access plan {' '.join(what)} --base {base} -o json")
    assert (code, err) == (0, ""), out + err
    found: dict[str, Any] = json.loads(out)
    return found


def removed(*what: str, base: str = "main") -> dict[str, str]:
    """What goes, and why."""
    return {
        each["range"]: f"{each['what']}: {each['why']}"
        for target in planned(*what, base=base)["targets"]
        for each in target["changes"]
        if each["change"] == "removed"
    }


GONE = {LAPTOP: "team-a/dev-laptop: its grant is being deleted"}


def test_nothing_goes_where_nothing_was_deleted(repository: Path) -> None:
    assert removed("team") == {}
    (repository / "team" / "dev-laptop.yaml").rename(repository / "team" / "moved.yaml")
    assert removed("team") == {}, "an object that moves to another file stays"


def test_a_deleted_file_takes_its_grant_with_it(repository: Path) -> None:
    (repository / "team" / "dev-laptop.yaml").unlink()
    assert removed("team") == GONE
    git("commit", "-qam", "two")
    assert removed("team") == GONE
    assert removed("team", "targets") == GONE
    assert removed("targets") == {}, "of the files that are looked at"


def test_a_deleted_folder_may_be_named_all_the_same(repository: Path) -> None:
    git("rm", "-q", "-r", "team")
    assert removed("team/dev-laptop.yaml", "targets") == GONE
    planned_only = {"20.50.1.9/32": "team-a/night: no longer asked for"}
    assert removed("team") == {**GONE, **planned_only}


def test_an_object_that_goes_from_a_file_is_deleted(repository: Path) -> None:
    night = (repository / "team" / "night.yaml").read_text()
    laptop = repository / "team" / "dev-laptop.yaml"
    both = repository / "team" / "both.yaml"
    both.write_text(f"{night}---\n{laptop.read_text()}")
    laptop.unlink()
    git("add", ".")
    git("commit", "-q", "-m", "two")
    git("branch", "-f", "main")
    assert removed("team") == {}
    both.write_text(night)
    assert removed("team") == GONE


def test_a_target_that_goes_takes_out_what_is_the_operators(repository: Path) -> None:
    (repository / "targets" / "prod-weu.yaml").unlink()
    assert LAPTOP in removed("targets")
    hub = repository / "hub.yaml"
    text = hub.read_text()
    place = "managedClusters/prod-weu\n  mode: Merge\n"
    assert place in text
    hub.write_text(text.replace(place, f"{place}  deletionPolicy: Detach\n"))
    found = planned("targets")
    assert found["targets"] == []
    assert found["doubts"] == [
        "prod-weu was not planned. It goes with deletionPolicy Detach: its list stays as it is."
    ]


def test_what_the_branch_never_had_is_not_its_to_delete(repository: Path) -> None:
    """Commits that `base` got since the branch left it."""
    git("checkout", "-q", "main")
    (repository / "team" / "late.yaml").write_text(
        (repository / "team" / "dev-laptop.yaml").read_text().replace("dev-laptop", "ci-42")
    )
    git("add", "team")
    git("commit", "-q", "-m", "late")
    git("checkout", "-q", "feature")
    assert removed("team") == {}


def test_without_a_base_it_is_said_that_deletions_do_not_count(repository: Path) -> None:
    (repository / "team" / "dev-laptop.yaml").unlink()
    code, out, err = execute("aks-access plan team")
    assert (code, out) == (0, "0 to add, 0 to remove, 0 denied; 1 target looked at.\n")
    assert err.startswith("note: What Git deletes is not counted; with --base it is (the branch ")


def test_what_git_deletes_and_nobody_has_is_named(repository: Path) -> None:
    laptop = repository / "team" / "dev-laptop.yaml"
    unplaced = laptop.read_text().replace("  namespace: team-a\n", "")
    assert unplaced != laptop.read_text()
    laptop.write_text(unplaced)
    git("commit", "-q", "-a", "-m", "two")
    git("branch", "-f", "main")
    laptop.unlink()
    assert removed("team") == {}
    assert planned("team")["doubts"] == [
        "Git deletes default/dev-laptop, which the management cluster has not: nothing goes with "
        "that. Where a file names no namespace, --namespace does."
    ]
    assert removed("team", "--namespace", "team-a") == GONE


@pytest.mark.parametrize(
    "annotation",
    [
        "argocd.argoproj.io/sync-options: SkipDryRunOnMissingResource=true, Prune=false",
        "kustomize.toolkit.fluxcd.io/prune: disabled",
    ],
)
def test_what_says_not_to_prune_it_stays(repository: Path, annotation: str) -> None:
    (repository / "team" / "dev-laptop.yaml").unlink()
    assert removed("team") == GONE
    hub = repository / "hub.yaml"
    before, name, rest = hub.read_text().partition("  name: dev-laptop\n")
    rest = rest.replace("  annotations: {}\n", f"  annotations:\n    {annotation}\n", 1)
    hub.write_text(before + name + rest)
    assert removed("team") == {}
    assert planned("team")["doubts"] == [
        "Git deletes team-a/dev-laptop, which stays: it says there not to prune it."
    ]


def test_files_that_were_no_yaml_are_named(repository: Path) -> None:
    broken = repository / "team" / "broken.yaml"
    broken.write_text("apiVersion: aksaccess.dev/v1alpha1\nkind: [\n")
    git("add", "team")
    git("commit", "-q", "-m", "two")
    git("branch", "-f", "main")
    broken.unlink()
    assert planned("team")["doubts"] == [
        "At main team/broken.yaml was no YAML: what it held is not known."
    ]


@pytest.mark.parametrize("name", [":team", ":(glob)team", "te*m", "te am ü\n-x", "-team"])
def test_a_folders_name_means_itself_and_nothing_to_git(repository: Path, name: str) -> None:
    git("mv", "team", f"./{name}")
    git("commit", "-q", "-m", "two")
    git("branch", "-f", "main")
    (repository / name / "dev-laptop.yaml").unlink()
    assert removed(shlex.quote(f"./{name}")) == GONE


def test_a_namespace_that_goes_takes_its_grants_with_it(repository: Path) -> None:
    namespace = repository / "team" / "namespace.yaml"
    namespace.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}\n")
    git("add", "team")
    git("commit", "-q", "-m", "two")
    git("branch", "-f", "main")
    assert removed("team") == {}
    namespace.unlink()
    assert removed("team").items() >= GONE.items()


def test_an_object_that_moves_to_a_file_that_was_not_given_is_named(repository: Path) -> None:
    git("mv", "team/dev-laptop.yaml", "targets/dev-laptop.yaml")
    assert removed("team") == GONE
    assert planned("team")["doubts"] == [
        "team-a/dev-laptop is in targets/dev-laptop.yaml now, which was not given: where that is "
        "applied too, it stays."
    ]
    assert planned("team", "targets")["doubts"] == []


def test_another_commit_of_a_submodule_is_named(repository: Path) -> None:
    within = repository / "team" / "within"
    within.mkdir()
    git("-C", f"{within}", "init", "-q", "-b", "main")
    for name in ("one", "two"):
        git("-C", f"{within}", "commit", "-q", "--allow-empty", "-m", name)
        git("add", "team")
        git("commit", "-q", "-m", name)
        if name == "one":
            git("branch", "-f", "main")
            assert planned("team")["doubts"] == []
    assert planned("team")["doubts"] == [
        "team/within is a repository of its own, and another commit of it by now: what it held is "
        "not known."
    ]
    assert planned("targets")["doubts"] == []


PATCH = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: dev-laptop, namespace: team-a}
spec: {reason: another}
"""


def test_a_patch_is_no_object_as_for_validate(repository: Path) -> None:
    overlay = repository / "overlay"
    overlay.mkdir()
    (overlay / "patch.yaml").write_text(PATCH)
    (overlay / "kustomization.yaml").write_text(
        "resources: [../team/dev-laptop.yaml]\npatches: [{path: patch.yaml}]\n"
    )
    git("add", "overlay")
    git("commit", "-q", "-m", "two")
    git("branch", "-f", "main")
    said = (
        "overlay/kustomization.yaml takes overlay/patch.yaml for a patch, and no object; give what "
        "it makes: kustomize build DIR | aks-access plan -"
    )
    assert planned("overlay")["doubts"] == [said]
    (overlay / "patch.yaml").write_text(PATCH.replace("another", "a third"))
    assert removed("overlay") == {}
    assert planned("overlay")["doubts"] == [said]
    (overlay / "patch.yaml").unlink()
    (overlay / "kustomization.yaml").write_text("resources: [../team/dev-laptop.yaml]\n")
    assert removed("overlay") == {}, "a patch that goes takes no grant with it"


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("plan prod-weu --base main", 2, "--base goes with files and folders"),
        ("plan - --base main", 2, "--base goes with files and folders"),
        ("plan team --base nowhere", 2, "--base nowhere: git says"),
        ("plan ../outside --base main", 2, "is not in the repository"),
        ("plan absent/ --base main", 2, "absent/: no such file or folder."),
    ],
)
def test_where_git_knows_nothing(repository: Path, command: str, code: int, said: str) -> None:
    (repository.parent / "outside").mkdir()
    found, out, err = execute(f"aks-access {command}")
    assert (found, out) == (code, ""), err
    assert said in err

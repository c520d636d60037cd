"""A grant as a file: what is taken over from the last time, and what is left as it was."""

import stat
from pathlib import Path

import pytest
import yaml

from aks_access.api.grant import ApiAccessGrant
from aks_access.api.parse import parse_grant
from tests.unit.cli.transcript import execute

BEFORE = """\
# For people on call.
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata:
  name: dev-laptop   # user and host
  annotations:
    argocd.argoproj.io/sync-wave: "1"
spec: # asked for
  # the laptop
  targetSelector: {matchLabels: {environment: lab}}
  ipRanges:
    - 20.50.1.7
  duration: 1h
  notBefore: 2026-11-20T00:00:00Z
  ticketRef: INC-1
  requestedBy: dev@contoso.com
  retainAfterExpiry: 72h # a while
# the end
"""
AFTER = """\
# For people on call.
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata:
  name: dev-laptop   # user and host
  annotations:
    argocd.argoproj.io/sync-wave: "1"
spec:
  targetRef:
    name: prod-weu
  ipRanges:
    - 81.2.69.142
  expiresAt: '2026-11-22T14:00:00Z'
  reason: INC-77
  requestedBy: dev@contoso.com
  retainAfterExpiry: 72h # a while
# the end
"""
COMMAND = "aks-access grant prod-weu --ip 81.2.69.142 --for 4h --reason INC-77 --out ."


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "dev-laptop.yaml"


def test_what_is_around_the_spec_stays(file: Path) -> None:
    file.write_text(BEFORE)
    assert execute(COMMAND) == (0, "updated dev-laptop.yaml, until 2026-11-22T14:00:00Z\n", "")
    assert file.read_text() == AFTER


def test_a_mark_at_the_beginning_moves_nothing(file: Path) -> None:
    """Windows' editors write one; it is a character of the text that the parser does not count."""
    listing = file.parent / "kustomization.yaml"
    file.write_text(BEFORE, encoding="utf-8-sig")
    listing.write_text("resources: [a.yaml]\n", encoding="utf-8-sig")
    execute(COMMAND)
    assert file.read_bytes() == AFTER.encode("utf-8-sig")
    assert listing.read_bytes() == "resources: [a.yaml, dev-laptop.yaml]\n".encode("utf-8-sig")


def test_a_folder_gives_no_orders_to_a_terminal_or_a_pipelines_runner(file: Path) -> None:
    folder = file.parent / "##[error]\x1b[2J"
    folder.mkdir()
    code, out, _ = execute(f"{COMMAND.removesuffix('.')} '{folder.name}'")
    assert code == 0
    assert out.startswith("wrote # #[error]\\x1b[2J/dev-laptop.yaml, until ")


def test_the_same_again_changes_nothing(file: Path) -> None:
    execute(COMMAND)
    first = file.read_bytes()
    execute(COMMAND)
    assert file.read_bytes() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_what_is_written_is_a_grant(file: Path) -> None:
    execute(COMMAND)
    found = parse_grant(yaml.safe_load(file.read_text()))
    assert isinstance(found, ApiAccessGrant)
    assert found.metadata.name == "dev-laptop"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BEFORE + "---\na: 1\n", "holds something else"),
        (BEFORE.replace("dev-laptop", "other"), "holds something else"),
        (BEFORE.replace("ApiAccessGrant", "ConfigMap"), "holds something else"),
        (BEFORE + "kind: ApiAccessGrant\n", "holds something else"),
        ("{", "holds something else"),
        (BEFORE.replace("  duration: 1h\n", "  revoked: true\n"), "is revoked"),
        (
            "{apiVersion: aksaccess.dev/v1alpha1, kind: ApiAccessGrant, "
            "metadata: {name: dev-laptop}, "
            "spec: {}}",
            "lines of its own",
        ),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    code, out, err = execute(COMMAND)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "resources:\n- a.yaml # x\n- b.yaml",
            "resources:\n- a.yaml # x\n- b.yaml\n- dev-laptop.yaml\n",
        ),
        ("resources: [a.yaml]\n", "resources: [a.yaml, dev-laptop.yaml]\n"),
        ("resources: [] # none\n", "resources: [dev-laptop.yaml] # none\n"),
        ("resources:\n- ./dev-laptop.yaml\n", None),
        ("namespace: team-a\n", None),
    ],
)
def test_a_kustomization_file_gets_to_know_it(file: Path, before: str, after: str | None) -> None:
    listing = file.parent / "kustomization.yaml"
    listing.write_text(before)
    execute(COMMAND)
    assert listing.read_text() == (after or before)


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_code_2(file: Path) -> None:
    (file.parent / "dev-laptop.yaml").mkdir()
    code, _, err = execute(COMMAND)
    assert (code, err.count("\n")) == (2, 1)

"""Which files are read, and what of a folder is passed over, refused or read once."""

import os
from pathlib import Path

import pytest

from tests.unit.cli.transcript import execute

GRANT = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: past}
spec: {targetRef: {name: c1}, ipRanges: [81.2.69.142], expiresAt: 2026-12-01T00:00:00Z}
"""
BAD = GRANT.replace("81.2.69.142", "10.0.0.1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rules(command: str) -> list[str]:
    """`file: rule` of each error."""
    _, out, _ = execute(command)
    lines = [line for line in out.splitlines() if " error " in line]
    return [f"{line.split(':')[0]}: {line.split()[2].rstrip(':')}" for line in lines]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_kubectl_reads_is_read(folder: Path, encoding: str) -> None:
    (folder / "a.yaml").write_bytes(BAD.encode(encoding))
    assert rules("aks-access validate .") == ["a.yaml: InvalidSpec"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_our_objects_in_an_encoding_that_is_not_read_are_no_silence(
    folder: Path, encoding: str
) -> None:
    (folder / "a.yaml").write_bytes(BAD.encode(encoding))
    assert rules("aks-access validate .") == ["a.yaml: InvalidYaml"]


def test_a_link_to_nowhere_is_said_and_the_others_are_judged(folder: Path) -> None:
    (folder / "a.yaml").symlink_to("nowhere")
    (folder / "b.yaml").write_text(BAD)
    (folder / "c.yaml").symlink_to("c.yaml")
    (folder / ".#b.yaml").symlink_to("dev@laptop.123")
    assert rules("aks-access validate .") == [
        "a.yaml: InvalidYaml",
        "b.yaml: InvalidSpec",
        "c.yaml: InvalidYaml",
    ]


@pytest.mark.parametrize("command", ["validate .", "gc ."])
def test_a_pipe_in_a_folder_is_not_waited_for(folder: Path, command: str) -> None:
    os.mkfifo(folder / "a.yaml")
    assert execute(f"aks-access {command}")[0] == 0


def test_a_pipe_that_is_named_is_read(folder: Path) -> None:
    read, write = os.pipe()
    os.write(write, BAD.encode())
    os.close(write)
    try:
        code, out, _ = execute(f"aks-access validate /dev/fd/{read}")
    finally:
        os.close(read)
    assert code == 1
    assert "InvalidSpec" in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_no_silence(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0)
    code, _, err = execute("aks-access validate .")
    assert (code, err) == (2, "aks-access: closed: Permission denied.\n")


def test_a_file_that_is_named_in_two_ways_is_judged_once(folder: Path) -> None:
    (folder / "a.yaml").write_text(BAD)
    assert len(rules(f"aks-access validate a.yaml ./a.yaml . {folder}")) == 1


def test_what_is_broken_is_said_once(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{BAD}{{")
    assert rules("aks-access validate . --targets a.yaml") == ["a.yaml: InvalidYaml"]


def test_standard_input_may_be_both_the_grants_and_what_judges_them(folder: Path) -> None:
    (folder / "a").write_text(BAD)
    code, out, _ = execute("aks-access validate - --targets - < a")
    assert code == 1
    assert out.splitlines()[-1].startswith("1 object in 1 file")


PATCH = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: past}
spec: {reason: an overlay}
"""


@pytest.mark.parametrize("named", [".", "over/p.yaml base/a.yaml"])
def test_a_patch_of_kustomize_is_no_object(folder: Path, named: str) -> None:
    for name in ("base", "over"):
        (folder / name).mkdir()
    (folder / "base" / "a.yaml").write_text(GRANT)
    (folder / "base" / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    (folder / "over" / "p.yaml").write_text(PATCH)
    listing = folder / "over" / "kustomization.yaml"
    listing.write_text("resources: [../base]\npatches: [path: p.yaml]\n")
    code, out, _ = execute(f"aks-access validate {named}")
    assert code == 0
    assert (
        "over/p.yaml:1:1 note NotChecked: over/kustomization.yaml takes the file for a patch, and "
        "no object; give what it makes: kustomize build DIR | aks-access validate - "
    ) in out
    listing.write_text("resources: [../base, p.yaml]\n")
    assert rules(f"aks-access validate {named}") == ["over/p.yaml: InvalidSpec"] * 2

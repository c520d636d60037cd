"""`plan`: the script of `--as-az` in real shells, and what is answered where there is no plan."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aks_access.plan.guard import refuse_unsafe_list
from tests.unit.cli.transcript import execute, files

_AZ = """\
#!/bin/sh
case "$1 $2" in
"aks show") [ -f list ] || exit 3; cat list;;
"aks update") printf '%s\\n' "$@" > updated;;
esac
"""
_LIST = ["20.50.1.7/32", "198.41.0.4/32", "51.140.8.0/24", "20.61.5.0/28", "81.2.69.142/32"]
SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh") if shutil.which(shell)]


@pytest.fixture
def folder() -> Iterator[Path]:
    with files():
        yield Path.cwd()


def script(*flags: str) -> str:
    code, out, err = execute(" ".join(["aks-access plan prod-weu --as-az", *flags]))
    assert (code, err) == (0, "")
    return out


def run(text: str, *, shell: str, folder: Path) -> tuple[int, str, str]:
    """The script's exit code and words, and what az was told to write."""
    program = folder / "bin" / "az"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_AZ)
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", text],
        cwd=folder,
        env={"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    updated = folder / "updated"
    return done.returncode, done.stdout, updated.read_text() if updated.exists() else ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("between", ["\n", "\t", "\r\n"])
def test_the_script_sets_the_planned_list(folder: Path, shell: str, between: str) -> None:
    (folder / "list").write_bytes(f"{between.join(_LIST)}{between}".encode())
    code, said, wrote = run(script(), shell=shell, folder=folder)
    assert (code, said) == (0, "")
    words = wrote.splitlines()
    new = words[words.index("--api-server-authorized-ip-ranges") + 1].split(",")
    assert set(new) == {*_LIST} - {"20.50.1.7/32"}
    assert words[words.index("-n") + 1] == "prod-weu"
    refuse_unsafe_list(current=_LIST, desired=new, entry_limit=200)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("there", [_LIST[1:], [*_LIST, "20.50.9.9/32"], []])
def test_the_script_stops_where_the_list_is_another_one(
    folder: Path, shell: str, there: list[str]
) -> None:
    (folder / "list").write_text("\n".join(there))
    code, said, wrote = run(script(), shell=shell, folder=folder)
    assert (code, wrote) == (1, "")
    assert said == "The list is another one by now; plan again.\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_stops_where_az_cannot_read(folder: Path, shell: str) -> None:
    code, _, wrote = run(script(), shell=shell, folder=folder)
    assert code != 0
    assert wrote == ""


def test_what_grants_ask_for_is_added_on_request_only(folder: Path) -> None:
    assert ",20.50.1.9/32" not in script()
    assert ",20.50.1.9/32" in script("--add-grants")


def _edited(folder: Path, old: str, new: str) -> None:
    hub = folder / "hub.yaml"
    text = hub.read_text()
    assert old in text
    hub.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("  cluster:\n    provisioningState", "  none:\n    provisioningState", 3, "--azure"),
        ("  entriesOmitted: 0\n  entriesUsed: 5", "  entriesOmitted: 7", 3, "only 5 of 12"),
        ('"schemaVersion":2', '"schemaVersion":99', 0, "LedgerLost"),
        ("minPrefixLength: 28", "minPrefixLength: 99", 0, "InvalidSpec"),
    ],
)
def test_where_something_is_not_known_it_is_said(
    folder: Path, old: str, new: str, code: int, said: str
) -> None:
    _edited(folder, old, new)
    found, out, err = execute("aks-access plan prod-weu")
    assert found == code, out + err
    assert said in out + err
    if code:
        assert (out, err.count("\n")) == ("", 1)


def test_an_operator_that_cannot_be_found_is_a_note(folder: Path) -> None:
    _edited(folder, "app.kubernetes.io/name: aks-access-operator", "app: other")
    code, out, err = execute("aks-access plan prod-weu")
    assert code == 0
    assert "20.61.5.0/28    management cluster" in out
    assert err.startswith("note: The operator's settings are not known")


def test_the_new_namespace_of_the_files_counts(folder: Path) -> None:
    _edited(folder, "minPrefixLength: 28", "minPrefixLength: 28\n    requireTicket: true")
    code, out, _ = execute("aks-access plan ahead/grants.yaml")
    assert code == 1
    assert "requireTicket" in out or "ticketRef" in out


def test_a_target_whose_cluster_another_one_holds_has_no_plan(folder: Path) -> None:
    """The ledger says which of them holds it, however old the other is."""
    place = "Microsoft.ContainerService/managedClusters/"
    _edited(folder, f"rg-lab/providers/{place}lab\n", f"rg-prod/providers/{place}PROD-WEU\n")
    old, new = (
        f"  name: lab\n  uid: uid-000005\n  generation: 1\n  creationTimestamp: '2026-11-22T{hour}"
        for hour in ("07", "06")
    )
    _edited(folder, old, new)
    code, out, err = execute("aks-access plan lab")
    assert (code, out) == (1, "")
    assert "lab has no plan. prod-weu stands for this cluster already. Delete this target" in err
    assert execute("aks-access plan prod-weu")[0] == 0


def test_a_target_that_cannot_be_used_is_planned_by_its_own_ledger_only(folder: Path) -> None:
    _edited(folder, "minPrefixLength: 28", "minPrefixLength: 99")
    code, out, _ = execute("aks-access plan prod-weu")
    assert code == 0
    assert "entries  InvalidSpec: nobody is let in until its spec is mended\n" in out
    assert "mode" not in out
    holder = '"targetName":"{}","targetUid":"{}"'
    _edited(folder, holder.format("prod-weu", "uid-000003"), holder.format("lab", "uid-000005"))
    place = "Microsoft.ContainerService/managedClusters/"
    _edited(folder, f"rg-lab/providers/{place}lab\n", f"rg-prod/providers/{place}prod-weu\n")
    code, out, err = execute("aks-access plan prod-weu")
    assert (code, out) == (1, "")
    assert "prod-weu has no plan. spec.policy.minPrefixLength: " in err


def test_a_target_that_cannot_be_used_has_no_plan_without_its_ledger(folder: Path) -> None:
    _edited(folder, "minPrefixLength: 28", "minPrefixLength: 99")
    _edited(folder, "name: aks-access-ledger-c401fae45b08f469", "name: elsewhere")
    code, out, err = execute("aks-access plan prod-weu")
    assert (code, out) == (1, "")
    assert "prod-weu has no plan. spec.policy.minPrefixLength: " in err


def test_a_grant_for_a_second_target_of_a_cluster_is_denied(folder: Path) -> None:
    place = "Microsoft.ContainerService/managedClusters/"
    _edited(folder, f"rg-lab/providers/{place}lab\n", f"rg-prod/providers/{place}PROD-WEU\n")
    grant = (folder / "ahead" / "grants.yaml").read_text().split("---")[0]
    (folder / "lab.yaml").write_text(grant.replace("name: prod-weu", "name: lab"))
    code, out, _ = execute("aks-access plan lab.yaml")
    assert code == 1
    assert "TargetBlocked: lab is DuplicateTarget: prod-weu stands for this cluster" in out


PAGER = """\
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessGrant
metadata: {name: pager, namespace: team-b}
spec:
  targetRef: {name: prod-weu}
  ipRanges: [20.50.3.4]
  expiresAt: 2026-11-22T12:00:00Z
  reason: on call
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: pager", "name: n", "team-b/False  InvalidSpec: metadata.name: false is not text"),
        ("name: pager", "name: P_1", "team-b/P_1  InvalidSpec: metadata.name: P_1 is no object's"),
        ("v1alpha1", "v1", "team-b/pager  UnknownKind: apiVersion: aksaccess.dev/v1 is not known"),
        ("Grant", "Grand", "team-b/pager  UnknownKind: kind: ApiAccessGrand is no kind of"),
    ],
)
def test_what_no_api_server_takes_is_denied_and_changes_nothing(
    folder: Path, old: str, new: str, said: str
) -> None:
    (folder / "pager.yaml").write_text(PAGER.replace(old, new, 1))
    code, out, _ = execute("aks-access plan pager.yaml")
    assert code == 1
    assert out.startswith(f"denied  {said}")
    assert out.endswith("\n0 to add, 0 to remove, 1 denied; 0 targets looked at.\n")


def test_what_is_dropped_from_a_file_is_a_note(folder: Path) -> None:
    (folder / "pager.yaml").write_text(PAGER.replace("reason:", "reasons:"))
    code, out, err = execute("aks-access plan pager.yaml")
    assert (code, "+ 20.50.3.4/32" in out) == (0, True)
    assert err.startswith("note: team-b/pager, line 8: spec.reasons: there is no such field;")

"""Moving to another management cluster, by the steps of the documentation: two hubs, one Azure.

The old operator is stopped, its ledgers and activations are exported and imported beside the same
targets and grants, and the new operator goes on: no access lost, none left, and no write at all
where nothing changed.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sandbox import chart
from sandbox.controlplane import ControlPlane
from tests.integration.hubs import Hubs
from tests.integration.things import Cluster, Object
from tests.integration.world import World

pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]

PORTAL = "51.140.8.0/24"
OFFICE = "51.141.0.0/24"
LAPTOP, TIMED, ENDING, LATER = (f"81.2.69.{number}/32" for number in (142, 143, 144, 145))


def ledger(plane: ControlPlane, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`aks-access ledger …` as an administrator of this hub."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "aks_access", "ledger", *arguments),
            *("--kubeconfig", str(plane.kubeconfig)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )


def sync(hubs: Hubs, item: Object) -> Object:
    """The same manifest on the new hub, as GitOps would put it there."""
    raw = item.read()
    return hubs.new.create(item.kind, raw["spec"], name=item.name, namespace=item.namespace)


def namespace(hubs: Hubs, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    hubs.new.plane.request("POST", "/api/v1/namespaces", body)
    hubs.new.namespaces.append(name)


def exported(hubs: Hubs, tmp_path: Path) -> Path:
    """Step 2: stop the old operator for good, and export."""
    hubs.old.station.stop()
    file = tmp_path / "ledgers.yaml"
    done = ledger(hubs.old.plane, "export", "--all", "-o", str(file))
    assert done.returncode == 0, done.stderr
    return file


def _damages(text: str) -> list[tuple[str, str]]:
    whole_lines = text[: text.rindex("\n", 0, len(text) // 2)]
    return [
        (whole_lines, "cut short or edited"),
        (whole_lines[: whole_lines.rindex("'")], "it is not YAML"),
        (text.replace(OFFICE, "51.142.0.0/24"), "cut short or edited"),
        (text.replace("formatVersion: 1", "formatVersion: 2"), "formatVersion is 2"),
        ("kind: Something", "it is no LedgerExport"),
        ("{", "it is not YAML"),
    ]


def test_threat_19_a_move_to_another_hub_writes_nothing_and_loses_nothing(
    hubs: Hubs, tmp_path: Path
) -> None:
    old, new = hubs.old, hubs.new
    old.station.start()
    old.expect("I8", because="its grants are edited and deleted on the new hub")
    cluster = old.cluster([PORTAL])
    target = old.target(cluster, baseline={"ipRanges": [OFFICE]})
    laptop = old.grant(target, LAPTOP)
    timed = old.grant(target, TIMED, duration="90s")
    ending = old.grant(target, ENDING, expiresAt=old.at(20))
    for grant in (laptop, timed, ending):
        grant.wait_state("Active")
    target.wait_state("InSync")
    activated = timed.status["activatedAt"]
    file = exported(hubs, tmp_path)
    mark = old.mark()

    document = yaml.safe_load(file.read_text())
    assert document["kind"] == "LedgerExport"
    assert document["formatVersion"] == 1
    refused = ledger(new.plane, "import", str(file))
    assert refused.returncode == 1
    assert f"Apply the target {target.name} first" in refused.stderr

    for damaged, word in _damages(file.read_text()):
        spoiled = tmp_path / "damaged.yaml"
        spoiled.write_text(damaged)
        refused = ledger(new.plane, "import", str(spoiled))
        assert (refused.returncode, word in refused.stderr) == (1, True), refused.stderr

    namespace(hubs, old.home())
    moved_target = sync(hubs, target)
    moved = {grant.name: sync(hubs, grant) for grant in (laptop, timed, ending)}
    dry = ledger(new.plane, "import", "--dry-run", str(file))
    assert "would be imported" in dry.stdout, dry.stderr
    assert ledger_of(new, cluster) is None
    done = ledger(new.plane, "import", str(file))
    assert (done.returncode, "imported" in done.stdout) == (0, True), done.stderr
    again = ledger(new.plane, "import", str(file))
    assert (again.returncode, "is here already" in again.stdout) == (0, True), again.stderr

    new.station.start()
    moved_target.wait_state("InSync")
    moved[laptop.name].wait_state("Active")
    moved[timed.name].wait_state("Active")
    assert moved[timed.name].status["activatedAt"] == activated, "its time did not start over"
    moved[ending.name].wait_state("Expired", seconds=30)
    cluster.wait_ranges(PORTAL, OFFICE, LAPTOP, TIMED)
    assert len(cluster.puts(mark)) == 1, "one write, for what ended"
    moved[laptop.name].delete()
    moved[laptop.name].wait_gone()
    cluster.wait_ranges(PORTAL, OFFICE, TIMED)
    moved[timed.name].wait_state("Expired", seconds=90)
    cluster.wait_ranges(PORTAL, OFFICE)


def test_an_import_never_overwrites_what_the_new_hub_knows(hubs: Hubs, tmp_path: Path) -> None:
    old, new = hubs.old, hubs.new
    old.station.start()
    old.expect("I8", because="its grants are edited and deleted on the new hub")
    cluster = old.cluster([PORTAL])
    target = old.target(cluster, baseline={"ipRanges": [OFFICE]})
    laptop = old.grant(target, LAPTOP)
    laptop.wait_state("Active")
    target.wait_state("InSync")
    file = exported(hubs, tmp_path)
    namespace(hubs, old.home())
    moved_target = sync(hubs, target)
    # Somebody starts the new operator too early: to it every live entry is somebody else's.
    new.station.start()
    moved_target.wait_state("InSync")
    new.station.stop()
    refused = ledger(new.plane, "import", str(file))
    assert refused.returncode == 1
    assert cluster.ledger_name in refused.stderr
    assert "Nothing is overwritten" in refused.stderr
    assert "import again" in refused.stderr

    # The way out that the message names.
    new.kubectl("-n", chart.NAMESPACE, "delete", "configmap", cluster.ledger_name)
    without = ledger(new.plane, "import", "--dry-run", str(file))
    assert without.returncode == 0, without.stderr
    assert f"warning: the grant {old.home()}/{laptop.name} is not here" in without.stdout
    moved = sync(hubs, laptop)
    done = ledger(new.plane, "import", str(file))
    assert (done.returncode, "warning" in done.stdout) == (0, False), done.stderr
    mark = old.mark()
    new.station.start()
    moved_target.wait_state("InSync")
    moved.wait_state("Active")
    cluster.wait_ranges(PORTAL, OFFICE, LAPTOP)
    assert [sorted(entry.after or ()) for entry in cluster.puts(mark)] == []


def ledger_of(world: World, cluster: Cluster) -> object:
    path = f"/api/v1/namespaces/{chart.NAMESPACE}/configmaps/{cluster.ledger_name}"
    return world.get(path)

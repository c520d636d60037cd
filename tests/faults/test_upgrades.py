"""A rolling upgrade to a version with a newer ledger schema, and back.

The next version is a copy of this one whose ledger has one field more. What it wrote must never be
overwritten by this version, and this version must add nothing while it cannot read.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from sandbox.chart import ROOT
from tests.faults.replicas import Replica, Replicas, next_leader, one_writer
from tests.integration.scenes import LAPTOP, OFFICE
from tests.integration.things import Cluster
from tests.integration.world import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

BUILD = "81.2.69.150"
NEW = "81.2.69.160"


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source root with the package as the next version would have it."""
    root = tmp_path_factory.mktemp("next-version")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator" / "aks_access", root / "aks_access", ignore=ignored)
    plan = root / "aks_access" / "plan" / "ledger.py"
    _edit(plan, r"^(SCHEMA_VERSION\b.*=\s*)(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}")
    kube = root / "aks_access" / "kube"
    field, value = r'^    lost: str = ""\n', r"^        lost=ledger\.lost,\n"
    _edit(kube / "ledger_schema.py", field, lambda m: f'{m[0]}    novelty: str = ""\n')
    _edit(kube / "ledger_document.py", value, lambda m: f'{m[0]}        novelty="yes",\n')
    return root


def _edit(file: Path, pattern: str, replacement) -> None:
    text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, f"{file.name} has no {pattern}"
    file.write_text(text)


def document(cluster: Cluster) -> str:
    """The ledger's JSON as stored."""
    stored = cluster.ledger()
    assert stored is not None
    return str(stored["data"]["ledger.json"])


def schema(cluster: Cluster) -> int:
    """The schema of the stored ledger."""
    return int(json.loads(document(cluster))["schemaVersion"])


def upgraded(replicas: Replicas, root: Path) -> Replica:
    """A ready replica of the next version."""
    replica = replicas.add(environment={"PYTHONPATH": str(root)})
    replica.process.wait_ready(seconds=60)
    return replica


def test_a_rolling_upgrade_across_a_ledger_schema_and_back(
    world: World, replicas: Replicas, next_version: Path
) -> None:
    old = replicas.leader_and_followers(1)[0]
    new = upgraded(replicas, next_version)
    cluster = world.cluster()
    target = world.target(cluster)
    laptop, build = world.grant(target, LAPTOP), world.grant(target, BUILD)
    for each in (laptop, build):
        each.wait_state("Active")
    target.wait_state("InSync")
    before = schema(cluster)
    with one_writer(replicas, cluster):
        mark = world.mark()
        old.process.close()
        next_leader(world, [new])
        target.wait_state("InSync")
        cluster.wait_looks(2)
        assert cluster.puts(mark) == [], "a migration changes nothing in Azure"
        laptop.delete()
        laptop.wait_gone()
        cluster.wait_ranges(OFFICE, f"{BUILD}/32")
    assert schema(cluster) == before + 1

    back = replicas.add()
    back.process.wait_ready()
    stored = document(cluster)
    new.process.close()
    next_leader(world, [back])
    target.wait_condition("Ready", status="False")
    late = world.grant(target, NEW)
    mark = world.mark()
    cluster.wait_looks(3)
    assert cluster.puts(mark) == [], "nothing is added on a ledger that cannot be read"
    assert document(cluster) == stored, "what the newer version wrote stays as it is"
    assert late.state != "Active"

    again = upgraded(replicas, next_version)
    back.process.close()
    next_leader(world, [again])
    late.wait_state("Active")
    target.wait_state("InSync")
    cluster.wait_ranges(OFFICE, f"{BUILD}/32", f"{NEW}/32")
    assert build.state == "Active"

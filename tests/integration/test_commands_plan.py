"""`plan` as the platform team runs it, beside the running operator."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sandbox.chart import ROOT
from tests.integration.people import Person
from tests.integration.station import Station
from tests.integration.things import Cluster
from tests.integration.world import World

pytestmark = pytest.mark.integration

FOREIGN, BASELINE, LAPTOP = "51.140.8.0/24", "20.40.0.0/24", "81.2.69.142/32"


class TestPlan:
    """Beside the running operator."""

    def test_what_is_planned_is_what_comes(self, world: World, person: Person) -> None:
        cluster = world.cluster((FOREIGN,))
        target = world.target(cluster, baseline={"ipRanges": [BASELINE]}, mode="Observe")
        world.eventually(lambda: target.status.get("entriesUsed") == 1, what="a first look")
        world.grant(target, LAPTOP)
        done = person.run("kubectl", "aks-access", "plan", target.name, "-o", "json")
        assert done.returncode == 0, done.stderr
        foretold = json.loads(done.stdout)
        assert set(foretold["after"]) == {FOREIGN, BASELINE, LAPTOP}
        target.patch(mode="Merge")
        world.eventually(
            lambda: set(cluster.ranges or ()) == set(foretold["after"]), what="the planned list"
        )

    def test_the_list_is_read_in_azure_on_request(self, world: World, person: Person) -> None:
        cluster = world.cluster((FOREIGN,))
        target = world.target(cluster, suspend=True)
        world.eventually(lambda: target.status.get("entriesUsed") == 1, what="a first look")
        fresh = "20.50.9.9/32"
        world.arm.edit_ranges(cluster.id, ranges=[FOREIGN, fresh])
        done = person.run("aks-access", "plan", target.name, "--azure", "-o", "json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["now"] == [FOREIGN, fresh]

    def test_an_overdue_revocation_is_ended_by_hand(
        self, world: World, person: Person, tmp_path: Path
    ) -> None:
        cluster = world.cluster((FOREIGN,))
        target = world.target(cluster, baseline={"ipRanges": [BASELINE]})
        grant = world.grant(target, LAPTOP)
        grant.wait_state("Active")
        target.patch(suspend=True)
        grant.patch(revoked=True)
        world.eventually(lambda: target.state == "RevocationOverdue", what="the debt", about=target)
        message = target.message()
        command = f"aks-access plan {target.name} --as-az"
        assert f"`{command}`" in message
        script = person.run(*command.split())
        assert script.returncode == 0, script.stderr
        _pretend_az(person, cluster, world)
        shell = subprocess.run(
            ["bash", "-c", script.stdout],
            env=person.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert shell.returncode == 0, shell.stderr
        assert set(cluster.ranges or ()) == {FOREIGN, BASELINE}
        target.patch(suspend=False)
        world.eventually(lambda: target.state == "InSync", what="the end of it", about=target)
        assert set(cluster.ranges or ()) == {FOREIGN, BASELINE}

    def test_files_are_compared_with_what_is(self, world: World, person: Person) -> None:
        cluster = world.cluster((FOREIGN,))
        target = world.target(cluster, policy={"minPrefixLength": 28})
        world.eventually(lambda: target.state == "InSync", what="a first look")
        spec = {"targetRef": {"name": target.name}, "ipRanges": [LAPTOP, "20.60.0.0/24"]}
        metadata = {"name": "wide", "namespace": world.home()}
        made = {
            "apiVersion": "aksaccess.dev/v1alpha1",
            "kind": "ApiAccessGrant",
            "metadata": metadata,
            "spec": spec,
        }
        file = person.folder / "grant.yaml"
        file.write_text(yaml.safe_dump(made))
        done = person.run("kubectl", "aks-access", "plan", "grant.yaml")
        assert done.returncode == 1, done.stderr
        assert "20.60.0.0/24 is wider than /28" in done.stdout
        spec["ipRanges"] = [LAPTOP]
        file.write_text(yaml.safe_dump(made))
        done = person.run("kubectl", "aks-access", "plan", "grant.yaml")
        assert done.returncode == 0, done.stdout
        assert f"+ {LAPTOP}  {world.home()}/wide" in done.stdout

    def test_a_person_with_few_rights_is_told_what_is_missing(
        self, world: World, station: Station, tmp_path: Path
    ) -> None:
        cluster = world.cluster((FOREIGN,))
        target = world.target(cluster)
        name = world.unique("nobody")
        station.plane.request(
            "POST",
            f"/api/v1/namespaces/{world.home()}/serviceaccounts",
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        )
        poor = Person(tmp_path, kubeconfig=station.plane.kubeconfig_for(name, world.home()))
        done = poor.run("aks-access", "plan", target.name)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "You may not" in done.stderr


def _pretend_az(person: Person, cluster: Cluster, world: World) -> None:
    """`az` for two commands, on the emulator's control API."""
    folder = person.folder / "az"
    folder.mkdir()
    (folder / "answers.json").write_text(json.dumps({"CLUSTER_ID": cluster.id}))
    program = person.folder / ".bin" / "az"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={ROOT}:{ROOT}/operator PRETENDED_AZ={folder}/answers.json "
        f"PRETENDED_AZ_CONTROL={world.station.arm.control_url} "
        f'exec {sys.executable} -c "import sys; from tests.integration.pretended_az import main; '
        'sys.exit(main(sys.argv[1:]))" "$@"\n'
    )
    program.chmod(0o755)

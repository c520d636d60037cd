"""`adopt` as the platform team runs it: whole subscriptions, and one cluster for the operator."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aks_access.api.parse import Invalid, parse_target
from aks_access.engine.ports import Kind
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from tests.integration.people import PERSON, Person
from tests.integration.station import Station
from tests.integration.subscription import MANY, cluster_id
from tests.integration.world import World
from tests.unit.cli.test_pages import played, script, steps

pytestmark = pytest.mark.integration

FOREIGN, LAPTOP = "51.140.8.0/24", "81.2.69.142/32"


class TestAdopt:
    """Whole subscriptions."""

    @pytest.fixture
    def many(self, azure: ArmProcess) -> Callable[[int], list[str]]:
        def make(count: int) -> list[str]:
            azure.control.reset()
            ids = [cluster_id(f"aks-{n:03}", group=f"rg-{n % 7}") for n in range(count)]
            for number, each in enumerate(ids):
                azure.control.create_cluster(each, ranges=[f"20.{number}.0.0/24"])
            return ids

        return make

    def test_200_clusters_of_a_throttled_subscription(
        self, azure: ArmProcess, many: Callable[[int], list[str]], tmp_path: Path
    ) -> None:
        ids = many(200)
        azure.control.set_limit("arm-read", calls=120, per_second=60)
        azure.control.add_fault(  # however slowly they are read
            method="GET", skip=100, status=429, code="Throttled", headers={"Retry-After": "1"}
        )
        person = Person(tmp_path, arm=azure)
        out = tmp_path / "targets"
        out.mkdir()
        (out / "kustomization.yaml").write_text("resources: []\n")
        command = ("aks-access", "adopt", "--subscription", MANY, "--out", "targets")
        done = person.run(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert "read 200 of 200 clusters" in done.stderr
        assert "Azure is asked again in" in done.stderr
        assert done.stderr.endswith("wrote 200 targets to targets\n")
        listed = yaml.safe_load((out / "kustomization.yaml").read_text())["resources"]
        assert sorted(listed) == [f"aks-{n:03}.yaml" for n in range(200)]
        for number, name in enumerate(sorted(listed)):
            made = yaml.safe_load((out / name).read_text())
            assert not isinstance(parse_target(made), Invalid)
            spec = made["spec"]
            assert (spec["resourceId"], spec["mode"]) == (ids[number], "Observe")
            assert spec["baseline"]["ipRanges"] == [f"20.{number}.0.0/24"]
        methods = {e.method for e in azure.control.journal(bodies=False) if e.area == "arm"}
        assert methods == {"GET"}
        again = person.run(*command)
        assert again.returncode == 0
        assert again.stderr.count("left out") == 200
        assert again.stderr.endswith("wrote 0 targets to targets\n")

    def test_what_stands_in_the_way_is_told(
        self, azure: ArmProcess, many: Callable[[int], list[str]], tmp_path: Path
    ) -> None:
        _, second, third, fourth, fifth = many(5)
        control = azure.control
        control.set_property(
            second, path="properties.apiServerAccessProfile", value={"enablePrivateCluster": True}
        )
        control.clear_ranges(third)
        control.deny(fourth, verb="read")
        control.edit_ranges(fifth, ranges=["51.140.8.0/24", "20.1.1.4/32"])
        egress = f"/subscriptions/{MANY}/resourceGroups/MC_x/providers/Microsoft.Network/"
        egress += "publicIPAddresses/nat"
        control.put_public_ip(egress, address="20.1.1.4")
        control.set_property(
            fifth, path="properties.networkProfile.outboundType", value="managedNATGateway"
        )
        control.set_property(
            fifth,
            path="properties.networkProfile.natGatewayProfile",
            value={"effectiveOutboundIPs": [{"id": egress}]},
        )
        done = Person(tmp_path, arm=azure).run("aks-access", "adopt", "--subscription", MANY)
        assert done.returncode == 1
        assert "left out rg-1/aks-001: Private cluster" in done.stderr
        assert "failed rg-3/aks-003: Forbidden: " in done.stderr
        made = {each["metadata"]["name"]: each for each in yaml.safe_load_all(done.stdout)}
        assert set(made) == {"aks-000", "aks-002", "aks-004"}
        assert not any(isinstance(parse_target(each), Invalid) for each in made.values())
        assert "There is nothing to protect yet." in done.stdout
        assert "baseline" not in made["aks-002"]["spec"]
        nat = made["aks-004"]["spec"]
        assert nat["nodeEgress"] == {"mode": "Static", "ipRanges": ["20.1.1.4/32"]}
        assert "- 20.1.1.4/32 # node egress\n" in done.stdout

    def test_an_adopted_target_changes_nothing(
        self, world: World, person: Person, station: Station
    ) -> None:
        cluster = world.cluster((FOREIGN, LAPTOP))
        made = person.run("aks-access", "adopt", cluster.id, "-n", world.home())
        assert made.returncode == 0, made.stderr
        name = yaml.safe_load(made.stdout)["metadata"]["name"]
        target = world.object(Kind.TARGET, name=name)
        station.plane.kubectl("apply", "--server-side", "-f", "-", input=made.stdout)
        world.eventually(lambda: target.state == "Observing", what="a look", about=target)
        assert target.status["summary"]["foreign"] == 0
        target.patch(mode="Merge")
        world.eventually(lambda: target.state == "InSync", what="being in step", about=target)
        assert cluster.puts() == []
        again = person.run(
            "aks-access", "adopt", cluster.id, "--kubeconfig", str(station.plane.kubeconfig)
        )
        assert (again.returncode, again.stdout) == (0, "")
        assert f"target {name} has it" in again.stderr

    def test_without_a_log_in_it_is_one_line(self, azure: ArmProcess, tmp_path: Path) -> None:
        azure.control.reset()
        azure.control.register_client(PERSON, tenant_id="another", secret="another")
        done = Person(tmp_path, arm=azure).run("aks-access", "adopt", "--subscription", MANY)
        azure.control.reset()
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
        assert "No token for Azure could be had" in done.stderr
        without = Person(tmp_path, arm=azure, variables={"AKS_ACCESS_AZURE_CREDENTIAL": "cli"})
        done = without.run("aks-access", "adopt", "--subscription", MANY)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
        assert done.stderr.rstrip().endswith("Run: az login")


def test_the_page_about_adopting_says_what_its_commands_say(
    azure: ArmProcess, tmp_path: Path
) -> None:
    control = azure.control
    control.reset()
    for number, name in enumerate(("prod-weu", "prod-neu", "dev-weu", "vault")):
        made = cluster_id(name, group=f"rg-{name.split('-')[0]}")
        control.create_cluster(made, ranges=["51.140.8.0/24", f"20.82.10.{number + 7}/32"])
        if name == "vault":
            private = {"enablePrivateCluster": True}
            control.set_property(made, path="properties.apiServerAccessProfile", value=private)
    page = (ROOT / "docs" / "commands" / "adopt-clusters.md").read_text()
    expected = list(steps(page))
    person = Person(tmp_path, arm=azure)
    done = person.run("bash", "-c", f"exec 2>&1\n{script(expected)}")
    at = re.compile(r"(# [a-z-]+ at )[0-9-]+T[0-9:]+Z")
    said = [(command, at.sub(r"\g<1>TIME", out)) for command, out in played(expected, done.stdout)]
    assert said == [(command, at.sub(r"\g<1>TIME", out)) for command, out in expected]

"""`plan`, `adopt` and `doctor` as the platform team runs them, beside the running operator."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from aks_access.api.parse import Invalid, parse_target
from aks_access.engine.ports import Kind
from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from tests.integration.people import PERSON, Person, azure_variables
from tests.integration.station import Station
from tests.integration.things import Cluster
from tests.integration.world import World
from tests.unit.cli.repository import Repository
from tests.unit.cli.test_pages import ASKS_AZURE, played, script, steps

pytestmark = pytest.mark.integration

FOREIGN, BASELINE, LAPTOP = "51.140.8.0/24", "20.40.0.0/24", "81.2.69.142/32"
MANY = "77777777-7777-4777-8777-777777777777"


def cluster_id(name: str, *, group: str = "rg", subscription: str = MANY) -> str:
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}"
    )


@pytest.fixture
def person(station: Station, tmp_path: Path) -> Person:
    """Somebody of the platform team, with kubectl and a log-in to Azure."""
    return Person(tmp_path, arm=station.arm, kubeconfig=station.plane.kubeconfig)


@pytest.fixture(scope="module")
def azure() -> Iterator[ArmProcess]:
    """An Azure of this module's own."""
    with ArmProcess(operation_seconds=0.2) as arm:
        yield arm


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


def test_the_page_about_doctor_says_what_its_commands_say_of_azure(
    azure: ArmProcess, tmp_path: Path
) -> None:
    group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-prod"
    cluster = f"{group}/providers/Microsoft.ContainerService/managedClusters/prod-weu"
    address = f"{group}/providers/Microsoft.Network/publicIPAddresses/egress"
    control = azure.control
    control.reset()
    control.create_cluster(cluster, ranges=["198.41.0.4/32", "20.50.1.7/32"])
    balancer = "properties.networkProfile.loadBalancerProfile"
    for path, value in (
        ("outboundIPs", {"publicIPs": [{"id": address}]}),
        ("effectiveOutboundIPs", [{"id": address}]),
    ):
        control.set_property(cluster, path=f"{balancer}.{path}", value=value)
    control.put_resource(address, body={"properties": {"ipAddress": "20.61.5.1"}})
    control.assign(
        PERSON,
        actions=[
            "Microsoft.ContainerService/*",
            "Microsoft.ManagedIdentity/*",
            "Microsoft.OperationalInsights/*",
            "Microsoft.Authorization/*/read",
            "Microsoft.Network/publicIPAddresses/read",
        ],
        scope=group.split("/resourceGroups/")[0],
    )
    page = (ROOT / "docs" / "commands" / "find-what-is-wrong.md").read_text()
    expected = [each for each in steps(page) if ASKS_AZURE in each[0]]
    assert expected
    variables = azure_variables(azure)
    done = Repository(tmp_path).bash(script(expected), **variables)
    names = {
        PERSON: "dev@contoso.com",
        variables["AZURE_TENANT_ID"]: "72f988bf-86f1-41af-91ab-2d7cd011db47",
    }
    said = done.stdout
    for there, shown in names.items():
        said = said.replace(there, shown)
    assert played(expected, said) == expected


class TestDoctor:
    """Beside the running operator, which has no Deployment here."""

    def lines(self, text: str, grade: str, about: str = "") -> list[str]:
        words = [line.split(maxsplit=2) for line in text.splitlines()]
        return [w[2] for w in words if w[0] == grade and (not about or w[1].startswith(about))]

    def test_a_healthy_hub(self, world: World, person: Person) -> None:
        cluster = world.cluster((FOREIGN,))
        path = "properties.apiServerAccessProfile.disableRunCommand"
        world.arm.set_property(cluster.id, path=path, value=True)
        target = world.target(cluster)
        world.eventually(lambda: target.state == "InSync", what="a first look", about=target)
        done = person.run("kubectl", "aks-access", "doctor", target.name)
        said = done.stdout
        assert self.lines(said, "FAIL") == [
            "no Deployment of the operator is in aks-access-system. Install the chart, or name its "
            "namespace: --operator-namespace"
        ], said + done.stderr
        assert done.returncode == 1
        for about in (
            "API",
            "apiaccessgrants.aksaccess.dev",
            "apiaccesstargets.aksaccess.dev",
            "iprangesets.aksaccess.dev",
            "operator",
            "you",
            "ledger",
            target.name,
        ):
            assert self.lines(said, "PASS", about), f"{about}\n{said}"
        assert not self.lines(said, "SKIP"), said

    def test_what_is_wrong_in_azure(self, world: World, person: Person) -> None:
        cluster = world.cluster((FOREIGN,))
        target = world.target(cluster)
        world.eventually(lambda: target.state == "InSync", what="a first look", about=target)
        control = world.arm
        disk = f"/subscriptions/{MANY}/resourceGroups/rg/providers/Microsoft.Compute/"
        disk += "diskEncryptionSets/key"
        control.set_property(cluster.id, path="properties.diskEncryptionSetID", value=disk)
        control.put_resource(
            f"{cluster.id}/trustedAccessRoleBindings", body={"value": [{"name": "backup"}]}
        )
        group = cluster.id.split("/providers/")[0]
        control.lock(group)
        try:
            control.assign(
                PERSON,
                actions=[
                    "Microsoft.ContainerService/managedClusters/read",
                    "Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings/read",
                    "Microsoft.Authorization/locks/read",
                ],
                scope=f"/subscriptions/{cluster.id.split('/')[2]}",
            )
            done = person.run("aks-access", "doctor", target.name, "--azure")
        finally:
            control.unassign(PERSON)
            control.unlock(group)
        assert done.returncode == 1, done.stderr
        wrong = "\n".join(self.lines(done.stdout, "FAIL", target.name))
        assert f"lacks Microsoft.ContainerService/managedClusters/write on {cluster.id}" in wrong
        assert f"lacks Microsoft.Compute/diskEncryptionSets/read on {disk}" in wrong
        assert "forbids every write" in wrong
        doubtful = "\n".join(self.lines(done.stdout, "WARN", target.name))
        assert doubtful.count("runCommand enabled: bypasses the IP list") == 1
        assert "Trusted Access passes by the list: backup." in doubtful
        assert "locations/operations/read" in doubtful
        assert f"asked as {PERSON}" in done.stdout
        assert cluster.puts() == []

    def test_azure_alone_needs_no_management_cluster(
        self, azure: ArmProcess, tmp_path: Path
    ) -> None:
        azure.control.reset()
        one = cluster_id("one")
        azure.control.create_cluster(one, ranges=[FOREIGN])
        done = Person(tmp_path, arm=azure).run("aks-access", "doctor", one, cluster_id("none"))
        assert done.returncode == 1
        assert [line[:40] for line in self.lines(done.stdout, "FAIL")] == [
            "cannot be read (NotFound): The Resource "
        ]
        rights = self.lines(done.stdout, "PASS", "one")
        assert any("rights that a write needs are there" in line for line in rights)

    def test_a_management_cluster_that_is_away(self, tmp_path: Path) -> None:
        nowhere = {"KUBECONFIG": str(tmp_path / "none")}
        done = Person(tmp_path, variables=nowhere).run("aks-access", "doctor")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)

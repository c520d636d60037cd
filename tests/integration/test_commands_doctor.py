"""`doctor` as the platform team runs it, beside the running operator and for Azure alone."""

from pathlib import Path

import pytest

from sandbox.arm.process import ArmProcess
from sandbox.chart import ROOT
from tests.integration.people import PERSON, Person, azure_variables
from tests.integration.subscription import MANY, cluster_id
from tests.integration.world import World
from tests.unit.cli.repository import Repository
from tests.unit.cli.test_pages import ASKS_AZURE, played, script, steps

pytestmark = pytest.mark.integration

FOREIGN = "51.140.8.0/24"


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

"""Command lines that somebody is told to paste: they do what they say, as they are written."""

from collections.abc import Callable

from sandbox import azure_cli
from sandbox.arm.process import ArmProcess
from tests.az.command import Az
from tests.az.test_clusters import named
from tests.integration.world import SUBSCRIPTION, World


def update(where: dict[str, str], ranges: str) -> str:
    """A hand-written line of the kind that messages and plans print."""
    return (
        f"az aks update -g {where['GROUP']} -n {where['CLUSTER']} \\\n"
        f"  --subscription {SUBSCRIPTION} --api-server-authorized-ip-ranges {ranges} -o none"
    )


def test_lines_between_prose(az: Az, world: World) -> None:
    one, two = world.cluster(["51.140.8.0/24"]), world.cluster(["51.140.8.0/24"])
    lines = [update(named(one), "51.140.8.0/24,20.82.10.7/32"), update(named(two), '""')]
    text = "# 2 clusters\n{}\n\nand, to open it to everybody:\n\n  {}\n".format(*lines)
    assert az.paste(text) == ["", ""]
    assert (one.ranges, two.ranges) == (["51.140.8.0/24", "20.82.10.7/32"], None)


def test_what_the_sandbox_prints(login: Callable[[ArmProcess], Az], world: World) -> None:
    cluster = world.cluster(["51.140.8.0/24"])
    bare = login(world.station.arm)
    azure_cli.configure(azure_cli.folder_beside(world.station.arm))
    lines = "\n".join(azure_cli.directions(world.station.arm)).splitlines()
    script = "\n".join(line for line in lines if line.startswith(("export ", "az ")))
    printed = bare.shell(f"unset AZURE_CONFIG_DIR REQUESTS_CA_BUNDLE\n{script}")
    assert named(cluster)["CLUSTER"] in printed

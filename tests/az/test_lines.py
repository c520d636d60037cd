"""Command lines that somebody is told to paste: they do what they say, as they are written."""

from tests.az.command import Az
from tests.az.test_clusters import named
from tests.integration.world import SUBSCRIPTION, World


def update(world_ids: dict[str, str], ranges: str) -> str:
    """A hand-written line of the kind that messages and plans print."""
    return (
        f"az aks update -g {world_ids['GROUP']} -n {world_ids['CLUSTER']} \\\n"
        f"  --subscription {SUBSCRIPTION} --api-server-authorized-ip-ranges {ranges} -o none"
    )


def test_lines_between_prose(az: Az, world: World) -> None:
    one, two = world.cluster(["51.140.8.0/24"]), world.cluster(["51.140.8.0/24"])
    lines = [update(named(one), "51.140.8.0/24,20.82.10.7/32"), update(named(two), '""')]
    text = "# 2 clusters\n{}\n\nand, to open it to everybody:\n\n  {}\n".format(*lines)
    assert az.paste(text) == ["", ""]
    assert (one.ranges, two.ranges) == (["51.140.8.0/24", "20.82.10.7/32"], None)

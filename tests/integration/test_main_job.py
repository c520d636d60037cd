"""The main job end to end: a grant becomes an entry of the cluster's list, with one write."""

from tests.integration.world import World


def test_a_grant_is_programmed_by_one_put(world: World) -> None:
    cluster = world.cluster(["51.140.8.0/24"])
    target = world.target(cluster)
    target.wait_state("InSync")
    with world.measure("grant applied"):
        grant = world.grant(target, "81.2.69.142", expiresAt=world.at(3600))
        grant.wait_condition("Programmed", status="True")
        target.wait_state("InSync")
    assert len(cluster.puts()) == 1
    assert cluster.ranges == ["51.140.8.0/24", "81.2.69.142/32"]

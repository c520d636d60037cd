"""The usual script beside the operator, on one cluster in `Merge`: neither loses what it wrote.

The script reads the list, appends its own address and writes it all back, without If-Match.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sandbox.arm.journal import Area
from tests.az.command import Az
from tests.az.test_clusters import by_az, named
from tests.integration.things import Cluster, Object
from tests.integration.world import World

SCRIPT = """\
current=$(az aks show -g "$GROUP" -n "$CLUSTER" -o tsv \\
  --query apiServerAccessProfile.authorizedIpRanges | paste -s -d , -)
az aks update -g "$GROUP" -n "$CLUSTER" -o none --api-server-authorized-ip-ranges "$current,$IP/32"
"""
_OFFICE = "51.140.8.0/24"
_IP = "20.61.7.4"
_OWN = f"{_IP}/32"
_LAPTOP = "81.2.69.142/32"
_SECONDS = 60.0


def run(az: Az, cluster: Cluster, *, ip: str = _IP) -> None:
    """The whole script, alone."""
    az.shell(SCRIPT, **named(cluster), IP=ip)


@contextmanager
def held(world: World, cluster: Cluster) -> Iterator[Callable[[], bool]]:
    """The next PUT of the cluster, whoever's, waits in Azure's door until the end of the block."""
    rule = world.arm.add_fault(method="PUT", path=f"{cluster.key}\\?", hold=True)

    def arrived() -> bool:
        return any(fault.hits for fault in world.arm.faults() if fault.fault_id == rule)

    try:
        yield arrived
    finally:
        world.arm.remove_fault(rule)


@contextmanager
def before_its_write(world: World, az: Az, cluster: Cluster) -> Iterator[None]:
    """The script has read the list, and writes what it read after the block."""
    with ExitStack() as ended:
        with held(world, cluster) as arrived:
            script = az.start(SCRIPT, **named(cluster), IP=_IP)
            ended.callback(script.stop)
            world.eventually(arrived, what="the script's PUT", seconds=_SECONDS)
            yield
        assert script.wait(timeout=_SECONDS) == 0, script.log_tail()


def granted(world: World, target: Object, *ranges: str) -> Object:
    """A grant that is in Azure."""
    grant = world.grant(target, *ranges)
    grant.wait_state("Active")
    return grant


def test_it_adds_while_a_grant_is_live(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    grant = granted(world, target, _LAPTOP)
    run(az, cluster)
    cluster.wait_looks()
    cluster.wait_ranges(_OFFICE, _LAPTOP, _OWN)
    grant.delete()
    grant.wait_gone()
    cluster.wait_ranges(_OFFICE, _OWN)
    target.until(
        lambda o: o["status"]["summary"]["foreign"] == 2, what="to count the script's as foreign"
    )


def test_two_runs_and_two_grants_in_turn(az: Az, world: World) -> None:
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    first = granted(world, target, _LAPTOP)
    run(az, cluster)
    second = granted(world, target, "81.2.69.143")
    run(az, cluster, ip="20.61.7.5")
    first.delete()
    first.wait_gone()
    second.delete()
    second.wait_gone()
    cluster.wait_ranges(_OFFICE, _OWN, "20.61.7.5/32")


def test_a_grant_comes_between_its_read_and_its_write(az: Az, world: World) -> None:
    """The script sets the list back to one without the grant's: the operator adds it again."""
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    target.wait_state("InSync")
    with before_its_write(world, az, cluster):
        grant = granted(world, target, _LAPTOP)
    [put] = by_az(cluster, "PUT")
    assert sorted(put.after or ()) == sorted([_OFFICE, _OWN])
    cluster.wait_ranges(_OFFICE, _LAPTOP, _OWN)
    grant.wait_state("Active")
    target.wait_event("DriftCorrected")


def test_a_grant_ends_between_its_read_and_its_write(az: Az, world: World) -> None:
    """The script brings the grant's range back: the operator takes it out again, and says so."""
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    grant = granted(world, target, _LAPTOP)
    with before_its_write(world, az, cluster):
        grant.delete()
        grant.wait_gone()
        cluster.wait_ranges(_OFFICE)
    [put] = by_az(cluster, "PUT")
    assert sorted(put.after or ()) == sorted([_OFFICE, _LAPTOP, _OWN])
    cluster.wait_ranges(_OFFICE, _OWN)
    target.wait_event("WithdrawnEntryReturned")


def test_it_writes_between_the_operators_read_and_write(az: Az, world: World) -> None:
    """If-Match: the operator's list, made from what stood before, is refused, and made anew."""
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    target.wait_state("InSync")
    mark = world.mark()
    with held(world, cluster) as arrived:
        grant = world.grant(target, _LAPTOP)
        world.eventually(arrived, what="the operator's PUT")
        run(az, cluster)
        assert cluster.ranges == [_OFFICE, _OWN]
    grant.wait_state("Active")
    cluster.wait_ranges(_OFFICE, _OWN, _LAPTOP)
    assert [put.status for put in cluster.puts(mark)] == [412, 200]


def test_it_comes_while_the_operators_write_goes_on(az: Az, world: World) -> None:
    """AKS refuses the script, which loses nothing; run once more it adds its address."""
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    target.wait_state("InSync")
    world.arm.set_options(cluster.id, operation_seconds=600.0)
    grant = world.grant(target, _LAPTOP)
    world.eventually(lambda: bool(cluster.puts()), what="the operator's PUT")
    assert "OperationNotAllowed" in az.refused(SCRIPT, **named(cluster), IP=_IP)
    world.arm.set_options(cluster.id, operation_seconds=0.3)
    world.arm.finish_operation(cluster.id)
    grant.wait_state("Active")
    run(az, cluster)
    cluster.wait_ranges(_OFFICE, _LAPTOP, _OWN)


def test_on_an_open_cluster(az: Az, world: World) -> None:
    """az takes the empty beginning of `,IP/32` for a wish to open: it fails and sends nothing."""
    cluster = world.cluster(None)
    target = world.target(cluster)
    grant = world.grant(target, _LAPTOP)
    grant.wait_condition("Ready", status="False", reason="ClusterUnrestricted")
    said = az.refused(SCRIPT, **named(cluster), IP=_IP)
    assert "cannot be disabled and simultaneously enabled" in said
    assert by_az(cluster, "PUT") == []
    assert cluster.ranges is None


def test_one_that_opens_the_cluster(az: Az, world: World) -> None:
    """A script that clears the list, by mistake: the last verified one returns at once."""
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster)
    granted(world, target, _LAPTOP)
    clear = 'az aks update -g "$GROUP" -n "$CLUSTER" -o none --api-server-authorized-ip-ranges ""'
    az.shell(clear, **named(cluster))
    cluster.wait_ranges(_OFFICE, _LAPTOP)
    target.wait_event("ListRestored")


def test_the_oracle_knows_who_wrote(az: Az, world: World) -> None:
    """What the script writes is not held to the operator's laws, and is part of the history."""
    cluster = world.cluster([_OFFICE])
    run(az, cluster)
    writes = [e for e in cluster.journal() if e.area is Area.ARM and e.method == "PUT"]
    assert [e.damage == [] for e in writes] == [False]  # az sends nulls where AKS has a default
    assert cluster.puts() == cluster.gets() == []

"""From a grant that is applied to a list that was read back, with the fewest writes."""

import pytest

from aks_access.engine.ports import Kind
from aks_access.errors import KubeError
from tests.sim.play import play, simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition


@simulated
async def test_a_grant_is_programmed_after_exactly_one_put(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE}
    assert len(world.puts()) == 1
    world.grant("laptop", "81.2.69.142", expiresAt=world.at(hours=8))
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}
    assert len(world.puts()) == 2
    assert world.state() == "Active"
    assert world.in_azure() == "1/1"
    assert condition(world.status(), "Programmed")["status"] == "True"
    assert world.target_state() == "InSync"
    assert world.audit.of(LAPTOP) == [("Granted", "Granted")]


@simulated
async def test_i6_programmed_means_read_back_and_not_merely_accepted(world: World) -> None:
    cluster = world.cluster(operation_seconds=300.0)
    world.target(baseline=None)
    world.grant()
    await world.start()
    await world.until(lambda: bool(world.puts()))
    await world.advance(200)
    assert cluster.ranges is not None
    assert LAPTOP in cluster.ranges
    assert world.state() == "Progressing"
    assert condition(world.status(), "Programmed")["status"] == "False"
    await world.rest()
    assert condition(world.status(), "Programmed")["status"] == "True"


@pytest.mark.parametrize("seed", [None, *range(8)])
def test_a_burst_of_twenty_grants_is_one_put(seed: int | None) -> None:
    async def scenario(world: World) -> None:
        world.cluster()
        world.target(baseline=None)
        await world.start()
        await world.rest()
        for number in range(20):
            world.grant(f"grant-{number}", f"81.2.69.{number}", expiresAt=world.at(hours=8))
            await world.advance(0.1)
        await world.rest()
        assert len(world.puts()) == 1
        assert len(world.list_of() or ()) == 21
        assert {world.state(f"grant-{number}") for number in range(20)} == {"Active"}

    play(scenario, seed=seed)


@simulated
async def test_i11_a_second_identical_apply_writes_nothing_anywhere(world: World) -> None:
    world.cluster()
    world.target()
    end = world.at(hours=48)
    world.grant(expiresAt=end)
    await world.start()
    await world.rest()
    before = world.written()
    world.grant(expiresAt=end)
    world.target()
    await world.advance(hours=1)
    assert world.written() == before


@simulated
async def test_i11_a_day_of_silence_writes_nothing(world: World) -> None:
    world.cluster()
    world.cluster("neu", ranges=None)
    world.cluster("lab")
    world.target()
    world.target("neu")
    world.target("lab", mode="Observe")
    world.range_set("home", "81.2.70.0/28")
    world.grant("long", expiresAt=world.at(hours=480))
    world.grant("home", rangeSetRefs=[{"name": "home"}], duration="480h")
    world.grant("later", notBefore=world.at(hours=300))
    world.grant("open", target="neu")
    world.grant("watched", target="lab")
    world.grant("nowhere", target="missing")
    world.grant("wide", "81.2.0.0/16")
    world.grant(
        "past", expiresAt=world.at(hours=-2), labels={"kustomize.toolkit.fluxcd.io/name": "x"}
    )
    await world.start()
    await world.rest()
    states = {name: world.state(name) for name in ("long", "home", "later", "open", "watched")}
    assert states == {
        "long": "Active",
        "home": "Active",
        "later": "Scheduled",
        "open": "ClusterUnrestricted",
        "watched": "Observed",
    }
    assert world.state("nowhere") == "TargetNotFound"
    assert world.state("wide") == "PolicyDenied"
    assert world.state("past") == "Expired"
    before, events = world.written(), len(world.events.posted)
    await world.advance(hours=24)
    assert world.written() == before
    assert len(world.events.posted) == events
    assert len(world.gets()) > 100


@simulated
async def test_i11_a_restart_in_steady_state_writes_nothing(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(duration="72h")
    await world.start()
    await world.rest()
    before = world.written()
    for _ in range(3):
        await world.restart()
        await world.advance(hours=1)
    assert world.written() == before


@simulated
async def test_a_refused_grant_neither_gets_in_nor_gets_a_finalizer(world: World) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "1h"})
    world.grant("long", "81.2.69.1", expiresAt=world.at(hours=2))
    world.grant("for-ever", "81.2.69.2")
    world.grant("good", "81.2.69.3", expiresAt=world.at(minutes=59))
    await world.start()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, "81.2.69.3/32"}
    assert (world.state("long"), world.state("for-ever")) == ("PolicyDenied", "PolicyDenied")
    world.ungrant("long")
    assert world.gone("long")


@simulated
async def test_a_grant_refused_as_too_long_stays_refused_as_its_end_comes_nearer(
    world: World,
) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "1h"})
    world.grant(expiresAt=world.at(hours=2))
    await world.start()
    await world.advance(hours=1, minutes=30)
    assert world.state() == "PolicyDenied"
    assert LAPTOP not in (world.list_of() or ())


@simulated
async def test_an_invalid_grant_says_so_and_changes_nobody(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("good")
    world.api.create(
        Kind.GRANT,
        "bad",
        namespace="team-a",
        spec={"targetRef": {"name": "weu"}, "ipRanges": ["10.0.0.0/8"]},
    )
    await world.start()
    await world.rest()
    assert world.state("bad") == "InvalidSpec"
    assert world.state("good") == "Active"


@simulated
async def test_two_grants_of_many_targets_speak_with_one_voice(world: World) -> None:
    for name in ("one", "two", "three"):
        world.cluster(name)
        world.target(name, labels={"tier": "dev"})
    world.grant("all", targetSelector={"matchLabels": {"tier": "dev"}})
    await world.start()
    await world.rest()
    assert world.state("all") == "Active"
    assert world.in_azure("all") == "3/3"
    world.retarget("two", policy={"allowedNamespaces": {"from": "All"}})
    await world.rest()
    assert world.state("all") == "PolicyDenied"
    assert world.in_azure("all") == "2/3"
    assert world.list_of("two") == {FOREIGN, OFFICE}


@simulated
async def test_an_extension_is_taken_over_without_a_put(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    world.regrant(expiresAt=world.at(hours=5))
    await world.advance(hours=4)
    assert world.state() == "Active"
    assert len(world.puts()) == 1
    await world.advance(hours=2)
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_a_grant_that_gets_no_finalizer_holds_others_no_longer_for_further_looks(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    forbidden = KubeError("no right to edit it", status=403)
    world.objects.faults.plan("add_finalizer", forbidden, times=None, about="stuck")
    world.grant("stuck", "81.2.69.1")
    world.retarget(baseline={"ipRanges": [OFFICE, "51.141.0.0/24"]})
    await world.until(lambda: world.objects.faults.asked["add_finalizer"] > 1)
    began, limit = world.now, world.config.hold_limit
    await world.advance(limit - 1.0)
    world.mark(Kind.TARGET, "weu", annotations={"reconcile.aksaccess.dev/requestedAt": "now"})
    await world.until(lambda: "51.141.0.0/24" in (world.list_of() or ()))
    assert world.now - began <= limit + 1.5

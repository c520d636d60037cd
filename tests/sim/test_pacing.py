"""A tenant who flaps a grant: what it may cost the cluster, and everybody else nothing."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.ports import EventType
from aks_access.errors import AzureFault
from aks_access.plan.pace import Bucket, Pace
from tests.sim.play import simulated
from tests.sim.scenes import programmed
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of

HOUR = 3600.0


async def flap(world: World, *, every: float, times: int) -> None:
    """Toggle `revoked` of team-a's grant, and wait each time until it stands, or for `every`."""
    for number in range(times):
        world.regrant(revoked=number % 2 == 0)
        await world.advance(every)


@dataclass(slots=True)
class Updating:
    """How long a cluster was busy, sampled."""

    world: World
    busy: int = 0
    samples: int = 0

    async def watch(self, seconds: float, *, step: float = 5.0) -> None:
        end = self.world.now + seconds
        while self.world.now < end:
            await self.world.advance(step)
            self.samples += 1
            self.busy += bool(self.world.azure.working())

    @property
    def share(self) -> float:
        return self.busy / self.samples


@simulated
async def test_threat_15_the_eleventh_addition_in_a_row_waits_and_says_for_what(
    world: World,
) -> None:
    world.cluster(operation_seconds=5.0)
    world.target()
    await world.start()
    await world.rest()
    for number in range(11):
        world.grant(f"g{number}", f"81.2.69.{number}")
        await world.advance(20)
    await world.advance(60)
    assert [world.state(f"g{number}") for number in range(10)] == ["Active"] * 10
    assert world.state("g10") == "Paced"
    status = world.status("g10")
    message = condition(status, "Ready")["message"]
    until = world.ledger().turns[0].at + timedelta(minutes=6)
    until = until.replace(microsecond=0) + timedelta(seconds=1)
    assert message == (
        "Namespace team-a has used up the additions to weu (10, and one more every 6m): let in at "
        f"{until:%Y-%m-%dT%H:%M:%SZ}. Nothing to do; to use fewer, apply several grants at once."
    )
    assert condition(status, "Reconciling")["reason"] == "Paced"
    assert condition(status, "Accepted")["status"] == "True"
    assert status.get("periodStart") is None, "its time has not begun"
    assert world.target_state() == "InSync"
    assert world.metrics.states["weu"][1]["paced"] == 1.0
    event = next(e for e in world.events.posted if e.reason == "Paced")
    assert (event.type, event.note) == (EventType.NORMAL, message)
    writes = len(world.objects.writes)
    await world.advance(60)
    assert len(world.objects.writes) == writes, "waiting writes nothing"

    world.grant("other", "81.2.70.1", namespace="team-b")
    took = await world.until(lambda: world.state("other", namespace="team-b") == "Active")
    assert took < 90.0
    assert world.state("g10") == "Paced"
    world.ungrant("g0")
    await world.until(lambda: "81.2.69.0/32" not in (world.list_of() or ()), within=2.0)
    await world.until(lambda: world.clock.now() >= until)
    await world.until(lambda: world.state("g10") == "Active", within=90.0)
    assert world.metrics.states["weu"][1]["paced"] == 0.0


@simulated
async def test_threat_15_twenty_grants_of_one_apply_cost_one_token(world: World) -> None:
    world.cluster(operation_seconds=5.0)
    world.target()
    await world.start()
    await world.rest()
    for batch in range(5):
        for number in range(20):
            world.grant(f"g{batch}-{number}", f"81.2.{batch}.{number}")
        await world.rest()
    assert len(world.ledger().turns) == 5
    assert len(world.list_of() or ()) == 102


@simulated
async def test_threat_15_a_restart_does_not_refill(world: World) -> None:
    world.cluster(operation_seconds=5.0)
    world.target()
    await world.start()
    for number in range(11):
        world.grant(f"g{number}", f"81.2.69.{number}")
        await world.advance(20)
    await world.restart()
    await world.advance(30)
    assert world.state("g10") == "Paced"


@simulated
async def test_threat_15_baseline_drift_and_a_cleared_list_never_wait(world: World) -> None:
    never = Bucket(burst=1, every=timedelta(days=1))
    world.config = replace(world.config, pace=Pace(namespace=never, cluster=never))
    cluster = await programmed(world, operation_seconds=5.0)
    await world.rest()
    standing = {FOREIGN, OFFICE, "81.2.69.142/32"}
    assert world.list_of() == standing
    world.grant("late", "81.2.69.143")
    await world.advance(30)
    assert world.state("late") == "Paced"

    world.retarget(baseline={"ipRanges": [OFFICE, "51.141.0.0/24"]})
    await world.until(lambda: "51.141.0.0/24" in (world.list_of() or ()), within=2.0)
    await world.rest()
    cluster.ranges = tuple(e for e in cluster.ranges or () if e != "81.2.69.142/32")
    cluster.touch()
    await world.until(lambda: "81.2.69.142/32" in (world.list_of() or ()), within=700.0)
    await world.rest()
    cluster.ranges = None
    cluster.touch()
    await world.until(lambda: world.list_of() == standing | {"51.141.0.0/24"}, within=700.0)
    assert world.state("late") == "Paced"


@simulated
async def test_threat_15_a_duration_does_not_run_while_its_grant_waits(world: World) -> None:
    scarce = Bucket(burst=1, every=timedelta(hours=2))
    world.config = replace(world.config, pace=replace(world.config.pace, namespace=scarce))
    world.cluster()
    world.target()
    world.grant("first", "81.2.69.1")
    await world.start()
    await world.rest()
    world.grant("second", "81.2.69.2", duration="1h")
    await world.advance(minutes=30)
    assert world.state("second") == "Paced"
    assert not world.activations.recorded
    await world.until(lambda: world.state("second") == "Active", within=2 * HOUR)
    await world.advance(minutes=50)
    assert world.state("second") == "Active"


@simulated
async def test_threat_15_what_is_taken_out_and_asked_for_again_at_once_is_no_drift(
    world: World,
) -> None:
    await programmed(world, operation_seconds=60.0)
    await world.rest()
    for _ in range(6):
        world.regrant(revoked=True)
        await world.advance(10)
        world.regrant(revoked=False)
        await world.rest()
    assert "DriftCorrected" not in world.events.reasons("weu")
    assert sum(bool(turn.added) for turn in world.ledger().turns) == 7


@simulated
async def test_i4_a_tenant_whose_ranges_azure_refuses_pays_and_nobody_else(world: World) -> None:
    cluster = world.cluster(operation_seconds=5.0)
    world.target()
    await world.start()
    await world.rest()
    cluster.unacceptable = {"81.2.70.9/32"}
    for number in range(8):
        world.grant(f"good{number}", f"81.2.69.{number}", namespace="team-b")
    world.grant("bad", "81.2.70.9")
    await world.until(lambda: world.state("bad") == "RangeRefused", within=1200.0)
    await world.rest()
    assert [world.state(f"good{n}", namespace="team-b") for n in range(8)] == ["Active"] * 8
    paid = [turn.added for turn in world.ledger().turns]
    assert sum("team-b" in names for names in paid) <= 4
    assert sum("team-a" in names for names in paid) >= 1


@simulated
async def test_threat_15_edits_that_take_nothing_away_cost_a_handful_of_looks(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    before = len(world.gets())
    for number in range(120):
        world.regrant(reason=f"try {number}")
        await world.advance(0.5)
    assert 1 <= len(world.gets()) - before <= 8
    world.grant("other", "81.2.70.1", namespace="team-b")
    await world.until(lambda: "81.2.70.1/32" in (world.list_of() or ()), within=10.0)
    world.regrant(revoked=True)
    await world.until(lambda: "81.2.69.142/32" not in (world.list_of() or ()), within=90.0)


@simulated
async def test_threat_15_a_revocation_amid_flapping_edits_is_looked_at_at_once(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    for number in range(60):
        world.regrant(reason=f"try {number}")
        await world.advance(0.5)
    world.regrant(revoked=True)
    await world.until(lambda: "81.2.69.142/32" not in (world.list_of() or ()), within=2.0)


@simulated
async def test_threat_15_toggling_a_paced_grant_costs_a_handful_of_looks(world: World) -> None:
    never = Bucket(burst=1, every=timedelta(days=1))
    world.config = replace(world.config, pace=replace(world.config.pace, namespace=never))
    world.cluster()
    world.target()
    world.grant("first", "81.2.69.1")
    await world.start()
    await world.rest()
    world.grant()
    await world.advance(60)
    assert world.state() == "Paced"
    before = len(world.gets())
    await flap(world, every=0.5, times=120)
    assert len(world.gets()) - before <= 8


async def _innocent(world: World, number: int) -> tuple[float, float]:
    """Seconds until a grant of team-b is in Azure, and until its end is."""
    entry = f"81.2.71.{number}/32"
    world.grant("work", entry, namespace="team-b")
    came = await world.until(lambda: entry in (world.list_of() or ()))
    await world.advance(600)
    world.ungrant("work", namespace="team-b")
    went = await world.until(lambda: entry not in (world.list_of() or ()))
    await world.until(lambda: world.gone("work", namespace="team-b"))
    return came, went


async def _hostile(world: World, *, way: str, rng: random.Random, until: float) -> None:
    world.grant("flap", "81.2.69.9")
    while world.now < until:
        match way:
            case "revoked":
                world.regrant("flap", revoked=world.in_azure("flap") == "1/1")
            case "ranges":
                world.regrant("flap", ipRanges=[f"81.2.69.{rng.randrange(200)}"])
            case "re-created":
                if not world.gone("flap"):
                    world.ungrant("flap")
                else:
                    world.grant("flap", f"81.2.69.{rng.randrange(200)}")
            case "drip":
                names = [n for n in range(100) if not world.gone(f"d{n}")]
                if names and world.in_azure(f"d{names[-1]}") == "1/1":
                    world.ungrant(f"d{names[-1]}")
                elif not names:
                    for number in range(100):
                        world.grant(f"d{number}", f"81.2.68.{number}")
        await world.advance(rng.uniform(5.0, 40.0))


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("way", "hours"), [("revoked", 24), ("drip", 24), ("ranges", 6), ("re-created", 6)]
)
@simulated
async def test_threat_15_a_day_of_flapping_leaves_the_cluster_to_the_others(
    world: World, way: str, hours: int
) -> None:
    world.cluster(operation_seconds=70.0)
    world.target()
    await world.start()
    await world.rest()
    end = world.now + hours * HOUR
    tasks = [asyncio.ensure_future(_hostile(world, way=way, rng=random.Random(7), until=end))]
    updating = Updating(world)
    tasks.append(asyncio.ensure_future(updating.watch(hours * HOUR)))
    waits: list[tuple[float, float]] = []
    while world.now < end - HOUR:
        waits.append(await _innocent(world, len(waits)))
        await world.advance(600)
    await asyncio.gather(*tasks)
    puts = world.puts()
    adds = [turn for turn in world.ledger().turns if "team-a" in turn.added]
    came, went = max(wait[0] for wait in waits), max(wait[1] for wait in waits)
    print(
        f"{way}: {len(puts)} PUTs, {len(world.gets())} GETs in {hours} h, Updating "
        f"{updating.share:.0%}; {len(waits)} innocent grants in after at most {came:.0f} s, "
        f"out after at most {went:.0f} s; {len(adds)} additions remembered"
    )
    mine = 2 * len(waits)
    assert len(puts) <= 2 * (10 + 10 * hours) + 100 + mine
    assert updating.share < 0.6
    assert came < 3 * 75.0
    assert went < 2 * 75.0
    assert not [r for r in world.tried() if r.result != "ok"], "Azure had to refuse"


@simulated
async def test_threat_15_an_outage_of_azure_takes_nobodys_tokens(world: World) -> None:
    world.expect("I3", because="Azure takes no write for hours")
    world.expect("I4", because="Azure takes no write for hours")
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1))
    await world.start()
    await world.rest()
    outage = azure_error(AzureFault.UNCERTAIN, 503, "ServiceUnavailable")
    fault = world.azure.faults.plan("put_ranges", outage, times=None, about=key_of("weu"))
    await world.advance(hours=4)
    world.azure.faults.lift(fault)
    await world.until(lambda: world.list_of() == {FOREIGN, OFFICE})
    world.grant("new", "81.2.69.150")
    await world.advance(minutes=15)  # AKS's own bucket has to fill again
    assert world.state("new") == "Active"

"""What the clock does: starts, ends, retention, and all of it while nobody was there."""

from datetime import timedelta
from typing import Any

import pytest

from aks_access.engine.ports import Kind
from tests.sim.play import simulated
from tests.sim.scenes import BARE, LAPTOP
from tests.sim.world import World, condition, key_of

FLUX = {"kustomize.toolkit.fluxcd.io/name": "access"}


@simulated
async def test_i3_an_absolute_end_is_kept_to_the_second(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=2))
    await world.start()
    await world.rest()
    await world.advance(7200 - world.now - 1)
    assert LAPTOP in (world.list_of() or ())
    await world.until(lambda: world.list_of() == BARE, within=5)
    assert len(world.puts()) == 2
    await world.rest()
    assert world.state() == "Expired"
    assert world.in_azure() == "0/1"
    assert condition(world.status(), "Ready")["status"] == "True"
    assert condition(world.status(), "Programmed")["status"] == "False"
    assert world.audit.of(LAPTOP) == [("Granted", "Granted"), ("Revoked", "Expired")]


@simulated
async def test_a_duration_counts_from_its_activation(world: World) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    created = world.now
    world.grant(duration="1h")
    await world.rest()
    assert world.state() == "Active"
    assert len(world.activations.recorded) == 1
    activated = world.activations.recorded[0][0]
    assert activated - created < 10
    await world.advance(activated + 3600 - world.now - 2)
    assert world.state() == "Active"
    await world.until(lambda: world.list_of() == BARE, within=5)


@simulated
async def test_i10_no_edit_restarts_a_duration(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(duration="1h")
    await world.start()
    await world.rest()
    for _ in range(3):
        await world.advance(minutes=15)
        world.regrant(reason=f"still at {world.now}")
    await world.until(lambda: world.list_of() == BARE, within=3600)
    assert world.now < 3700


@simulated
async def test_a_permanent_grant_that_gets_a_duration_counts_from_its_admission(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant(labels=FLUX)
    await world.start()
    await world.advance(minutes=30)
    world.regrant(duration="1h")
    await world.rest()
    assert world.state() == "Active"
    assert world.status()["expiresAt"] == "2026-11-22T11:00:00Z"
    assert len(world.activations.recorded) == 1
    world.kill()
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")
    world.grant(duration="1h", labels=FLUX)
    await world.start()
    await world.until(lambda: world.list_of() == BARE, within=1800)
    assert world.now < 3700
    await world.rest()
    assert world.status()["expiresAt"] == "2026-11-22T11:00:00Z"


@simulated
async def test_a_duration_that_is_over_when_it_comes_ends_at_once(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(labels=FLUX)
    await world.start()
    await world.advance(hours=3)
    world.regrant(duration="1h")
    await world.rest()
    assert world.state() == "Expired"
    assert world.list_of() == BARE
    assert world.status()["expiresAt"] == "2026-11-22T11:00:00Z"
    before = world.written()
    await world.advance(hours=12)
    assert world.written() == before


@simulated
async def test_not_before_opens_on_time(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(notBefore=world.at(hours=2), expiresAt=world.at(hours=3))
    await world.start()
    await world.rest()
    assert world.state() == "Scheduled"
    assert world.list_of() == BARE
    raw: Any = world.raw()
    assert not raw["metadata"].get("finalizers")
    await world.advance(7200 - world.now)
    await world.until(lambda: LAPTOP in (world.list_of() or ()), within=10)
    await world.advance(10800 - world.now - 2)
    assert LAPTOP in (world.list_of() or ())
    await world.until(lambda: world.list_of() == BARE, within=5)


@pytest.mark.parametrize("length", [{"expiresAt": None}, {"duration": "1h"}])
@simulated
async def test_i3_an_end_during_downtime_is_kept_at_the_next_start(
    world: World, length: dict[str, str | None]
) -> None:
    world.cluster()
    world.target()
    spec = length if "duration" in length else {"expiresAt": world.at(hours=1)}
    world.grant(**spec)
    await world.start()
    await world.rest()
    world.kill()
    await world.advance(hours=3)
    assert LAPTOP in (world.list_of() or ())
    await world.start()
    await world.until(lambda: world.list_of() == BARE, within=5)
    await world.rest()
    assert world.state() == "Expired"


@simulated
async def test_an_expired_grant_is_deleted_after_retention(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1), retainAfterExpiry="2h")
    world.grant("default", "81.2.69.1", expiresAt=world.at(hours=1))
    await world.start()
    await world.advance(hours=2, minutes=59)
    assert not world.gone()
    await world.advance(minutes=2)
    assert world.gone()
    await world.advance(hours=21)
    assert not world.gone("default")
    await world.advance(hours=2)
    assert world.gone("default")


@simulated
async def test_retention_is_not_counted_before_the_removal_was_read_back(world: World) -> None:
    world.cluster(operation_seconds=60)
    world.target()
    world.grant(expiresAt=world.at(minutes=30), retainAfterExpiry="1s")
    await world.start()
    await world.rest()
    world.azure.cluster(world.puts()[0].key).busy(3600)
    await world.advance(minutes=60)
    assert not world.gone()
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_i10_a_tracked_grant_stays_as_a_tombstone(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1), retainAfterExpiry="1m", labels=FLUX)
    await world.start()
    await world.advance(hours=100)
    assert world.state() == "Expired"


@simulated
async def test_i10_a_tracked_duration_that_is_created_again_stays_expired(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(duration="1h", labels=FLUX)
    await world.start()
    await world.rest()
    await world.advance(hours=2)
    world.ungrant()
    await world.rest()
    assert world.gone()
    world.grant(duration="1h", labels=FLUX)
    await world.rest()
    assert world.state() == "Expired"
    assert len(world.puts()) == 2


@simulated
async def test_threat_18_a_tracked_duration_keeps_its_start_across_restart_and_new_object(
    world: World,
) -> None:
    world.cluster()
    world.target()
    world.grant(duration="2h", labels=FLUX)
    await world.start()
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")
    world.grant(duration="2h", labels=FLUX)
    await world.advance(hours=1)
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    await world.until(lambda: world.list_of() == BARE, within=3600)
    assert world.now < 7300


@simulated
async def test_i8_an_entry_stays_while_a_grant_created_anew_is_prepared(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(labels=FLUX)
    await world.start()
    await world.rest()
    world.kill()
    world.api.force_delete(Kind.GRANT, "laptop", namespace="team-a")
    world.grant(labels=FLUX)
    await world.start()
    await world.rest()
    assert world.state() == "Active"
    assert len(world.puts()) == 1
    world.ungrant()
    await world.rest()
    assert world.list_of() == BARE
    assert world.gone()


@simulated
async def test_an_untracked_grant_created_again_starts_anew(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(duration="1h")
    await world.start()
    await world.rest()
    await world.advance(hours=2)
    world.ungrant()
    await world.rest()
    world.grant(duration="1h")
    await world.rest()
    assert world.state() == "Active"
    assert len(world.activations.recorded) == 2


@simulated
async def test_threat_18_a_later_end_on_an_expired_grant_opens_a_new_period(world: World) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "2h"})
    world.grant(expiresAt=world.at(hours=1), labels=FLUX)
    await world.start()
    await world.advance(hours=5)
    assert world.state() == "Expired"
    world.regrant(expiresAt=world.at(hours=1))
    await world.rest()
    assert world.state() == "Active"
    world.regrant(expiresAt=world.at(hours=4))
    await world.rest()
    assert world.state() == "PolicyDenied"


@simulated
async def test_i10_a_not_before_of_the_past_does_not_get_around_max_duration(world: World) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "24h"})
    world.grant(expiresAt=world.at(hours=24))
    await world.start()
    await world.rest()
    begun = world.status()["periodStart"]
    await world.advance(hours=22)
    world.regrant(notBefore=world.at(minutes=-1), expiresAt=world.at(hours=23, minutes=50))
    await world.rest()
    assert world.state() == "PolicyDenied"
    assert world.list_of() == BARE
    assert world.status()["periodStart"] == begun


@simulated
async def test_i10_a_later_not_before_takes_access_away_and_then_begins_anew(world: World) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "24h"})
    world.grant(expiresAt=world.at(hours=24))
    await world.start()
    await world.advance(hours=22)
    world.regrant(notBefore=world.at(hours=2), expiresAt=world.at(hours=26))
    await world.rest()
    assert world.state() == "Scheduled"
    assert world.list_of() == BARE
    assert "periodStart" not in world.status()
    await world.advance(hours=3)
    assert world.state() == "Active"
    world.regrant(notBefore=world.at(minutes=-1), expiresAt=world.at(hours=23, minutes=50))
    await world.rest()
    assert world.state() == "PolicyDenied"


@simulated
async def test_i10_a_later_not_before_that_no_write_follows_begins_nothing_anew(
    world: World,
) -> None:
    world.cluster()
    world.target(policy={"allowedNamespaces": {"from": "All"}, "maxDuration": "24h"})
    world.grant(expiresAt=world.at(hours=24))
    await world.start()
    await world.advance(hours=22)
    world.azure.cluster(key_of("weu")).busy(600)
    world.regrant(notBefore=world.at(minutes=2), expiresAt=world.at(hours=23, minutes=50))
    await world.advance(minutes=5)
    assert LAPTOP in (world.list_of() or ())
    await world.rest()
    assert world.state() == "PolicyDenied"
    assert world.list_of() == BARE


@simulated
async def test_i10_a_clock_that_steps_back_opens_nothing(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(expiresAt=world.at(hours=1), labels=FLUX)
    world.grant("counted", "81.2.69.1", duration="1h", labels=FLUX)
    await world.start()
    await world.advance(hours=2)
    assert world.list_of() == BARE
    world.clock.offset = -timedelta(hours=1, minutes=30)
    await world.restart()
    await world.advance(hours=1)
    assert world.list_of() == BARE
    assert (world.state(), world.state("counted")) == ("Expired", "Expired")


@simulated
async def test_i10_a_clock_in_doubt_adds_nothing_and_deletes_no_object(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("old", "81.2.69.1", expiresAt=world.at(hours=1), retainAfterExpiry="1m")
    await world.start()
    await world.rest()
    world.clock.doubt = True
    world.grant("new", "81.2.69.2")
    await world.advance(hours=2)
    assert world.list_of() == BARE
    assert world.target_state() == "ClockInDoubt"
    assert not world.gone("old")
    world.clock.doubt = False
    await world.advance(minutes=15)
    assert world.list_of() == {*BARE, "81.2.69.2/32"}
    assert world.gone("old")


@simulated
async def test_revoked_and_permanent_is_never_deleted(world: World) -> None:
    world.cluster()
    world.target()
    world.grant(revoked=True)
    world.grant("ending", "81.2.69.1", revoked=True, expiresAt=world.at(hours=2))
    await world.start()
    await world.advance(hours=100)
    assert world.state() == "Revoked"
    assert world.gone("ending")

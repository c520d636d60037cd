"""Ledgers lost at a bad moment: beside a duplicate, an unusable spec, a deletion, an orphan.

What the target remembers must speak for the ledger, and nobody else's entries may go with it.
"""

import re
from collections.abc import Callable

import pytest

from aks_access.api.names import GRANT_FINALIZER, ledger_name
from aks_access.engine.fakes.cluster import azure_error
from aks_access.engine.fakes.kube import Raw
from aks_access.engine.ports import Kind
from aks_access.errors import AzureFault
from aks_access.plan.adoption import lost_code
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP, lead_after, programmed
from tests.sim.world import FOREIGN, OFFICE, POLICY, World, key_of

KEY = key_of("weu")
CAME = "20.1.1.1/32"
NOT_FOUND = azure_error(AzureFault.NOT_FOUND, 404, "ResourceNotFound")
UNUSABLE = {"allowedNamespaces": {"from": "Nobody"}}


def lose(world: World) -> None:
    world.ledgers.lose(KEY)


def spoil(world: World) -> None:
    world.ledgers.spoil(KEY)


def upgrade(world: World) -> None:
    world.ledgers.upgrade(KEY)


async def _beside_an_older_duplicate(world: World) -> None:
    """The younger target holds the cluster, because the older one could not be used at first."""
    world.cluster()
    world.target("old", cluster="weu", policy=UNUSABLE)
    await world.start()
    await world.rest()
    world.target("weu")
    world.grant(expiresAt=world.at(hours=6))
    await world.rest()
    world.retarget("old", policy=dict(POLICY))
    await world.rest()
    assert (world.target_state("old"), world.target_state()) == ("DuplicateTarget", "InSync")


@pytest.mark.parametrize("usable", [True, False])
@pytest.mark.parametrize("attack", [lose, spoil, upgrade])
@simulated
async def test_i8_a_duplicate_does_not_take_hold_when_the_ledger_is_lost(
    world: World, attack: Callable[[World], None], usable: bool
) -> None:
    await _beside_an_older_duplicate(world)
    if not usable:
        world.retarget(policy=UNUSABLE)
        await world.rest()
    attack(world)
    await world.advance(hours=1)
    assert world.target_state("old") == "DuplicateTarget"
    assert world.target_state() == ("LedgerLost" if usable else "InvalidSpec")
    if not usable:
        world.retarget(policy=dict(POLICY))
    await world.advance(hours=6)
    assert world.target_state() == "LedgerLost"
    assert world.list_of() == {FOREIGN, OFFICE}, "access without end"


@pytest.mark.parametrize("attack", [lose, spoil])
@simulated
async def test_i9_a_grant_and_its_target_wait_beside_a_duplicate_when_the_ledger_is_lost(
    world: World, attack: Callable[[World], None]
) -> None:
    await _beside_an_older_duplicate(world)
    attack(world)
    world.untarget()
    world.ungrant()
    await world.rest()
    assert not world.target_gone(), "it is all that remembers the ledger"
    assert LAPTOP not in (world.list_of() or ())
    assert world.gone()


async def _older_than_its_target_remembers(world: World) -> None:
    """An unusable target whose ledger comes back from before the latest grant."""
    world.target()
    await world.start()
    await world.rest()
    for number in (1, 2):
        world.grant(f"ending{number}", f"81.2.69.{number}", expiresAt=world.at(hours=number))
    await world.rest()
    early = len(world.ledgers.saves)
    world.grant(expiresAt=world.at(hours=12))
    await world.rest()
    world.retarget(policy=UNUSABLE)
    await world.rest()
    world.ledgers.roll_back(KEY, by=len(world.ledgers.saves) - early)


@simulated
async def test_i8_an_older_ledger_of_an_unusable_target_is_not_trusted_in_time(
    world: World,
) -> None:
    world.cluster()
    await _older_than_its_target_remembers(world)
    remembered = world.target_status()["ledgerSequence"]
    await world.advance(hours=3)
    assert world.list_of() == {FOREIGN, OFFICE, LAPTOP}, "what has ended goes all the same"
    assert world.target_status()["ledgerSequence"] == remembered
    await world.restart()
    world.retarget(policy=dict(POLICY))
    await world.rest()
    assert world.target_state() == "LedgerLost"
    await world.advance(hours=12)
    assert world.list_of() == {FOREIGN, OFFICE}


@simulated
async def test_i8_an_older_ledger_is_not_trusted_after_its_cluster_seemed_to_be_gone(
    world: World,
) -> None:
    cluster = world.cluster()
    await _older_than_its_target_remembers(world)
    saves = len(world.ledgers.saves)
    fault = world.azure.faults.plan("get", NOT_FOUND, times=None, about=KEY)
    await world.advance(minutes=30)
    assert len(world.ledgers.saves) == saves
    world.azure.faults.lift(fault)
    world.retarget(policy=dict(POLICY))
    await world.rest()
    assert world.target_state() == "LedgerLost"
    assert LAPTOP in (cluster.ranges or ())


@pytest.mark.parametrize("attack", [lose, spoil])
@simulated
async def test_i9_an_unusable_target_does_not_go_while_its_ledger_is_lost(
    world: World, attack: Callable[[World], None]
) -> None:
    await programmed(world)
    await world.rest()
    world.retarget(policy=UNUSABLE)
    await world.rest()
    attack(world)
    world.untarget()
    world.ungrant()
    await world.advance(hours=1)
    assert not world.target_gone()
    assert not world.gone(), "nobody knows what is held for it"
    world.retarget(policy=dict(POLICY))
    await world.rest()
    assert world.gone()
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.target_state() == "LedgerLost"
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
    await world.rest()
    assert world.target_gone()


@simulated
async def test_i9_an_orphaned_ledger_that_is_in_doubt_can_be_acknowledged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await _in_doubt(world)
    world.api.force_delete(Kind.TARGET, "weu")
    await world.advance(hours=1)
    assert world.list_of() == {FOREIGN, OFFICE, CAME}
    told = rf"annotate --overwrite configmap {ledger_name(KEY)} \S+acknowledge=(\w{{10}})"
    (code,) = set(re.findall(told, caplog.text))
    world.ledgers.acknowledge(KEY, "0123456789")
    await world.advance(minutes=15)
    assert world.ledgers.peek(KEY) is not None
    world.ledgers.acknowledge(KEY, code)
    await world.advance(minutes=15)
    assert world.ledgers.peek(KEY) is None
    assert world.list_of() == {FOREIGN, OFFICE, CAME}


async def _in_doubt(world: World, *, meanwhile: Callable[[], object] = int) -> None:
    """The list moved while nobody led: the ledger says since then that it is in doubt."""
    cluster = world.cluster()
    world.target()
    world.grant(expiresAt=world.at(minutes=30))
    await world.start()
    await world.rest()
    world.kill()
    since = world.clock.now()
    cluster.set_by_others([*cluster.ranges, CAME])
    meanwhile()
    await world.advance(minutes=10)
    await lead_after(world, since=since)
    await world.rest()
    assert world.target_state() == "LedgerLost"


def forged(world: World) -> None:
    """A grant with our finalizer, as anybody may write it."""

    def change(raw: Raw) -> None:
        raw["metadata"]["finalizers"] = [GRANT_FINALIZER]

    world.grant("evil", FOREIGN, namespace="team-b", revoked=True)
    world.api.edit(Kind.GRANT, "evil", namespace="team-b", change=change)


def edited(world: World) -> None:
    """A grant from before the loss, with another range."""
    world.regrant(ipRanges=[FOREIGN], revoked=True)


def edited_and_deleted(world: World) -> None:
    """The same, deleted."""
    world.regrant(ipRanges=[FOREIGN])
    world.ungrant()


@pytest.mark.parametrize("act", [forged, edited, edited_and_deleted])
@pytest.mark.parametrize("attack", [lose, spoil, upgrade, None])
@simulated
async def test_i2_no_tenant_takes_out_what_is_not_its_own_while_the_ledger_is_in_doubt(
    world: World, attack: Callable[[World], None] | None, act: Callable[[World], None]
) -> None:
    if attack is None:
        await _in_doubt(world)
    else:
        world.cluster()
        world.target()
        world.grant()
        await world.start()
        await world.rest()
        attack(world)
        await world.advance(minutes=30)
    act(world)
    await world.advance(minutes=40)
    await world.restart()
    await world.advance(minutes=40)
    assert world.target_state() == "LedgerLost"
    assert FOREIGN in (world.list_of() or ())
    if act is not forged:
        assert LAPTOP not in (world.list_of() or ()), "what it had before is its own"
    if attack is not upgrade:
        world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
        await world.rest()
        assert FOREIGN in (world.list_of() or ())


@simulated
async def test_i9_a_doubt_can_be_acknowledged_on_a_target_whose_spec_is_unusable(
    world: World,
) -> None:
    await _in_doubt(world)
    world.retarget(policy=UNUSABLE)
    await world.rest()
    code = lost_code(world.ledger())
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": code})
    await world.rest()
    assert world.ledger().lost == ""


@simulated
async def test_i2_a_grant_made_while_nobody_led_claims_nothing_of_others(world: World) -> None:
    await _in_doubt(
        world, meanwhile=lambda: world.grant("evil", FOREIGN, expiresAt=world.at(hours=1))
    )
    await world.advance(hours=2)
    assert FOREIGN in (world.list_of() or ())
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
    await world.rest()
    assert FOREIGN in (world.list_of() or ())
    assert LAPTOP not in (world.list_of() or ()), "what a grant had before is its own"


@pytest.mark.parametrize("attack", [lose, spoil])
@simulated
async def test_i3_a_grant_let_in_while_its_target_was_not_ready_still_counts_as_ours(
    world: World, attack: Callable[[World], None]
) -> None:
    world.cluster()
    world.target(baseline={"ipRanges": [OFFICE], "rangeSetRefs": [{"name": "missing"}]})
    await world.start()
    await world.rest()
    assert world.target_state() == "RangeSetNotResolved"
    world.grant(expiresAt=world.at(hours=2))
    await world.rest()
    assert LAPTOP in (world.list_of() or ())
    attack(world)
    await world.advance(minutes=30)
    assert world.target_state() == "LedgerLost"
    await world.restart()
    await world.advance(hours=2)
    assert LAPTOP not in (world.list_of() or ())


@simulated
async def test_i9_an_unreadable_ledger_blocks_the_release_while_azure_cannot_be_read(
    world: World,
) -> None:
    await programmed(world)
    await world.rest()
    world.ledgers.spoil(key_of("weu"))
    forbidden = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    fault = world.azure.faults.plan("get", forbidden, times=None, about=key_of("weu"))
    world.ungrant()
    await world.advance(minutes=40)
    assert not world.gone(), "released although nobody knows what the ledger holds for it"
    world.azure.faults.lift(fault)
    await world.advance(minutes=40)
    assert LAPTOP not in (world.list_of() or set())
    assert world.gone()


@simulated
async def test_i9_a_ledger_from_a_backup_blocks_the_release_while_azure_cannot_be_read(
    world: World,
) -> None:
    world.cluster()
    world.target()
    await world.start()
    await world.rest()
    early = len(world.ledgers.saves)
    world.grant()
    await world.rest()
    world.ledgers.roll_back(key_of("weu"), by=len(world.ledgers.saves) - early)
    forbidden = azure_error(AzureFault.FORBIDDEN, 403, "AuthorizationFailed")
    fault = world.azure.faults.plan("get", forbidden, times=None, about=key_of("weu"))
    world.ungrant()
    await world.advance(minutes=40)
    assert not world.gone(), "the ledger is older than what the target remembers"
    world.azure.faults.lift(fault)
    await world.advance(minutes=40)
    assert LAPTOP not in (world.list_of() or set())
    assert world.gone()

"""The ledger when it cannot be read, or somebody spoiled it; the audit's lines."""

from typing import Any

import pytest

from aks_access.api.timestamps import parse_timestamp
from aks_access.engine.ports import Kind
from aks_access.errors import KubeError
from aks_access.plan.adoption import acknowledgement_code
from tests.sim.play import simulated
from tests.sim.scenes import LAPTOP
from tests.sim.world import FOREIGN, OFFICE, World, condition, key_of

KEY = key_of("weu")


async def _let_in(world: World, **spec: Any) -> None:
    world.cluster()
    world.target()
    world.grant("laptop", LAPTOP, **spec)
    await world.start()
    await world.rest()
    assert LAPTOP in (world.list_of() or ())


@simulated
async def test_i4_an_end_is_kept_while_no_ledger_can_be_read(world: World) -> None:
    await _let_in(world, expiresAt=world.at(hours=1))
    fault = world.ledgers.faults.plan("load", KubeError("forbidden", status=403), times=None)
    await world.advance(hours=1, seconds=20)
    assert world.list_of() == {FOREIGN, OFFICE}
    world.ledgers.faults.lift(fault)
    await world.advance(minutes=12)
    await world.rest()
    assert LAPTOP not in world.owned()


@simulated
async def test_an_unreadable_ledger_is_kept_until_it_is_acknowledged(world: World) -> None:
    await _let_in(world, expiresAt=world.at(hours=1))
    world.ledgers.spoil(KEY)
    await world.advance(hours=1, minutes=15)
    assert world.list_of() == {FOREIGN, OFFICE}
    assert world.ledgers.spoiled(KEY)
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": world.code()})
    await world.advance(minutes=12)
    await world.rest()
    assert not world.ledgers.spoiled(KEY)


@simulated
async def test_an_extension_is_audited(world: World) -> None:
    await _let_in(world, expiresAt=world.at(hours=1))
    later = world.at(hours=3)
    puts = len(world.puts())
    world.regrant("laptop", expiresAt=later)
    await world.rest()
    lines = [line for line in world.audit.decisions if line.action == "Extended"]
    assert [line.until for line in lines] == [parse_timestamp(later)]
    assert lines[0].grants == ("team-a/laptop",)
    assert len(world.puts()) == puts


@simulated
async def test_the_audit_names_everybody_who_asked_for_an_entry(world: World) -> None:
    world.cluster()
    world.target()
    world.grant("one", LAPTOP, requestedBy="ann@contoso.com", reason="INC-1")
    world.grant("two", LAPTOP, requestedBy="bob@contoso.com", reason="INC-1")
    await world.start()
    await world.rest()
    (line,) = [line for line in world.audit.decisions if LAPTOP in line.ranges]
    assert line.requested_by == "ann@contoso.com; bob@contoso.com"
    assert line.reason == "INC-1"


@pytest.mark.parametrize("policy", ["Revoke", "Detach"])
@simulated
async def test_threat_19_what_a_newer_operator_wrote_is_left_as_it_is(
    world: World, policy: str
) -> None:
    await _let_in(world, expiresAt=world.at(hours=1))
    world.grant("stays", "81.2.69.1")
    await world.rest()
    world.kill()
    world.ledgers.upgrade(KEY)
    saves, written = len(world.ledgers.saves), world.ledgers.peek(KEY)
    await world.start()
    world.grant("late", "81.2.69.2")
    await world.rest()
    assert world.target_state() == "LedgerLost"
    message = condition(world.target_status(), "Ready")["message"]
    assert "newer operator" in message
    assert "acknowledge" not in message
    assert world.state("late") == "TargetBlocked"
    code = acknowledgement_code(
        case="LedgerLost",
        sequence=int(world.target_status()["ledgerSequence"]),
        cluster=KEY,
        entries=[LAPTOP, "81.2.69.1/32"],
    )
    world.mark(Kind.TARGET, "weu", annotations={"aksaccess.dev/acknowledge": code})
    await world.advance(hours=1, minutes=1)
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, "81.2.69.1/32"}, "what is known to end has ended"
    world.retarget(deletionPolicy=policy)
    world.untarget()
    await world.advance(hours=1)
    assert not world.target_gone(), "its ledger says more than this operator can read"
    assert len(world.ledgers.saves) == saves
    assert world.ledgers.peek(KEY) == written


@simulated
async def test_threat_19_there_and_back_between_schemas_loses_nothing(world: World) -> None:
    await _let_in(world)
    world.kill()
    for turn in range(2):
        world.ledgers.upgrade(KEY)
        await world.start()
        world.grant(f"late-{turn}", f"81.2.69.{turn}")
        await world.rest()
        assert world.target_state() == "LedgerLost"
        world.kill()
        before = world.ledgers.return_to(KEY)
        assert before.entries[LAPTOP].owners
        await world.start()
        await world.advance(minutes=12)
        await world.rest()
        assert world.target_state() == "InSync"
        assert world.state(f"late-{turn}") == "Active"
        world.kill()
    await world.start()
    world.ungrant()
    await world.rest()
    assert world.list_of() == {FOREIGN, OFFICE, "81.2.69.0/32", "81.2.69.1/32"}

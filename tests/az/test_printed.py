"""What commands and messages print for az does what it says, when somebody runs it as it is."""

import re
from collections.abc import Callable
from pathlib import Path

from aks_access.plan.sentences import orphan_sentence
from sandbox.arm.process import ArmProcess
from tests.az.command import Az
from tests.az.test_clusters import by_az
from tests.integration.people import Person
from tests.integration.world import World

_OFFICE, _BASELINE, _LAPTOP = "51.140.8.0/24", "20.40.0.0/24", "81.2.69.142/32"
_FIRST = "11111111-1111-4111-8111-111111111111"
_SECOND = "22222222-2222-4222-8222-222222222222"
_COMMAND = re.compile(r"`(az [^`]+)`")


def person_of(world: World, folder: Path) -> Person:
    """Somebody of the platform team."""
    station = world.station
    return Person(folder, arm=station.arm, kubeconfig=station.plane.kubeconfig)


def script_of(person: Person, *flags: str) -> str:
    """The lines of `plan --as-az`."""
    done = person.run("aks-access", "plan", *flags, "--as-az")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_overdue_revocation_is_ended_by_hand(az: Az, world: World, tmp_path: Path) -> None:
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster, baseline={"ipRanges": [_BASELINE]})
    grant = world.grant(target, _LAPTOP)
    grant.wait_state("Active")
    target.patch(suspend=True)
    grant.patch(revoked=True)
    target.wait_state("RevocationOverdue")
    person = person_of(world, tmp_path)
    script = script_of(person, target.name)
    assert az.shell(script) == ""
    assert set(cluster.ranges or ()) == {_OFFICE, _BASELINE}
    [put] = by_az(cluster, "PUT")
    assert set(put.after or ()) == {_OFFICE, _BASELINE}
    assert "The list is another one by now" in az.refused(script), "it is run once more"
    assert len(by_az(cluster, "PUT")) == 1
    again = script_of(person, target.name, "--azure")
    assert "There is nothing to do by hand." in again
    assert az.shell(again) == ""
    target.patch(suspend=False)
    target.wait_state("InSync")
    assert set(cluster.ranges or ()) == {_OFFICE, _BASELINE}


def test_what_grants_ask_for_is_added_by_hand(az: Az, world: World, tmp_path: Path) -> None:
    cluster = world.cluster([_OFFICE])
    target = world.target(cluster, mode="Observe")
    world.grant(target, _LAPTOP).wait_state("Observed")
    person = person_of(world, tmp_path)
    assert az.shell(script_of(person, target.name, "--add-grants")) == ""
    assert set(cluster.ranges or ()) == {_OFFICE, _LAPTOP}


def test_a_command_goes_to_the_subscription_of_its_cluster(
    login: Callable[[ArmProcess], Az], tmp_path: Path
) -> None:
    """The log-in's own subscription has a cluster of the same group and name, and an odd one."""
    with ArmProcess(operation_seconds=0.2) as arm:
        ids = [
            f"/subscriptions/{each}/resourceGroups/-rg(1)/providers"
            "/Microsoft.ContainerService/managedClusters/prod"
            for each in (_FIRST, _SECOND)
        ]
        for each in ids:
            arm.control.create_cluster(each, ranges=[_OFFICE])
            arm.control.set_property(each, path="properties.disableLocalAccounts", value=False)
        az = login(arm)
        az.shell(f"az account set --subscription {_FIRST}")
        done = Person(tmp_path, arm=arm).run("aks-access", "doctor", ids[1])
        commands = _COMMAND.findall(done.stdout)
        assert len(commands) == 2, done.stdout + done.stderr
        for each in commands:
            az.shell(f"{each} --output none")
        said = orphan_sentence(entries=[_LAPTOP], target="prod", cluster=ids[1], why="")
        [command] = _COMMAND.findall(said)
        az.shell(f"{command} {_OFFICE},{_BASELINE} --output none")
        assert [arm.control.cluster(each).ranges for each in ids] == [
            [_OFFICE],
            [_OFFICE, _BASELINE],
        ]
        twin, meant = (arm.control.cluster(each).body["properties"] for each in ids)
        assert meant["apiServerAccessProfile"]["disableRunCommand"] is True
        assert meant["disableLocalAccounts"] is True
        assert twin["apiServerAccessProfile"].get("disableRunCommand") is not True
        assert twin["disableLocalAccounts"] is False

"""Least privilege, proven: all that the operator may do is used, and all that it does is given.

A real operator runs with the chart's ServiceAccount on a real API server, and with the custom roles
of azure/ on the emulator, through everything it can do. What it was allowed then is read from the
audit log and the journal. That nothing else is refused it anywhere is checked at the end of every
test that has a `World`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import NAMESPACE_URL, uuid5

import pytest

from aks_access.kube.discovery import Right
from sandbox import azure_roles, chart
from sandbox.apiproxy import ApiProxy
from sandbox.apiproxy.faults import EmptyList
from sandbox.arm.journal import JournalEntry
from sandbox.arm.linked import links
from sandbox.arm.process import ArmProcess
from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.audit import read_audit_log
from sandbox.operator import CLIENT_ID, TENANT_ID, OperatorProcess
from sandbox.processes import wait_until
from tests import figures
from tests.integration.rights import CLUSTER_PROPERTIES, Azure, Kubernetes, given, of_client
from tests.integration.scenes import OFFICE
from tests.integration.station import PACE, STEADY, Station
from tests.integration.things import Cluster, Mark, Object
from tests.integration.world import OPERATOR, SUBSCRIPTION, World

pytestmark = [pytest.mark.install, pytest.mark.timeout(240)]

UNUSED: dict[Right, str] = {}
"""Rights that the chart gives although nothing here uses them, and why."""

QUICK = {**PACE, **STEADY, "relist_interval": "2s", "watch_idle_timeout": "4s"}
ISSUER = "https://kubernetes.default.svc"
SCOPE = f"/subscriptions/{SUBSCRIPTION}"


@dataclass(frozen=True, slots=True)
class Stage:
    """A world of this module's own, behind a proxy that can make lists lie."""

    world: World
    proxy: ApiProxy

    def replica(self, **settings: str) -> OperatorProcess:
        """One more operator, which stands by."""
        world = self.world
        return OperatorProcess(
            plane=world.plane, arm=world.station.arm, name="replica", **{**QUICK, **settings}
        )


@pytest.fixture
def stage(unique: Callable[[str], str]) -> Iterator[Stage]:
    with (
        ControlPlane() as plane,
        ArmProcess(operation_seconds=0.3) as arm,
        ApiProxy(plane) as proxy,
    ):
        chart.apply_chart(plane)
        kubeconfig = proxy.kubeconfig(plane.kubeconfig_for(SERVICE_ACCOUNT, NAMESPACE))
        station = Station(plane=plane, arm=arm, **{**QUICK, "kubeconfig": str(kubeconfig)})
        yield Stage(world=World(station=station, unique=unique), proxy=proxy)
        station.stop()


def test_a_target_with_an_identity_of_its_own_needs_no_other(world: World) -> None:
    """Its federated credential names another ServiceAccount at first."""
    own = str(uuid5(NAMESPACE_URL, world.unique("identity")))
    world.writers = {own}
    made = world.cluster([OFFICE])
    for verb in ("read", "write"):
        world.arm.deny(made.id, verb=verb, client_id=CLIENT_ID)
    assign(world, made, client_id=own)
    federate(world, own, subject=f"system:serviceaccount:{NAMESPACE}:default")
    target = world.target(made, identity={"clientId": own})
    target.wait_state("AzureUnavailable")
    said = target.message()
    assert "AADSTS700213" in said
    shown = said.replace(ISSUER, "https://ISSUER")
    assert f"\n```\n{shown}\n```\n" in azure_roles.PAGE.read_text(), "the page quotes it"
    federate(world, own, subject=OPERATOR)
    target.nudge()
    world.grant(target, "20.50.1.2").wait_state("Active")
    assert {entry.client_id for entry in made.puts()} == {own}
    assert {entry.client_id for entry in made.gets()} == {own}


def federate(world: World, client_id: str, *, subject: str) -> None:
    """Trust in one ServiceAccount's tokens, and in no other's."""
    federations = [(ISSUER, subject)]
    world.arm.register_client(client_id, tenant_id=TENANT_ID, federations=federations)


def role(key: str) -> list[str]:
    """The actions of a role, from the file that people give to `az`."""
    found = json.loads((azure_roles.DIRECTORY / f"role-{key}.json").read_text())
    assert (found["NotActions"], found["DataActions"], found["NotDataActions"]) == ([], [], [])
    actions: list[str] = found["Actions"]
    return actions


def cluster(world: World, **properties: object) -> Cluster:
    """A cluster on which the operator has its roles, and nothing else."""
    made = world.cluster([OFFICE])
    for path, value in properties.items():
        world.arm.set_property(made.id, path=path, value=value)
    assign(world, made)
    return made


def assign(world: World, to: Cluster, *, client_id: str = CLIENT_ID) -> None:
    """The role for a cluster on it, and the one for linked resources on each that it names."""
    world.arm.assign(client_id, actions=role("cluster"), scope=to.id)
    for scope in sorted({scope for _, scope in links(to.view().body)}):
        world.arm.assign(client_id, actions=role("linked"), scope=scope)


def test_every_right_is_used_and_every_use_is_given(
    stage: Stage, record_property: figures.Property
) -> None:
    world = stage.world
    world.expect("I13", because="the request to reconcile, which the oracle does not hear, ends it")
    world.arm.assign(CLIENT_ID, actions=role("operations"), scope=SCOPE)
    world.station.start()
    with stage.replica() as replica:
        replica.wait_ready()
        live(stage)
        hand_over(world, to=replica)
        replace_a_crd(world, replica)
        found = Azure(
            actions=[action for key in ("cluster", "operations", "linked") for action in role(key)],
            entries=calls(world),
        )
        without_operations(world)
    events = [e for e in read_audit_log(world.plane.audit_log) if e.user == OPERATOR]
    rights = given(chart.installed(), to=OPERATOR)
    asked = Kubernetes(rights=rights, events=events, own=NAMESPACE, unused=UNUSED)
    record_property(figures.MEASURED, f"uses of each right\n{asked.table()}\n{found.table()}")
    problems = asked.problems() + found.problems()
    assert not problems, "\n".join(problems)
    world.judge()


def calls(world: World) -> list[JournalEntry]:
    return of_client(world.arm.journal(), CLIENT_ID)


def live(stage: Stage) -> None:
    """Grants, sets, selectors, ends, deletions, conflicts, and targets that go in every way."""
    world = stage.world
    _home, other = (world.namespace(labels={"access": "yes"}) for _ in range(2))
    office, team = world.range_set("20.60.0.0/28"), world.range_set("20.50.1.2")
    everything = cluster(world, **CLUSTER_PROPERTIES)
    leaving, forced = cluster(world), cluster(world)
    target = world.target(
        everything,
        labels={"tier": "dev"},
        baseline={"rangeSetRefs": [{"name": office.name}]},
        policy={
            "allowedNamespaces": {
                "from": "Selector",
                "selector": {"matchLabels": {"access": "yes"}},
            }
        },
    )
    detached = world.target(leaving, labels={"tier": "dev"}, deletionPolicy="Detach")
    lost = world.target(forced)
    ends = world.grant(target, "20.50.1.5", expiresAt=world.at(600), retainAfterExpiry="1s")
    timed = [world.grant(target, f"20.50.1.{n}", duration="1h") for n in (3, 4)]
    by_set = world.grant(target, rangeSetRefs=[{"name": team.name}])
    selector = {"matchLabels": {"tier": "dev"}}
    selected = world.grant(None, "20.50.1.7", namespace=other, targetSelector=selector)
    orphan = world.grant(lost, "20.50.1.8")
    for grant in (ends, *timed, by_set, selected, orphan):
        grant.wait_state("Active")

    timed[0].delete()
    detached.delete()
    lose(world, target=lost, of=forced)
    quarrel(target, of=everything, entry="20.50.1.2/32")
    ends.patch(expiresAt=world.at(2))
    with (
        stage.proxy.inject(EmptyList(), plurals=["namespaces"]) as one,
        stage.proxy.inject(EmptyList(), plurals=["iprangesets"]) as two,
    ):
        wait_until(lambda: min(one.struck, two.struck) >= 2, what="two lists to lie", timeout=30)
    for each in (timed[0], detached, ends):
        each.wait_gone()
    adopt(world, of=forced)
    world.eventually(lambda: leaving.ledger() is None, what="a ledger to be done with")


def lose(world: World, *, target: Object, of: Cluster) -> None:
    """A target goes past its finalizer while its cluster takes no write."""
    world.arm.lock(of.id)
    target.force_delete()
    target.wait_gone()


def adopt(world: World, *, of: Cluster) -> None:
    """What its ledger could not take out is told of on it, and goes with another target."""
    path = f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"

    def told() -> bool:
        events = world.plane.request("GET", path)["items"]
        return any(each["regarding"]["name"] == of.ledger_name for each in events)

    world.eventually(told, what="an Event about the ledger")
    world.arm.unlock(of.id)
    target = world.target(of)
    target.nudge()
    of.wait_ranges(OFFICE)
    target.delete()
    target.wait_gone()


def quarrel(target: Object, *, of: Cluster, entry: str) -> None:
    """Somebody takes an entry out again and again."""
    for _ in range(2):
        mark = target.world.mark()
        of.edit(remove=[entry])
        target.nudge()
        target.world.eventually(partial(put_back, entry, of, mark), what=f"{entry} to come back")
        target.wait_state("InSync")
    of.edit(remove=[entry])
    target.wait_state("ConflictingOwner")
    target.nudge()


def put_back(entry: str, of: Cluster, since: Mark) -> bool:
    return bool(of.puts(since)) and entry in (of.ranges or ())


def hand_over(world: World, *, to: OperatorProcess) -> None:
    """The leader is told to end; another one goes on."""
    world.operator.close()
    to.wait_leading()


def replace_a_crd(world: World, replica: OperatorProcess) -> None:
    """The range sets' CRD is removed, with its objects, and comes back."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/iprangesets.aksaccess.dev"
    world.plane.request("DELETE", path)
    wait_until(lambda: not replica.ready(), what="the replica to miss it", timeout=30)
    chart.apply_chart(world.plane)
    replica.wait_ready()


def without_operations(world: World) -> None:
    """The role for operations helps, and nothing needs it."""
    world.arm.unassign(CLIENT_ID)
    made = world.cluster([OFFICE])
    assign(world, made)
    begun = world.arm.last_sequence()
    world.grant(world.target(made), "20.50.1.9").wait_state("Active")
    refused = [e for e in world.arm.journal(since=begun) if e.status == 403]
    mine = [e for e in refused if "/locations/" in e.path]
    assert mine
    assert {e.action for e in mine} == set(role("operations"))

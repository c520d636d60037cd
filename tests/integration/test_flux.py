"""What Flux does to a grant: drift, ends, and a revocation in an emergency."""

import json
from typing import Any

import pytest

from aks_access.engine.ports import Kind
from tests.gitops.kstatus import Kstatus, kstatus
from tests.integration import flux
from tests.integration.things import Object
from tests.integration.world import World

pytestmark = pytest.mark.install

RANGE = "81.2.69.142/32"


class InGit:
    """A grant that Flux brings: a manifest, and the object it becomes."""

    def __init__(self, world: World, *, policy: str = "", **spec: Any) -> None:
        self.world = world
        self.cluster = world.cluster()
        target = world.target(self.cluster)
        grant = world.object(Kind.GRANT, name=world.unique("grant"), namespace=world.home())
        body = {"targetRef": {"name": target.name}, "ipRanges": [RANGE], **spec}
        annotations = {flux.SSA: policy} if policy else {}
        self.document = flux.labelled(
            world.document(grant, body, annotations=annotations), "access-team-a"
        )
        self.grant: Object = grant

    def reconcile(self) -> dict[str, Any]:
        """Let Flux reconcile."""
        return flux.apply(self.world.plane, self.grant.path, self.document)

    def kubectl(self, *arguments: str) -> None:
        grant = self.grant
        self.world.kubectl(*arguments[:1], "aag", grant.name, "-n", grant.namespace, *arguments[1:])

    def revoke(self, *flags: str) -> None:
        """What somebody on call runs."""
        self.kubectl("patch", "--type=merge", "-p", json.dumps({"spec": {"revoked": True}}), *flags)
        self.grant.wait_state("Revoked")
        assert RANGE not in (self.cluster.ranges or [])


def test_flux_undoes_a_plain_patch(world: World):
    """The trap: access that was taken away comes back at the next interval."""
    found = InGit(world, expiresAt=world.at(600))
    found.reconcile()
    found.grant.wait_state("Active")
    found.revoke()
    found.reconcile()
    found.grant.wait_state("Active")
    assert RANGE in (found.cluster.ranges or [])


@pytest.mark.parametrize(
    ("policy", "annotated", "flags"),
    [("", False, ("--field-manager=aks-access",)), ("Merge", False, ()), ("", True, ())],
    ids=["manager", "merge in Git", "merge by hand"],
)
def test_a_revocation_in_an_emergency_stays(
    world: World, policy: str, annotated: bool, flags: tuple[str, ...]
):
    found = InGit(world, policy=policy, expiresAt=world.at(600))
    found.reconcile()
    found.grant.wait_state("Active")
    if annotated:
        found.kubectl("annotate", f"{flux.SSA}=Merge")
    found.revoke(*flags)
    for _ in range(2):
        answer = found.reconcile()
        assert answer["spec"]["revoked"] is True
    assert found.grant.state == "Revoked"
    assert RANGE not in (found.cluster.ranges or [])


def test_flux_never_finds_anything_of_ours_to_undo(world: World):
    """Neither while access begins and ends nor afterwards: its apply changes no field."""
    found = InGit(world, duration="10s")
    found.reconcile()
    found.grant.wait_state("Active")
    assert unchanged(found)
    found.grant.wait_state("Expired")
    assert unchanged(found)
    raw = found.grant.read()
    assert kstatus(raw) == Kstatus.CURRENT
    assert raw["spec"] == found.document["spec"]


def test_a_later_end_in_git_extends_without_a_gap(world: World):
    found = InGit(world, expiresAt=world.at(30))
    found.reconcile()
    found.grant.wait_state("Active")
    mark = world.mark()
    found.document["spec"]["expiresAt"] = world.at(900)
    found.reconcile()
    found.grant.until(
        lambda o: o["status"].get("expiresAt") == found.document["spec"]["expiresAt"],
        what="to end later",
    )
    assert found.cluster.puts(mark) == []


def test_an_expired_duration_that_flux_creates_anew_stays_expired(world: World):
    found = InGit(world, duration="3s")
    found.reconcile()
    found.grant.wait_state("Expired")
    found.grant.delete()
    found.grant.wait_gone()
    mark = world.mark()
    found.reconcile()
    found.grant.wait_state("Expired")
    assert found.cluster.puts(mark) == []


def unchanged(found: InGit) -> bool:
    before = found.grant.read()["metadata"]["resourceVersion"]
    found.reconcile()
    after: str = found.grant.read()["metadata"]["resourceVersion"]
    return before == after

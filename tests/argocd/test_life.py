"""A team's grants under the real Argo CD, from the first commit to the tombstone."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aks_access.api.names import REQUESTED_AT_ANNOTATION
from aks_access.engine.ports import Kind
from sandbox.argocd import ArgoCD
from sandbox.controlplane.audit import read_audit_log
from tests.argocd.application import Application
from tests.argocd.repository import Repository
from tests.integration.things import Cluster, Mark, Object
from tests.integration.world import World

RANGE = "81.2.69.142/32"
MENDED = "81.2.69.143/32"
PRIVATE = "10.0.0.1/32"
FILE = "grant.yaml"
OTHER_FILE = "other.yaml"
Figure = Callable[[str], None]


class Team:
    """A team's repository with one grant, its application, and the cluster that it is about."""

    def __init__(self, *, argo: ArgoCD, world: World, repository: Repository) -> None:
        self.argo, self.world, self.repository = argo, world, repository
        self.cluster: Cluster = world.cluster()
        self.target = world.target(self.cluster)
        self.namespace = world.home()
        name = world.unique("grant")
        self.grant: Object = world.object(Kind.GRANT, name=name, namespace=self.namespace)
        self.allow_empty = True
        self._app: Application | None = None

    @property
    def app(self) -> Application:
        assert self._app is not None, "nothing was committed yet"
        return self._app

    def commit(self, **spec: Any) -> None:
        """Put the grant into Git, and return once Argo CD has synced it."""
        self.write(**spec)
        self.sync(self.repository.commit())

    def write(self, **spec: Any) -> None:
        """Put the grant into a file."""
        body = {"targetRef": {"name": self.target.name}, "ipRanges": [RANGE], **spec}
        self.repository.write(FILE, self.world.document(self.grant, body))

    def sync(self, revision: str) -> None:
        if self._app is None:
            self._app = Application.create(
                self.argo,
                name=self.world.unique("app"),
                url=self.repository.url,
                namespace=self.namespace,
                allow_empty=self.allow_empty,
            )
        self.app.wait_synced(revision)

    @property
    def open(self) -> bool:
        """Whether the range is in Azure."""
        return RANGE in (self.cluster.ranges or [])

    def shown(self) -> str:
        """The grant's health as Argo CD shows it."""
        return self.app.healths()[Kind.GRANT, self.grant.name][0]

    def created(self, since: Mark | None = None) -> int:
        """How often somebody created the grant."""
        mark = since or self.world.begun
        events = read_audit_log(self.world.plane.audit_log, offset=mark.audit)
        return sum(
            event.name == self.grant.name
            and event.resource == "apiaccessgrants"
            and event.code == 201
            for event in events
        )


@pytest.fixture
def team(argo: ArgoCD, world: World, repository: Repository) -> Iterator[Team]:
    made = Team(argo=argo, world=world, repository=repository)
    yield made
    if made._app is not None and made.app.exists():
        made.app.delete()
        made.app.wait_gone()


def test_synced_stays_synced_from_the_first_commit_to_the_tombstone(team: Team, figure: Figure):
    """Nothing that the operator writes is ever drift: no ignoreDifferences is needed."""
    began = time.monotonic()
    team.commit(duration="15s")
    with team.app.watched() as seen:
        team.grant.wait_state("Active")
        let_in = time.monotonic() - began
        team.app.eventually(lambda: team.app.health == "Healthy", what="Healthy")
        team.grant.wait_state("Expired")
        team.world.eventually(lambda: not team.open, what="the range to be gone")
        team.target.wait_state("InSync")
        mark = team.world.mark()
        team.cluster.wait_looks(4)
        team.app.refresh()
        team.cluster.wait_looks(4)
    assert seen == {"Synced"}
    assert team.app.syncs() == 1
    assert team.shown() == "Healthy"
    assert team.world.writes(mark) == []
    assert team.created() == 1
    figure(f"let in {let_in:.1f} s after the commit was synced to; Synced throughout")


def test_an_expired_duration_that_self_heal_creates_anew_stays_expired(team: Team, figure: Figure):
    team.commit(duration="3s")
    team.grant.wait_state("Expired")
    first = team.grant.read()["metadata"]["uid"]
    mark = team.world.mark()
    began = time.monotonic()
    team.grant.delete()
    team.app.eventually(
        lambda: team.grant.exists() and team.grant.read()["metadata"]["uid"] != first,
        what="healed",
    )
    healed = time.monotonic() - began
    team.grant.wait_state("Expired")
    team.cluster.wait_looks(4)
    assert team.cluster.puts(mark) == []
    assert team.created(mark) == 1
    team.app.eventually(lambda: team.app.sync == "Synced", what="Synced")
    figure(f"created anew by selfHeal after {healed:.1f} s, Expired, no write to Azure")


def test_a_later_end_in_git_extends_without_a_gap(team: Team, figure: Figure):
    team.commit(expiresAt=team.world.at(60))
    team.grant.wait_state("Active")
    mark = team.world.mark()
    began = time.monotonic()
    later = team.world.at(900)
    team.commit(expiresAt=later)
    team.grant.until(lambda o: o["status"].get("expiresAt") == later, what="to end later")
    assert team.cluster.puts(mark) == []
    assert team.open
    figure(f"extended {time.monotonic() - began:.1f} s after the commit, no write to Azure")


def test_a_later_end_on_a_tombstone_opens_a_new_period(team: Team):
    team.commit(expiresAt=team.world.at(6))
    team.grant.wait_state("Expired")
    assert not team.open
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    assert team.open


def test_a_prune_ends_after_the_range_is_gone_from_azure(team: Team, figure: Figure):
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    began = time.monotonic()
    team.repository.remove(FILE)
    revision = team.repository.commit()
    team.app.refresh()
    at_the_end: list[bool] = []

    def gone() -> bool:
        there = team.grant.exists()
        if not there:
            at_the_end.append(team.open)
        return not there

    team.app.eventually(gone, what="rid of the grant")
    assert at_the_end == [False]
    figure(f"pruned and revoked {time.monotonic() - began:.1f} s after the commit")
    team.app.wait_synced(revision)


def test_the_last_grant_of_an_application_stays_open_without_allow_empty(team: Team):
    """The trap: Argo CD does not prune the last object, and so the access stays."""
    team.allow_empty = False
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    team.repository.remove(FILE)
    team.repository.commit()
    team.app.refresh()

    def refused() -> bool:
        conditions = team.app.read()["status"].get("conditions", [])
        return any("will wipe out all resources" in each["message"] for each in conditions)

    team.app.eventually(refused, what="refusing to become empty")
    assert team.app.sync == "OutOfSync"
    assert team.open


def test_a_refused_grant_fails_its_own_sync_and_does_not_hold_up_the_next_commit(
    team: Team, figure: Figure
):
    """Its neighbours arrive, its sync never ends; the commit that mends it brings a revocation."""
    team.commit(expiresAt=team.world.at(900))
    later = team.world.at(1800)
    team.grant.wait_state("Active")
    name = team.world.unique("mended")
    other = team.world.object(Kind.GRANT, name=name, namespace=team.namespace)
    body = {"targetRef": {"name": team.target.name}, "expiresAt": later}
    team.write(expiresAt=later)
    team.repository.write(OTHER_FILE, team.world.document(other, {**body, "ipRanges": [PRIVATE]}))
    team.repository.commit()
    team.app.refresh()
    team.app.eventually(lambda: team.app.retries() > 1, what="trying again")
    assert "private" in team.app.story()
    assert not other.exists()
    assert team.grant.read()["spec"]["expiresAt"] == later
    assert team.app.sync == "OutOfSync"
    began = time.monotonic()
    team.repository.write(OTHER_FILE, team.world.document(other, {**body, "ipRanges": [MENDED]}))
    team.repository.remove(FILE)
    revision = team.repository.commit()
    team.app.refresh()
    team.world.eventually(lambda: not team.open, what="the range to be gone", seconds=60)
    figure(f"revoked {time.monotonic() - began:.1f} s after the commit, behind a refused one")
    other.wait_state("Active")
    team.app.wait_synced(revision)


def test_a_prune_stays_unfinished_while_azure_refuses(team: Team):
    """Until the debt is the ledger's: 15 minutes by default, seconds here."""
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    team.world.arm.lock(team.cluster.id)
    team.repository.remove(FILE)
    team.repository.commit()
    team.app.refresh()
    team.app.eventually(
        lambda: team.shown() == "Progressing" if team.grant.exists() else False,
        what="Progressing with a grant that is being deleted",
    )
    team.target.wait_state("RevocationOverdue")
    team.grant.wait_gone(seconds=60)
    assert team.open  # and the target says so
    team.world.arm.unlock(team.cluster.id)
    team.world.eventually(lambda: not team.open, what="the range to go", seconds=60)


def test_the_action_revoke_takes_access_away_and_git_does_not_bring_it_back(
    team: Team, figure: Figure
):
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    place = (Kind.GRANT, team.grant.name, team.namespace)
    assert team.app.actions(*place) == {"refresh": True, "revoke": True}
    began = time.monotonic()
    with team.app.watched() as seen:
        team.app.act("revoke", *place)
        team.grant.wait_state("Revoked")
        team.world.eventually(lambda: not team.open, what="the range to be gone")
        took = time.monotonic() - began
        team.app.refresh()
        team.cluster.wait_looks(4)
        team.app.eventually(lambda: team.shown() == "Healthy", what="Healthy")
    assert seen == {"Synced"}
    assert team.app.actions(*place) == {"refresh": True, "revoke": False}
    assert team.grant.read()["spec"]["revoked"] is True
    figure(f"out of Azure {took:.1f} s after the button, still Synced")


@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.TARGET])
def test_the_action_refresh_is_answered(team: Team, kind: Kind):
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    if kind is Kind.GRANT:
        item = team.grant
        team.app.act("refresh", kind, item.name, team.namespace)
    else:
        body = team.target.read()
        document = team.world.document(team.target, body["spec"])
        team.repository.write("target.yaml", document)
        team.sync(team.repository.commit())
        item = team.target
        team.app.act("refresh", kind, item.name)
    asked = item.read()["metadata"]["annotations"][REQUESTED_AT_ANNOTATION]
    item.until(
        lambda o: o["status"].get("lastHandledReconcileAt") == asked, what=f"to answer {asked}"
    )
    team.app.refresh()
    team.app.eventually(lambda: team.app.sync == "Synced", what="Synced")


def test_everything_deleted_at_once_leaks_until_an_operator_comes_back(team: Team, figure: Figure):
    """What happens without waves: the operator went first."""
    team.commit(expiresAt=team.world.at(900))
    team.grant.wait_state("Active")
    team.world.station.stop()
    team.app.delete()
    team.grant.until(lambda o: "deletionTimestamp" in o["metadata"], what="to be deleted")
    team.app.refresh()
    team.app.eventually(lambda: team.shown() == "Progressing", what="stuck")
    assert team.app.exists()
    assert team.open
    began = time.monotonic()
    team.world.station.start()
    team.app.wait_gone()
    assert not team.grant.exists()
    assert not team.open
    figure(f"un-stuck {time.monotonic() - began:.0f} s after the operator came back")

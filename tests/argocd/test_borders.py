"""What one application can do to another: the borders of projects, and the waves of a root."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from aks_access.engine.ports import Kind
from sandbox.argocd import NAMESPACE, ArgoCD
from sandbox.landscape import EXAMPLES
from tests.argocd.application import Application
from tests.argocd.repository import Repository
from tests.integration.things import Object
from tests.integration.world import World

RANGE = "81.2.69.142/32"
PROJECTS = EXAMPLES / "gitops-argocd" / "apps" / "projects.yaml"
APPLICATION_HEALTH = """\
hs = {}
hs.status = "Progressing"
hs.message = ""
if obj.status ~= nil then
  if obj.status.health ~= nil then
    hs.status = obj.status.health.status
    if obj.status.health.message ~= nil then
      hs.message = obj.status.health.message
    end
  end
end
return hs
"""
"""The health check of Applications that Argo CD had until 1.8, as its manual gives it back."""


def team_project(argo: ArgoCD, *, name: str, url: str, namespace: str) -> None:
    """Make the example's project of team-a, for another repository and namespace."""
    [project] = [
        each
        for each in yaml.safe_load_all(PROJECTS.read_text())
        if each["metadata"]["name"] == "access-team-a"
    ]
    project["metadata"]["name"] = name
    project["spec"]["sourceRepos"] = [url]
    [destination] = project["spec"]["destinations"]
    destination["namespace"] = namespace
    collection = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/appprojects"
    argo.plane.request("POST", collection, project)


def grant(world: World, namespace: str, target: str) -> tuple[Object, dict[str, Any]]:
    """A grant that is not there yet, and its manifest."""
    item = world.object(Kind.GRANT, name=world.unique("grant"), namespace=namespace)
    spec = {"targetRef": {"name": target}, "ipRanges": [RANGE], "expiresAt": world.at(900)}
    return item, world.document(item, spec)


def test_a_team_brings_no_grant_into_the_namespace_of_another(
    argo: ArgoCD, world: World, repository: Repository
):
    mine, others = world.namespace(), world.namespace()
    target = world.target(world.cluster()).name
    own, own_document = grant(world, mine, target)
    stray, stray_document = grant(world, others, target)
    name = world.unique("project")
    team_project(argo, name=name, url=repository.url, namespace=mine)
    repository.write("own.yaml", own_document)
    repository.write("stray.yaml", stray_document)
    repository.commit()
    app = Application.create(argo, name=name, url=repository.url, namespace=mine, project=name)
    try:
        refusal = f"namespace {others} is not permitted in project '{name}'"
        app.eventually(lambda: refusal in app.story(), what="refused")
        assert not stray.exists()
        repository.remove("stray.yaml")
        app.wait_synced(repository.commit())
        own.wait_state("Active")
    finally:
        app.abandon()


class Root:
    """A root application with two: in wave 0 one that is Degraded, in wave 1 another."""

    def __init__(self, *, argo: ArgoCD, world: World, repository: Repository) -> None:
        _, refused = grant(world, world.home(), world.unique("nowhere"))
        repository.write("first/grant.yaml", refused)
        repository.write("second/nothing.yaml")
        self.first, self.second = (
            Application(argo, world.unique(path)) for path in ("first", "second")
        )
        for wave, (path, child) in enumerate((("first", self.first), ("second", self.second))):
            document = Application.document(
                child.name, url=repository.url, namespace=world.home(), path=path
            )
            document["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": str(wave)}
            repository.write(f"apps/{path}.yaml", document)
        self.revision = repository.commit()
        self.app = Application.create(
            argo, name=world.unique("root"), url=repository.url, namespace=NAMESPACE, path="apps"
        )

    def abandon(self) -> None:
        """Delete all that are there, whatever they wait for."""
        for each in (self.app, self.first, self.second):
            if each.exists():
                each.abandon()


@pytest.fixture
def applications_have_health(argo: ArgoCD) -> Iterator[None]:
    """Argo CD with a health check of Applications."""
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/argocd-cm"
    key = "resource.customizations.health.argoproj.io_Application"
    merge = "application/merge-patch+json"
    argo.plane.request("PATCH", path, {"data": {key: APPLICATION_HEALTH}}, content_type=merge)
    yield
    argo.plane.request("PATCH", path, {"data": {key: None}}, content_type=merge)


def test_waves_of_a_root_do_not_wait_on_the_way_up(
    argo: ArgoCD, world: World, repository: Repository
):
    root = Root(argo=argo, world=world, repository=repository)
    try:
        root.app.wait_synced(root.revision)
        assert root.second.exists()
        root.first.eventually(lambda: root.first.health == "Degraded", what="Degraded")
        assert root.app.health == "Healthy"
    finally:
        root.abandon()


@pytest.mark.usefixtures("applications_have_health")
def test_with_health_of_applications_a_degraded_one_holds_up_all_later_ones(
    argo: ArgoCD, world: World, repository: Repository
):
    """The trap: one refused object of the platform's, and no team's application is made."""
    root = Root(argo=argo, world=world, repository=repository)
    try:
        root.app.eventually(root.first.exists, what="with its first application")
        root.first.eventually(lambda: root.first.health == "Degraded", what="Degraded")
        root.app.eventually(lambda: root.app.retries() > 0, what="failing")
        assert not root.second.exists()
    finally:
        root.abandon()

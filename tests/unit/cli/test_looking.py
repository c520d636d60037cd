"""What is asked of the management cluster: by name where that is less than everything."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from aks_access.cli.fakes.cluster import FakeCluster
from aks_access.cli.hub.cluster import Resource
from aks_access.cli.reports import looking
from aks_access.errors import KubeForbidden
from tests.unit.cli import scene

NAMES = ["team-a/dev-laptop", "team-b/ci", "team-b/gone"]


@dataclass(slots=True)
class Hub(FakeCluster):
    """Keeps the questions; `withheld` says that some may not be read."""

    questions: list[str] = field(default_factory=list)
    withheld: bool = False
    forbidden: bool = False

    def pieces(self, resource: Resource, *, namespace: str = "") -> list[bytes]:
        self.questions.append(f"all {namespace}".rstrip())
        return super(Hub, self).pieces(resource, namespace=namespace)

    def first(self, resource: Resource, *, most: int) -> tuple[list[bytes], bool]:
        if self.forbidden:
            raise KubeForbidden("not for you")
        return super(Hub, self).first(resource, most=most)

    def some(
        self, resource: Resource, paths: Sequence[tuple[str, str]]
    ) -> tuple[list[dict[str, Any]], bool]:
        self.questions.append("some")
        return super(Hub, self).some(resource, paths)[0], self.withheld


@pytest.fixture
def hub() -> Hub:
    made = Hub()
    made.add(*scene.objects())
    return made


def test_few_grants_are_asked_for_by_name(hub: Hub) -> None:
    found = looking.grants_named(hub, NAMES)
    assert sorted(found.grants) == NAMES[:2]
    assert found.hidden == []
    assert set(hub.questions) == {"some"}


def test_many_grants_are_asked_for_in_one_list(hub: Hub) -> None:
    found = looking.grants_named(hub, [*NAMES, *(f"team-c/g{number}" for number in range(200))])
    assert {*NAMES[:2]} <= set(found.grants)
    assert hub.questions == ["all"]


def test_what_may_not_be_read_is_said(hub: Hub) -> None:
    hub.withheld = True
    assert len(looking.grants_named(hub, NAMES).hidden) == 1


def test_no_names_are_no_question(hub: Hub) -> None:
    assert looking.grants_named(hub, []).grants == {}
    assert hub.questions == []


def test_few_grants_are_read_at_once(hub: Hub) -> None:
    found = looking.few(hub)
    assert found is not None
    assert {*NAMES[:2]} <= set(found.grants)
    hub.forbidden = True
    assert looking.few(hub) is None


def test_many_grants_are_not_taken_for_all(hub: Hub) -> None:
    raw = next(each for each in scene.objects() if each["kind"] == "ApiAccessGrant")
    for number in range(200):
        hub.add({**raw, "metadata": {**raw["metadata"], "name": f"g{number}"}})
    assert looking.few(hub) is None

"""Questions that are asked side by side: none waits for another, and no write for too few."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from aks_access.cli.grants.around import Around, Looked
from aks_access.cli.hub.cluster import Resource
from aks_access.errors import KubeForbidden, KubeNotFound
from tests.unit.cli.desk import TARGET, Desk, Hub, execute_at, manifest
from tests.unit.cli.test_command_line import ENVIRONMENT

GRANT = "aks-access grant prod-weu --ip 81.2.69.142 --for 4h --reason INC-77"
LATE = 5.0


class Slow(Hub):
    """A hub that answers two questions once both are asked, and keeps what was asked."""

    def __init__(self, *together: Resource, **fields: Any) -> None:
        super().__init__(context_namespace="team-a", **fields)
        self.together = together
        self.barrier = threading.Barrier(2)
        self.asked: list[str] = []

    def get(self, resource: Resource, *, name: str, namespace: str = "") -> dict[str, Any] | None:
        if resource in self.together:
            self.barrier.wait(timeout=LATE)
        self.asked.append(resource.name)
        return super().get(resource, name=name, namespace=namespace)


def test_the_grant_in_its_place_and_the_target_are_asked_for_at_once() -> None:
    hub = Slow(Resource.GRANTS, Resource.TARGETS)
    hub.add(TARGET)
    assert execute_at(GRANT, desk=Desk(hub=hub))[0] == 0


@pytest.mark.parametrize(
    "command", [GRANT, "aks-access extend dev-laptop --for 8h", "aks-access revoke dev-laptop"]
)
def test_nothing_is_asked_twice_or_in_vain(command: str) -> None:
    hub = Slow()
    hub.add(TARGET, manifest())
    assert execute_at(command, desk=Desk(hub=hub))[0] == 0
    wanted = ["GRANTS"] if "revoke" in command else ["GRANTS", "TARGETS"]
    assert sorted(hub.asked) == wanted


@pytest.mark.parametrize("late", [Resource.TARGETS, Resource.NAMESPACES])
@pytest.mark.parametrize("command", [GRANT, "aks-access extend dev-laptop --for 8h"])
def test_a_refusal_that_comes_last_is_waited_for(late: Resource, command: str) -> None:
    before_it = threading.Event()

    class Late(Hub):
        def get(
            self, resource: Resource, *, name: str, namespace: str = ""
        ) -> dict[str, Any] | None:
            found = super().get(resource, name=name, namespace=namespace)
            if resource is Resource.GRANTS:
                before_it.set()
            if resource is late:
                assert before_it.wait(timeout=LATE)
                assert not self.written
            return found

    selector = {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}
    spec = {**TARGET["spec"], "policy": {"allowedNamespaces": selector}}
    team = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "labels": {}}}
    hub = Late(context_namespace="team-a")
    hub.add({**TARGET, "spec": spec}, team)
    if command != GRANT:
        hub.add(manifest())
    code, out, err = execute_at(command, desk=Desk(hub=hub))
    assert (code, out, hub.written) == (1, "", [])
    assert "prod-weu takes no grants from team-a." in err


def test_a_namespace_is_asked_for_where_a_policy_chooses() -> None:
    hub = Slow()
    hub.add(TARGET)
    place = lambda: "team-a"  # noqa: E731
    assert Around.ask(hub, target=lambda: "prod-weu", namespace=place).team() is None
    assert hub.asked == ["TARGETS"]
    Around.ask(hub, target=lambda: "none", namespace=place).team()
    assert hub.asked[1:] == ["TARGETS", "NAMESPACES"]


def test_what_is_missing_is_raised_where_it_is_asked_for() -> None:
    class Blind(Hub):
        def get(
            self, resource: Resource, *, name: str, namespace: str = ""
        ) -> dict[str, Any] | None:
            raise KubeForbidden(resource.name)

        def namespace(self) -> str:
            raise KubeNotFound("no context")

    looked = Looked.ask(Blind(), namespace="team-a", name="g")
    for question in (looked.there, looked.around.target, looked.around.team):
        with pytest.raises(KubeForbidden, match="GRANTS"):
            question()
    with pytest.raises(KubeNotFound):
        Looked.ask(Blind(), namespace="", name="g").there()


@pytest.mark.parametrize("command", ["grant", "extend", "revoke", "who", "explain", "status"])
def test_models_are_loaded_while_kubectl_asks(command: str) -> None:
    code = f"import sys, aks_access.cli.{command}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert not {"pydantic", "yaml"} & set(done.stdout.split())

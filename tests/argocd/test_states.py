"""What the real Argo CD shows of all kinds, in states that an emulated Azure can bring about."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from aks_access.engine.ports import Kind
from sandbox.argocd import ArgoCD
from tests.argocd.application import Application
from tests.argocd.repository import Repository
from tests.gitops.voices import MEANT
from tests.integration.things import Cluster, Object
from tests.integration.world import World

RANGE = "81.2.69.142/32"
ALL: Mapping[str, Any] = {"allowedNamespaces": {"from": "All"}, "allowPermanent": True}
FAR = "2099-01-04T20:00:00Z"
PATIENCE = 120.0


class Gallery:
    """A repository with an object in each state; `states` says which each is to reach."""

    def __init__(self, *, world: World, repository: Repository) -> None:
        self.world, self.repository = world, repository
        self.states: list[tuple[Object, str]] = []

    def target(self, state: str, cluster: Cluster, **spec: Any) -> str:
        body = {"resourceId": cluster.id, "mode": "Merge", "policy": dict(ALL), **spec}
        return self._put(Kind.TARGET, state, body)

    def grant(self, state: str, target: str, **spec: Any) -> None:
        body = {"targetRef": {"name": target}, "ipRanges": [RANGE], **spec}
        self._put(Kind.GRANT, state, body, namespace=self.world.home())

    def range_set(self, state: str, **spec: Any) -> None:
        self._put(Kind.RANGE_SET, state, spec)

    def _put(self, kind: Kind, state: str, spec: Mapping[str, Any], namespace: str = "") -> str:
        item = self.world.object(kind, name=self.world.unique(state.lower()), namespace=namespace)
        self.repository.write(f"{item.name}-{kind}.yaml", self.world.document(item, spec))
        self.states.append((item, state))
        return item.name

    def hang(self) -> None:
        """Every state that does not pass by itself within the test."""
        world, office = self.world, self.world.cluster()
        self.range_set("Resolved", ipRanges=["51.140.0.0/24"])
        self.range_set("NotImplemented", fromAzure={"resourceId": PUBLIC_IP})
        self._grants(self.target("InSync", office))
        lab = self.target("Observing", world.cluster(), mode="Observe")
        self.grant("Observed", lab)
        self.grant("Expired", lab, expiresAt="2020-01-04T20:00:00Z")
        self.grant("Suspended", self.target("Suspended", world.cluster(), suspend=True))
        self.grant("ClusterUnrestricted", self.target("ClusterUnrestricted", world.cluster(None)))
        private = world.cluster(None, shape={"private": True})
        self.grant("UnsupportedCluster", self.target("UnsupportedCluster", private))
        routed = world.cluster(None, shape={"outbound_type": "userDefinedRouting"})
        firewall = {"baseline": {"ipRanges": ["51.140.0.0/24"]}, "restrictUnrestricted": True}
        self.target("NodeEgressUnknown", routed, **firewall)
        self.target("BroadEntry", world.cluster(["8.0.0.0/6"]))
        locked = world.cluster()
        world.arm.lock(locked.id)
        self.grant("TargetBlocked", self.target("ClusterLocked", locked))
        absent = {"baseline": {"rangeSetRefs": [{"name": world.unique("absent")}]}}
        self.target("RangeSetNotResolved", world.cluster(), **absent)

    def _grants(self, target: str) -> None:
        self.grant("Active", target)
        self.grant("Scheduled", target, notBefore=FAR)
        self.grant("Revoked", target, revoked=True)
        self.grant("PolicyDenied", target, ipRanges=["20.50.0.0/20"])
        self.grant("TargetNotFound", self.world.unique("nowhere"))
        self.grant("RangeSetNotResolved", target, rangeSetRefs=[{"name": "nowhere"}])


PUBLIC_IP = (
    "/subscriptions/5ca1ab1e-0000-4000-8000-0000000000aa/resourceGroups/rg"
    "/providers/Microsoft.Network/publicIPAddresses/office"
)


def test_argo_shows_each_state_as_it_is_meant(
    argo: ArgoCD, world: World, repository: Repository, figure: Callable[[str], None]
):
    gallery = Gallery(world=world, repository=repository)
    gallery.hang()
    revision = repository.commit()
    began = time.monotonic()
    name = world.unique("gallery")
    app = Application.create(argo, name=name, url=repository.url, namespace=world.home())
    try:
        app.wait_synced(revision, seconds=PATIENCE)
        for item, state in gallery.states:
            item.wait_state(state, seconds=PATIENCE)
        expected = {
            (item.kind.value, item.name): (state, MEANT[item.kind][state])
            for item, state in gallery.states
        }

        def shown() -> dict[tuple[str, str], tuple[str, str]]:
            return {
                key: (message.partition(":")[0], status)
                for key, (status, message) in app.healths().items()
            }

        app.eventually(lambda: shown() == expected, what="as meant", seconds=PATIENCE)
        assert app.sync == "Synced"
        assert app.health == "Degraded"  # as bad as the worst of them
        assert app.syncs() == 1
    finally:
        app.abandon()  # a suspended target would hold up a cascade
    kinds = len({item.kind for item, _ in gallery.states})
    figure(
        f"{len(expected)} objects of {kinds} kinds in {len(set(expected.values()))} states shown "
        f"as meant after {time.monotonic() - began:.0f} s"
    )

"""What `plan` knows of the management cluster, read once, and the plans that come of it."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aks_access.cli.hub.cluster import Cluster
from aks_access.cli.hub.installed import Installed, installed
from aks_access.cli.options.reaching import cluster
from aks_access.cli.plans.forecast import Forecast, forecast
from aks_access.cli.plans.recall import Memory, management_egress, recall, stored_ledger, view_of
from aks_access.cli.plans.snapshot import Facts, Snapshot, facts, snapshot
from aks_access.cli.surroundings import surroundings
from aks_access.errors import KubeError, KubeForbidden, KubeNotFound, LedgerUnreadable
from aks_access.plan import holders
from aks_access.plan.cluster import ClusterView
from aks_access.plan.ledger import Ledger
from aks_access.plan.model import ClusterKey, Target
from aks_access.plan.outcome import Finding
from aks_access.plan.wording import listed, sentence

if TYPE_CHECKING:
    from aks_access.azure.reads import ArmReads


class Look:
    """What is known of the management cluster, read once."""

    def __init__(self, *, asks_azure: bool, namespace: str) -> None:
        self.hub: Cluster = cluster()
        self.now = surroundings().now()
        self.namespace = namespace
        self.asks_azure = asks_azure
        self.operator: Installed = installed(self.hub, namespace=namespace)
        self.objects = snapshot(self.hub)
        self.facts = self.known(self.objects)
        self.doubts: dict[str, None] = {}
        self._views: dict[str, ClusterView] = {}

    def known(self, objects: Snapshot) -> Facts:
        """The facts of these objects."""
        label = self.operator.settings.argocd_instance_label
        found = facts(objects, argo_instance_label=label)
        found.barred = self._barred(found)
        return found

    def _barred(self, known: Facts) -> dict[str, Finding]:
        """Targets that judge no grant; one that cannot be used still does, by its ledger."""
        every = known.targets.values()
        claims = Counter(target.key for target in every)
        ledgers: dict[ClusterKey, Ledger] = {}
        hidden = False
        for key in {target.key for target in every if target.problems or claims[target.key] > 1}:
            try:
                stored = stored_ledger(self.hub, key=key, namespace=self.namespace)
            except KubeForbidden:
                hidden = True  # then a target's status has to tell whether there is one
            except LedgerUnreadable:
                pass
            else:
                ledgers.update({key: stored} if stored is not None else {})

        def remembers(target: Target) -> bool:
            return target.key in ledgers or (hidden and target.ledger_sequence is not None)

        return known.barriers(ledgers=ledgers, remembers=remembers)

    def target(self, name: str) -> Target:
        """A target by its name. Raises KubeNotFound."""
        target = self.facts.targets.get(name)
        if target is None:
            there = listed(sorted(self.facts.targets)) or "none"
            raise KubeNotFound(f'No target "{name}". There are: {there}.')
        return target

    def read(self, targets: Sequence[Target]) -> None:
        """Read the clusters in Azure itself, where that is asked for. Raises AzureError."""
        if not self.asks_azure or not targets:
            return
        from aks_access.cli.azure.session import with_azure

        async def ask(reads: "ArmReads") -> None:
            for target in targets:
                self._views[target.name] = await reads.cluster(target.resource_id)

        with_azure(ask)

    def view(self, target: Target) -> ClusterView:
        """The target's cluster. Raises StartupError where it is not known."""
        return self._views.get(target.name) or view_of(target)

    def memory(self, target: Target) -> Memory:
        """What is remembered of the target's cluster."""
        found = recall(
            self.hub,
            target=target,
            view=self.view(target),
            grants=self.facts.grants.values(),
            namespace=self.namespace,
            now=self.now,
        )
        self.doubts.update(dict.fromkeys(found.doubts))
        return found

    def forecast(self, target: Target, *, memory: Memory, known: Facts) -> Forecast:
        """The plan of a target. Raises KubeError for one that judges no grant."""
        if (barrier := known.barred.get(target.name)) is not None:
            raise KubeError(
                f"{target.name} has no plan. {holders.blocked(target, by=barrier).limit}"
            )
        return forecast(
            target=target,
            facts=known,
            view=self.view(target),
            memory=memory,
            operator=self._operator(target),
            now=self.now,
        )

    def _operator(self, target: Target) -> Installed:
        """The operator's settings, or as much of them as the target's status shows."""
        if not self.operator.doubt:
            return self.operator
        self.doubts[
            f"The operator's settings are not known, {sentence(self.operator.doubt)} Of the "
            "management cluster's egress only what stands in the list already is known."
        ] = None
        return self.operator.with_egress(management_egress(target))

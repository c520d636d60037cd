"""One cluster's case, set out once for every step of planning: its lists and what kind it is."""

from collections.abc import Set
from dataclasses import dataclass, field, replace

from aks_access.api.modes import Mode
from aks_access.plan import composition
from aks_access.plan.adoption import Adoption
from aks_access.plan.cluster import SUCCEEDED, ClusterView
from aks_access.plan.composition import Platform
from aks_access.plan.guard import returnable
from aks_access.plan.ledger import PLATFORM_OWNERS, Ledger, SearchPhase, leaves
from aks_access.plan.listing import Listing, canonical
from aks_access.plan.outcome import Change, Origin, Standing
from aks_access.plan.world import Removals, World


@dataclass(frozen=True, slots=True)
class Scene:
    """What every step of planning reads.

    Attributes:
        mode: of the target, or the one its ledger remembers.
        current: the list in Azure; empty where the cluster is open.
        base: the list to start from: `current`, or the last verified one where it was cleared.
        restores: somebody cleared a list that was restricted.
        closes: an open cluster that the target opted in to restrict.
        platform, foreign: see `composition`.
        lost: why the ledger cannot be trusted, "" = it can.
        newer: because a newer operator wrote it.
        standing: whether another writer and we keep undoing each other.
    """

    world: World
    view: ClusterView
    ledger: Ledger
    mode: Mode
    current: Listing
    base: Listing
    restores: bool
    closes: bool
    platform: Platform
    foreign: tuple[str, ...]
    lost: str
    newer: bool = False
    standing: Standing = field(default_factory=Standing)

    @property
    def open(self) -> bool:
        """The cluster is open to everyone, and it is not for us to close it."""
        return self.view.ranges is None and not (self.restores or self.closes)

    @property
    def unsupported(self) -> str:
        """What makes authorized ranges not apply to this cluster; "" where they do."""
        if self.view.private:
            return "private cluster"
        return "Basic load balancer" if self.view.load_balancer_sku.lower() == "basic" else ""

    @property
    def observed(self) -> bool:
        """The plan is made to be looked at only."""
        return self.mode is Mode.OBSERVE

    @property
    def unproven(self) -> bool:
        """What the view lacks may still be there: a write or another operation is under way."""
        return self.ledger.in_flight is not None or not self.view.settled

    @property
    def failed_by_others(self) -> bool:
        """Whether an operation that is not ours left the cluster Failed or Canceled.

        A PUT of the whole cluster would retry whatever failed, so only revocations write then.
        """
        return (
            self.view.settled
            and self.view.provisioning_state != SUCCEEDED
            and self.ledger.in_flight is None
        )

    @property
    def kept_foreign(self) -> tuple[str, ...]:
        """The foreign entries that stay."""
        return self.foreign if self.keeps_foreign else ()

    @property
    def keeps_foreign(self) -> bool:
        """Whether foreign entries stay."""
        return composition.keeps_foreign(
            mode=self.mode, egress_known=self.platform.egress_known, lost=bool(self.lost)
        )

    @property
    def may_stand(self) -> frozenset[str]:
        """What stands in Azure, and of a cleared list what stood: all of it may go back."""
        return frozenset((*self.current.spelling, *map(canonical, self.ledger.verified or ())))

    @property
    def unreturned(self) -> tuple[str, ...]:
        """What stood in a cleared list and may not be sent again."""
        stood = (self.ledger.verified or ()) if self.restores else ()
        back = returnable(stood)
        return tuple(entry for entry in stood if entry not in back)

    def fitted(self, occupied: Set[str]) -> "Scene":
        """The scene with as much of the platform as fits beside `occupied`."""
        fitting = composition.fitting(
            platform=self.platform,
            limit=self.view.entry_limit,
            occupied=occupied,
            present=self.base,
        )
        return replace(self, platform=fitting)

    @property
    def additions_allowed(self) -> bool:
        """Whether entries may be added at this moment."""
        return _may_add(world=self.world, lost=self.lost) and not self.failed_by_others


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """Removals to make now, those that wait for a person, and those that something else holds.

    `anchors`: of the held ones, those without which nobody's access could be ended.
    """

    now: tuple[Change, ...] = ()
    waiting: tuple[Change, ...] = ()
    held: tuple[Change, ...] = ()
    anchors: tuple[Change, ...] = ()
    acknowledgement: str = ""


def set_scene(*, world: World, view: ClusterView, adoption: Adoption) -> Scene:
    """Attribute the list, and tell what kind of case this is."""
    ledger, target = adoption.ledger, world.target
    if target is not None and target.problems and not leaves(target=target, ledger=ledger):
        world = replace(world, removals=min(world.removals, Removals.ACTS))
    place = composition.platform(world=world, view=view, ledger=ledger)
    mode = Mode(ledger.mode) if target is None or target.problems else target.mode
    restores = _restores(world=world, view=view, adoption=adoption, mode=mode)
    current = Listing.of(view.ranges or ())
    base = _restored(ledger=ledger, platform=place) if restores else current
    foreign = composition.foreign(base=base, platform=place, ledger=ledger)
    return Scene(
        world=world,
        view=view,
        ledger=ledger,
        mode=mode,
        current=current,
        base=base,
        restores=restores,
        closes=not restores and _closes(world=world, view=view, adoption=adoption, place=place),
        platform=place,
        foreign=foreign,
        lost=adoption.lost,
        newer=adoption.newer,
    )


def _may_add(*, world: World, lost: str) -> bool:
    return (
        world.additions and world.removals is Removals.ALL and not lost and world.target is not None
    )


def _restores(*, world: World, view: ClusterView, adoption: Adoption, mode: Mode) -> bool:
    target = world.target
    return (
        view.ranges is None
        and adoption.ledger.verified is not None
        and mode is not Mode.OBSERVE
        and target is not None
        and not target.suspend
        and world.removals is Removals.ALL
    )


def _restored(*, ledger: Ledger, platform: Platform) -> Listing:
    """What goes back of a cleared list, without what may not be sent.

    Where AKS refused it, first without what is grants' alone, which comes as it is acquitted; where
    it refuses somebody else's entry, what is ours: half a list closes the cluster as well.
    """
    entries = returnable(ledger.verified or ())
    if ledger.search is None:
        return Listing.of(entries)
    blames_others = ledger.search.phase is SearchPhase.STANDING

    def returns(entry: str) -> bool:
        name = canonical(entry)
        if name in platform.entries:
            return True
        ours = ledger.entries.get(name)
        if ours is None:
            return not blames_others
        return blames_others or not PLATFORM_OWNERS.isdisjoint(ours.owners)

    return Listing.of(filter(returns, entries))


def _closes(*, world: World, view: ClusterView, adoption: Adoption, place: Platform) -> bool:
    """Closing adds entries, so it waits whenever these wait: a list without them locks out."""
    target = world.target
    return (
        view.ranges is None
        and target is not None
        and target.restrict_unrestricted
        and target.deleting is None
        and place.egress_known
        and not place.unresolved
        and _may_add(world=world, lost=adoption.lost)
        and any(o in (Origin.BASELINE, Origin.MANAGEMENT) for o in place.entries.values())
    )

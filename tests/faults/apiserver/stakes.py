"""What hangs on an object of each kind: `LATE` comes into the list by an edit of one, and goes.

Only the kind's own watch and lists can tell of these edits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aks_access.engine.ports import Kind
from tests.faults.apiserver.scene import BY_SET, FOREIGN, LATE, Scene
from tests.integration.things import Cluster, Object


@dataclass(frozen=True, slots=True)
class Stake:
    """An edit that lets `LATE` in, and one that ends that."""

    come: Callable[[], object]
    go: Callable[[], object]


def stake(scene: Scene, kind: Kind) -> Stake:
    """Both edits, of one object of the kind."""
    world = scene.world
    match kind:
        case Kind.GRANT:
            name, namespace = world.unique("grant"), scene.home
            return Stake(
                come=partial(world.grant, scene.target, LATE, name=name, namespace=namespace),
                go=world.object(kind, name=name, namespace=namespace).delete,
            )
        case Kind.TARGET:
            return Stake(
                come=partial(scene.target.patch, baseline={"ipRanges": [LATE]}),
                go=partial(scene.target.patch, baseline={"ipRanges": None}),
            )
        case Kind.RANGE_SET:
            return Stake(
                come=partial(scene.ranges.patch, ipRanges=[BY_SET, LATE]),
                go=partial(scene.ranges.patch, ipRanges=[BY_SET]),
            )
        case Kind.NAMESPACE:
            guest = world.namespace()
            world.grant(scene.target, LATE, namespace=guest)
            return Stake(
                come=partial(scene.relabel, guest, "yes"), go=partial(scene.relabel, guest, None)
            )


def support(scene: Scene, kind: Kind) -> tuple[Object, Cluster]:
    """An object of the kind without which `LATE` has no ground to be in the cluster's list."""
    world = scene.world
    match kind:
        case Kind.GRANT:
            found = scene.grant(LATE), scene.cluster
        case Kind.RANGE_SET:
            found = world.range_set(LATE), scene.cluster
            world.grant(scene.target, rangeSetRefs=[{"name": found[0].name}])
        case Kind.TARGET:
            cluster = world.cluster(ranges=(FOREIGN,))
            found = world.target(cluster), cluster
            world.grant(found[0], LATE)
        case Kind.NAMESPACE:
            raise ValueError("no controller runs that would let a namespace go")
    world.eventually(
        lambda: LATE in (found[1].view().applied or ()), what=f"{LATE} to be in", about=found[1]
    )
    return found

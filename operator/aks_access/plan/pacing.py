"""Which additions of a plan wait for a token, and which namespaces a write charges.

What an admitted grant lacks in the list waits while its namespace, or the cluster, has none; its
room in the list is kept, and what it holds stays. The platform's entries, drift, a cleared list
that goes back and a write that is repeated are no additions in this sense, and never wait.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aks_access.plan.composition import Wanted
from aks_access.plan.desired import untouched
from aks_access.plan.ledger import EntryState, Ledger
from aks_access.plan.model import Cause, GrantUid
from aks_access.plan.outcome import Change, Plan, Verdict
from aks_access.plan.pace import Paced, Turn, remembered, waiting
from aks_access.plan.scene import Scene

CHARGED_REMOVALS = frozenset({Cause.EXPIRED, Cause.REVOKED, Cause.DELETED, Cause.EDITED})
"""Removals that whoever owns the grant brings about."""


def held_back(
    *, scene: Scene, wants: Wanted, verdicts: Mapping[GrantUid, Verdict]
) -> dict[GrantUid, Paced]:
    """The admitted grants that are not let in yet, and what each waits for.

    A grant whose every missing entry somebody else may add is not held back.
    """
    if scene.world.pace is None or untouched(scene) or not scene.additions_allowed:
        return {}
    found: dict[GrantUid, Paced] = {}
    queues = _Queues(scene)
    for entry, owners in wants.owners.items():
        if not _is_addition(scene=scene, entry=entry, owners=owners):
            continue
        held = queues.waits(owners=owners, verdicts=verdicts)
        if all(held.values()):
            found.update({uid: paced for uid, paced in held.items() if paced is not None})
    return found


class _Queues:
    """What an addition of each namespace waits for, in one scene; worked out once per namespace."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._known: dict[str, Paced | None] = {}

    def waits(
        self, *, owners: Iterable[str], verdicts: Mapping[GrantUid, Verdict]
    ) -> dict[GrantUid, Paced | None]:
        """For each owner that has a verdict; None = it need not wait."""
        return {
            uid: self._of(verdicts[uid].grant.namespace)
            for uid in map(GrantUid, owners)
            if uid in verdicts
        }

    def _of(self, namespace: str) -> Paced | None:
        if namespace not in self._known:
            self._known[namespace] = waiting(
                pace=self._scene.world.pace,
                turns=self._scene.ledger.turns,
                namespace=namespace,
                now=self._scene.world.now,
            )
        return self._known[namespace]


def _is_addition(*, scene: Scene, entry: str, owners: tuple[str, ...]) -> bool:
    if entry in scene.base or entry in scene.current or entry in scene.platform.entries:
        return False
    known = scene.ledger.entries.get(entry)
    if known is None or known.state is EntryState.WITHDRAWN:
        return True
    if known.state is EntryState.INTENDED:
        return False
    return not set(known.owners) & set(owners)


def charged(
    *, scene: Scene, changes: Iterable[Change], verdicts: Mapping[GrantUid, Verdict]
) -> tuple[str, ...]:
    """The namespaces whose tokens these additions take; those that have none ride along."""
    found = set[str]()
    queues = _Queues(scene)
    for change in changes:
        if _is_addition(scene=scene, entry=change.entry, owners=change.owners):
            held = queues.waits(owners=change.owners, verdicts=verdicts)
            able = [uid for uid, paced in held.items() if paced is None]
            found |= {verdicts[uid].grant.namespace for uid in able or held}
    return tuple(sorted(found))


def with_culprits(*, before: Ledger, after: Ledger, plan: Plan) -> Ledger:
    """The ledger with a token taken from each namespace whose range Azure was found to refuse.

    A refused write itself costs nobody: who was merely in the same list pays nothing.
    """
    found = {
        verdict.grant.namespace
        for uid in after.refused.keys() - before.refused.keys()
        if (verdict := plan.verdicts.get(GrantUid(uid))) is not None
    }
    if not found:
        return after
    turn = Turn(at=plan.made_at, added=tuple(sorted(found)))
    return replace(after, turns=remembered((*after.turns, turn)))


def ended(*, scene: Scene, changes: Iterable[Change]) -> tuple[str, ...]:
    """The namespaces whose grants make the plan take entries out.

    A removal that was sent before and may not have arrived is a repetition, and free.
    """
    names = scene.ledger.names
    found = {
        (path.partition("/")[0], change.entry)
        for change in changes
        if change.cause in CHARGED_REMOVALS
        for owner in change.owners
        if (path := _path(scene=scene, owner=owner, names=names))
    }
    return tuple(
        sorted(
            {
                namespace
                for namespace, entry in found
                if not _charged_before(scene=scene, entry=entry, namespace=namespace)
            }
        )
    )


def _charged_before(*, scene: Scene, entry: str, namespace: str) -> bool:
    """Whether a write since the entry fell due was charged; a refused one gave it back."""
    known = scene.ledger.entries.get(entry)
    due = known.due if known is not None else None
    return due is not None and any(
        namespace in turn.removed and turn.at >= due for turn in scene.ledger.turns
    )


def _path(*, scene: Scene, owner: str, names: Mapping[str, str]) -> str:
    grant = scene.world.grants.get(GrantUid(owner))
    return grant.path if grant is not None else names.get(owner, "")

"""Each matching grant's verdict: what it asks, whether this cluster can take it, whether it fits.

In that order; a grant that an earlier step refuses takes no room from another.
"""

from collections.abc import Mapping, Set
from dataclasses import replace

from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.plan import admission
from aks_access.plan.access import judge, matches
from aks_access.plan.egress import sentinel_allowed
from aks_access.plan.listing import cidr
from aks_access.plan.model import GrantUid, Policy, Target
from aks_access.plan.outcome import AccessState, Refusal, Rule, Verdict
from aks_access.plan.scene import Scene
from aks_access.plan.wording import listed

_ANYTHING = Policy(all_namespaces=True, min_prefix_length=0, allow_permanent=True)
"""Judges by the grant alone, where the target's own policy cannot be read."""


def verdicts(*, scene: Scene, occupied: Set[str]) -> dict[GrantUid, Verdict]:
    """The verdict of each grant that matches the target, by uid.

    `occupied` are the entries that stay in the list, at least for now, whoever wants them.
    """
    world, target = scene.world, scene.world.target
    if target is None:
        return {}
    readable = judges_by(target)
    judged = {
        uid: judge(
            grant=grant,
            target=readable,
            sets=world.sets,
            namespaces=world.namespaces,
            activations=world.activations,
            now=world.now,
        )
        for uid, grant in world.grants.items()
        if matches(grant=grant, target=target)
    }
    if target.deleting is not None:
        return judged
    held = _held(scene=scene, judged=judged)
    programmed = _programmed(held=held, judged=judged)
    judged = {
        uid: _structural(
            scene=scene,
            target=target,
            verdict=verdict,
            inside=uid in programmed,
            holds=held.get(uid, frozenset()),
        )
        for uid, verdict in judged.items()
    }
    limited = admission.limit_grants(
        verdicts=judged.values(), policy=readable.policy, programmed=held.keys()
    )
    if scene.observed:
        return {
            uid: replace(verdict, admitted=verdict.state is AccessState.LIVE)
            for uid, verdict in limited.items()
        }
    return admission.admit(
        verdicts=limited,
        fixed={*scene.platform.entries, *occupied},
        limit=scene.view.entry_limit,
        max_entries_per_namespace=readable.policy.max_entries_per_namespace,
        programmed=programmed,
        held=held,
    )


def judges_by(target: Target) -> Target:
    """The target to judge by: one that cannot be used refuses nothing by its policy."""
    return replace(target, policy=_ANYTHING) if target.problems else target


def unusable(verdict: Verdict, *, target: Target, keeps: frozenset[str]) -> Verdict:
    """The verdict on a target that cannot be used, for a grant that is not inside already.

    `keeps` is what it holds of that it asks for.
    """
    first = target.problems[0]
    refused = _refuse(
        verdict,
        GrantReason.TARGET_BLOCKED,
        Rule.SPEC,
        TargetReason.INVALID_SPEC,
        f"{first.path}: {first.message}",
    )
    return replace(refused, keeps=keeps)


def _held(*, scene: Scene, judged: Mapping[GrantUid, Verdict]) -> dict[GrantUid, frozenset[str]]:
    """What each grant holds and still asks for; who holds nothing is left out."""
    owned: dict[str, set[str]] = {}
    for entry in scene.ledger.entries.values():
        for owner in entry.owners:
            owned.setdefault(owner, set()).add(entry.range)
    found = {
        uid: frozenset(owned[uid].intersection(map(cidr, verdict.ranges)))
        for uid, verdict in judged.items()
        if uid in owned
    }
    return {uid: entries for uid, entries in found.items() if entries}


def _programmed(
    *, held: Mapping[GrantUid, frozenset[str]], judged: Mapping[GrantUid, Verdict]
) -> set[GrantUid]:
    """The grants that hold all that they ask for."""
    return {uid for uid, entries in held.items() if len(entries) == len(judged[uid].ranges)}


def _structural(
    *, scene: Scene, target: Target, verdict: Verdict, inside: bool, holds: frozenset[str]
) -> Verdict:
    """Refuse a live grant that this cluster cannot let in, or whose end could not be written.

    One that is inside already stays: taking it out would need the very write that is impossible.
    On a target that cannot be used one that grew keeps what it holds: nobody took it away.
    """
    if verdict.state is not AccessState.LIVE:
        return verdict
    remembered = scene.ledger.refused.get(verdict.grant.uid)
    if scene.unsupported:
        return _refuse(verdict, GrantReason.UNSUPPORTED_CLUSTER, Rule.AZURE, scene.unsupported)
    if scene.open and scene.observed:
        return verdict
    if scene.open:
        return _open(scene=scene, target=target, verdict=verdict)
    if target.problems and not inside:
        return unusable(verdict, target=target, keeps=holds)
    if remembered is not None and remembered.asks == verdict.asks:
        return _refuse_ranges(verdict, said=remembered.message)
    if not inside and not _revocable(scene):
        outbound = scene.view.outbound_type
        return _refuse(verdict, GrantReason.NOT_REVOCABLE, Rule.NOT_REVOCABLE, outbound)
    return verdict


def _open(*, scene: Scene, target: Target, verdict: Verdict) -> Verdict:
    if target.restrict_unrestricted and not scene.platform.egress_known:
        outbound = scene.view.outbound_type
        return _refuse(verdict, GrantReason.NODE_EGRESS_UNKNOWN, Rule.UNRESTRICTED, outbound)
    return _refuse(verdict, GrantReason.CLUSTER_UNRESTRICTED, Rule.UNRESTRICTED)


def _refuse(
    verdict: Verdict, reason: GrantReason, rule: Rule, value: str = "", limit: str = ""
) -> Verdict:
    return admission.refused(verdict, Refusal(reason=reason, rule=rule, value=value, limit=limit))


def _refuse_ranges(verdict: Verdict, *, said: str) -> Verdict:
    sets = sorted({name for names in verdict.via_sets.values() for name in names})
    refusal = Refusal(
        reason=GrantReason.RANGE_REFUSED,
        rule=Rule.AZURE,
        field="spec.rangeSetRefs"
        if len(verdict.via_sets) == len(verdict.ranges)
        else "spec.ipRanges",
        value=listed([str(item) for item in verdict.ranges]),
        limit=said,
        hint=listed(sets),
    )
    return admission.refused(verdict, refusal)


def _revocable(scene: Scene) -> bool:
    """Whether something else than grants keeps the list from being empty."""
    return bool(scene.platform.entries) or bool(scene.kept_foreign) or sentinel_allowed(scene.view)

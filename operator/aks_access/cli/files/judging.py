"""What the operator would say about the grants of some files, in its own words.

The facts come from `projection`, the verdict from `plan.access.judge` and `plan.admission`, the
sentence from `plan.sentences`: a pull request's check and the operator cannot disagree about what
both know. What only the cluster knows is not judged: how full its list is, when a period that is
extended began, whether `Observe` writes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL, Kind
from aks_access.api.ranges import IPv4Range, RangeError
from aks_access.api.reasons import GrantReason, TargetReason
from aks_access.cli.files.documents import Document
from aks_access.cli.files.doubts import doubt, held
from aks_access.cli.files.findings import Check, Finding, Level
from aks_access.cli.files.known import Surrounding, written
from aks_access.cli.files.remedies import Advice, the_operators
from aks_access.cli.files.schema import finding, kind_of
from aks_access.plan import admission
from aks_access.plan.access import ended, judge, matches
from aks_access.plan.holders import blocked
from aks_access.plan.judging import judges_by, unusable
from aks_access.plan.model import Grant, GrantUid, Target
from aks_access.plan.offers import not_found
from aks_access.plan.outcome import AccessState, Refusal, Verdict
from aks_access.plan.outcome import Finding as TargetFinding
from aks_access.plan.sentences import instant, kept_words, refusal_sentence
from aks_access.projection import project_grant

_ENDLESS: Final = 1_000_000
"""Room in a list whose real size is not known here."""

_SETTLED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When unchanged grants count as made: where not all fit, the changed ones are refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A grant in a file."""

    document: Document
    grant: Grant


def asked(
    documents: Iterable[Document], *, namespace: str, changed: set[str] | None
) -> list[Asked]:
    """The grants among the objects that can be judged.

    `namespace` is that of grants which name none, `changed` the files that changed (None = not
    known).
    """
    result = []
    for number, document in enumerate(documents):
        if kind_of(document) is not Kind.GRANT:
            continue
        grant = project_grant(written(document), argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL)
        if grant.problems:
            continue
        is_new = changed is not None and document.source in changed
        grant = replace(
            grant,
            uid=GrantUid(f"{number:06}"),
            namespace=grant.namespace or namespace,
            created=_SETTLED + timedelta(seconds=is_new),
        )
        result.append(Asked(document, grant))
    return result


def judged(
    grants: Iterable[Asked],
    *,
    known: Surrounding,
    now: datetime,
    changed: set[str] | None,
    advice: Advice = the_operators,
) -> Iterator[Finding]:
    """What the operator would refuse among these grants, and what could not be judged."""
    every = list(grants)
    for each in every:
        yield from _ended(each, now=now, changed=changed)
    if not known.targets:
        if every:
            first = every[0].document
            yield finding(
                first,
                rule=Check.NOT_CHECKED,
                level=Level.NOTE,
                message="No target is known: policies were not checked; give --targets.",
            )
        return
    lost = [
        each
        for each in every
        if not any(matches(grant=each.grant, target=t) for t in known.targets.values())
    ]
    for each in lost:
        yield from _untargeted(each, known=known, now=now, advice=advice)
    barriers = known.barriers()
    for target in known.targets.values():
        matching = [each for each in every if matches(grant=each.grant, target=target)]
        barrier = barriers.get(target.name)
        if barrier is not None:
            yield from _waiting(target, grants=matching, barrier=barrier, now=now)
        else:
            yield from _on(target, grants=matching, known=known, now=now, advice=advice)


def _ended(each: Asked, *, now: datetime, changed: set[str] | None) -> Iterator[Finding]:
    ends = each.grant.expires_at
    if ends is None or ends > now or changed is None or each.document.source not in changed:
        return
    yield finding(
        each.document,
        rule=Check.PAST_END,
        message=f"expiresAt {instant(ends)} is over: the grant lets nobody in. Commit a later one.",
        field="spec.expiresAt",
    )


def _untargeted(
    each: Asked, *, known: Surrounding, now: datetime, advice: Advice
) -> Iterator[Finding]:
    grant = each.grant
    if grant.expires_at is not None and grant.expires_at <= now:
        return  # a tombstone may outlive its target
    refusal = not_found(grant)
    message = refusal_sentence(
        refusal=refusal,
        target=grant.target_name or "",
        open_targets=known.open_to(grant.namespace),
        advice=advice(refusal, None, None, now),
    )
    yield finding(each.document, rule=refusal.reason, message=message, field=refusal.field)


def displaced(documents: Iterable[Document], *, known: Surrounding) -> Iterator[Finding]:
    """The targets among the objects whose cluster another target holds."""
    barriers = known.barriers()
    for document in documents:
        name = document.text("metadata", "name")
        barrier = barriers.get(name) if kind_of(document) is Kind.TARGET else None
        if barrier is not None and barrier.reason is TargetReason.DUPLICATE_TARGET:
            target = known.targets[name]
            yield finding(
                document,
                rule=barrier.reason,
                message=blocked(target, by=barrier).limit,
                field="spec.resourceId",
            )


def _waiting(
    target: Target, *, grants: Iterable[Asked], barrier: TargetFinding, now: datetime
) -> Iterator[Finding]:
    """What the grants are told that match a target which judges none."""
    refusal = blocked(target, by=barrier)
    for each in grants:
        if ended(grant=each.grant, activations={}, now=now) is None:
            yield finding(
                each.document,
                rule=refusal.reason,
                message=refusal_sentence(refusal=refusal, target=target.name),
                field=_field(each, refusal),
            )


def _on(
    target: Target,
    *,
    grants: Iterable[Asked],
    known: Surrounding,
    now: datetime,
    advice: Advice,
) -> Iterator[Finding]:
    """What the grants that match one target are refused for there."""
    matching = {each.grant.uid: each for each in grants}
    readable = judges_by(target)
    verdicts = {
        uid: _usable(
            judge(
                grant=each.grant,
                target=readable,
                sets=known.sets,
                namespaces=known.namespaces,
                activations={},
                now=now,
            ),
            target=target,
        )
        for uid, each in matching.items()
    }

    def refused(verdict: Verdict, refusal: Refusal) -> Finding:
        each = matching[verdict.grant.uid]
        instead = advice(refusal, verdict, target.policy, now)
        unsure = doubt(verdict, refusal, target=target, known=known)
        if unsure:
            return _unsure(each, refusal=refusal, message=unsure)
        message = refusal_sentence(
            refusal=refusal,
            target=target.name,
            contact=target.policy.contact,
            open_targets=known.open_to(each.grant.namespace),
            cluster=target.resource_id,
            advice=instead,
        )
        return finding(
            each.document,
            rule=refusal.reason,
            message=f"{message}{kept_words(verdict)}",
            field=_field(each, refusal),
        )

    for verdict in verdicts.values():
        yield from (refused(verdict, each) for each in verdict.refusals)
    passed = {
        uid: _certain(verdict, target=target, known=known) for uid, verdict in verdicts.items()
    }
    limited = admission.limit_grants(
        verdicts=passed.values(), policy=readable.policy, programmed=frozenset()
    )
    admitted = admission.admit(
        verdicts=limited,
        fixed=frozenset(),
        limit=_ENDLESS,
        max_entries_per_namespace=readable.policy.max_entries_per_namespace,
        programmed=frozenset(),
    )
    for uid, verdict in admitted.items():
        for refusal in verdict.refusals[len(passed[uid].refusals) :]:
            yield refused(verdict, refusal)


def _usable(verdict: Verdict, *, target: Target) -> Verdict:
    """The verdict; on a target that cannot be used only who is inside stays let in."""
    if not target.problems or verdict.state is not AccessState.LIVE:
        return verdict
    own = held(verdict, target=target).entries
    inside = len(own) == len(verdict.ranges)
    return verdict if inside else unusable(verdict, target=target, keeps=own)


def _certain(verdict: Verdict, *, target: Target, known: Surrounding) -> Verdict:
    """The verdict, live where all that it is refused for is perhaps not so."""
    if verdict.refusals and all(
        doubt(verdict, each, target=target, known=known) for each in verdict.refusals
    ):
        return replace(verdict, state=AccessState.LIVE, refusals=())
    return verdict


def _unsure(each: Asked, *, refusal: Refusal, message: str) -> Finding:
    return finding(
        each.document,
        rule=Check.NOT_CHECKED,
        level=Level.NOTE,
        message=message,
        field=_field(each, refusal),
    )


def _field(each: Asked, refusal: Refusal) -> str:
    """The field to point at: of a list the item, where the refusal speaks of one."""
    if refusal.reason is GrantReason.TARGET_BLOCKED:
        return "spec.targetRef.name" if each.grant.selector is None else "spec.targetSelector"
    spec = each.document.raw.get("spec")
    name = refusal.field.removeprefix("spec.")
    items = spec.get(name) if isinstance(spec, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if refusal.value in (_range(item), item.get("name") if isinstance(item, dict) else item):
            return f"{refusal.field}[{index}]"
    return refusal.field


def _range(item: object) -> str | None:
    try:
        return str(IPv4Range.parse(item)) if isinstance(item, str) else None
    except RangeError:
        return None

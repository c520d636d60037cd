"""What the operator would say about the grants of some files, in its own words.

The facts come from `projection`, the verdict from `plan.access.judge` and `plan.admission`, the
sentence from `plan.sentences`: a pull request's check and the operator cannot disagree about what
both know. What only the cluster knows is not judged: how full its list is, when a period that is
extended began, whether `Observe` writes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aks_access.api.conditions import GrantReason
from aks_access.api.names import ARGO_DEFAULT_INSTANCE_LABEL, Kind
from aks_access.api.ranges import IPv4Range, RangeError
from aks_access.cli.documents import Document
from aks_access.cli.findings import Check, Finding, Level
from aks_access.cli.remedies import Advice, the_operators
from aks_access.cli.schema import finding, kind_of
from aks_access.plan import admission
from aks_access.plan.access import judge, matches
from aks_access.plan.model import Grant, GrantUid, Namespace, RangeSet, Target
from aks_access.plan.offers import not_found, open_to
from aks_access.plan.outcome import AccessState, Refusal, Verdict
from aks_access.plan.sentences import instant, refusal_sentence
from aks_access.plan.wording import sentence
from aks_access.projection import (
    project_grant,
    project_namespace,
    project_range_set,
    project_target,
)

_ENDLESS: Final = 1_000_000
"""Room in a list whose real size is not known here."""

_SETTLED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When unchanged grants count as made: where not all fit, the changed ones are refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A grant in a file."""

    document: Document
    grant: Grant


@dataclass(slots=True)
class Surrounding:
    """What grants are judged by: the targets, range sets and namespaces that are known."""

    targets: dict[str, Target] = field(default_factory=dict)
    sets: dict[str, RangeSet] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=dict)

    def add(self, documents: Iterable[Document]) -> None:
        """Take in the targets, sets and namespaces among these objects."""
        for document in documents:
            name = document.text("metadata", "name")
            kind = kind_of(document)
            if kind is Kind.TARGET:
                self.targets[name] = project_target(_written(document.raw))
            elif kind is Kind.RANGE_SET:
                self.sets[name] = project_range_set(_written(document.raw))
            elif (document.raw.get("apiVersion"), document.raw.get("kind")) == ("v1", "Namespace"):
                self.namespaces[name] = project_namespace(document.raw)

    def open_to(self, namespace: str) -> list[str]:
        """The targets that take grants of a namespace, the first few."""
        return open_to(namespace, targets=self.targets.values(), namespaces=self.namespaces)


def _written(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what only the cluster says: a status in a file proves nothing."""
    metadata = raw.get("metadata")
    kept = ("name", "namespace", "labels", "annotations")
    fields = metadata if isinstance(metadata, dict) else {}
    return {
        "metadata": {key: value for key, value in fields.items() if key in kept},
        "spec": raw.get("spec"),
    }


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
        grant = project_grant(
            _written(document.raw), argo_instance_label=ARGO_DEFAULT_INSTANCE_LABEL
        )
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
        yield from _untargeted(each, known=known, now=now)
    for target in known.targets.values():
        matching = [each for each in every if matches(grant=each.grant, target=target)]
        if target.problems:
            yield from _unreadable(target, grants=matching)
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


def _untargeted(each: Asked, *, known: Surrounding, now: datetime) -> Iterator[Finding]:
    grant = each.grant
    if grant.expires_at is not None and grant.expires_at <= now:
        return  # a tombstone may outlive its target
    refusal = not_found(grant)
    message = refusal_sentence(
        refusal=refusal,
        target=grant.target_name or "",
        open_targets=known.open_to(grant.namespace),
    )
    yield finding(each.document, rule=refusal.reason, message=message, field=refusal.field)


def _unreadable(target: Target, *, grants: Iterable[Asked]) -> Iterator[Finding]:
    first = target.problems[0]
    for each in grants:
        yield finding(
            each.document,
            rule=Check.NOT_CHECKED,
            level=Level.NOTE,
            message=sentence(
                f"The policy of {target.name} was not checked: {first.path}: {first.message}"
            ),
            field="spec.targetRef.name",
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
    verdicts = {
        uid: judge(
            grant=each.grant,
            target=target,
            sets=known.sets,
            namespaces=known.namespaces,
            activations={},
            now=now,
        )
        for uid, each in matching.items()
    }

    def refused(verdict: Verdict, refusal: Refusal) -> Finding:
        each = matching[verdict.grant.uid]
        instead = advice(refusal, verdict, target.policy, now)
        return _refused(each, refusal=refusal, target=target, known=known, advice=instead)

    for verdict in verdicts.values():
        yield from (refused(verdict, each) for each in verdict.refusals)
    passed = {uid: _certain(verdict, known=known) for uid, verdict in verdicts.items()}
    limited = admission.limit_grants(
        verdicts=passed.values(), policy=target.policy, programmed=frozenset()
    )
    admitted = admission.admit(
        verdicts=limited,
        fixed=frozenset(),
        limit=_ENDLESS,
        max_entries_per_namespace=target.policy.max_entries_per_namespace,
        programmed=frozenset(),
    )
    for uid, verdict in admitted.items():
        for refusal in verdict.refusals[len(passed[uid].refusals) :]:
            yield refused(verdict, refusal)


def _certain(verdict: Verdict, *, known: Surrounding) -> Verdict:
    """The verdict, live where all that it is refused for is perhaps not so."""
    if verdict.refusals and all(
        _doubt(verdict.grant, each, known=known) for each in verdict.refusals
    ):
        return replace(verdict, state=AccessState.LIVE, refusals=())
    return verdict


def _doubt(grant: Grant, refusal: Refusal, *, known: Surrounding) -> str:
    """What is missing to be sure of a refusal; "" where nothing is."""
    if refusal.reason is GrantReason.NAMESPACE_NOT_ALLOWED:
        if not grant.namespace:
            return (
                "The file names no namespace: whether {target} takes the grant was not checked; "
                "give --namespace, or the rendered objects."
            )
        if grant.namespace not in known.namespaces:
            return (
                f"Labels of namespace {grant.namespace} are not known: whether {{target}} takes "
                "its grants was not checked; give --namespaces."
            )
    if refusal.reason is GrantReason.RANGE_SET_NOT_RESOLVED and not known.sets:
        return f"IPRangeSet {refusal.value} was not checked: no range set is known; give --targets."
    return ""


def _refused(
    each: Asked, *, refusal: Refusal, target: Target, known: Surrounding, advice: str
) -> Finding:
    place = _field(each.document, refusal)
    if doubt := _doubt(each.grant, refusal, known=known):
        return finding(
            each.document,
            rule=Check.NOT_CHECKED,
            level=Level.NOTE,
            message=doubt.format(target=target.name),
            field=place,
        )
    return finding(
        each.document,
        rule=refusal.reason,
        message=refusal_sentence(
            refusal=refusal,
            target=target.name,
            contact=target.policy.contact,
            open_targets=known.open_to(each.grant.namespace),
            cluster=target.resource_id,
            advice=advice,
        ),
        field=place,
    )


def _field(document: Document, refusal: Refusal) -> str:
    """The field to point at: of a list the item, where the refusal speaks of one."""
    spec = document.raw.get("spec")
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

"""From a raw Kubernetes object, or one in a file, to the small facts that a plan is made from.

The one place where an object's JSON becomes plan facts, for the operator's store and for the
command line; whatever is wrong with it becomes `problems`, never an exception.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from aks_access.api.arm import MAX_ID_LENGTH
from aks_access.api.grant import ApiAccessGrant, GrantStatus
from aks_access.api.meta import ObjectMeta
from aks_access.api.modes import DeletionPolicy, Mode
from aks_access.api.names import (
    ACKNOWLEDGE_ANNOTATION,
    GRANT_FINALIZER,
    REQUESTED_AT_ANNOTATION,
    TARGET_FINALIZER,
    tracking,
)
from aks_access.api.parse import (
    Invalid,
    parse_grant,
    parse_range_set,
    parse_target,
    status_of,
)
from aks_access.api.policy import GrantPolicy
from aks_access.api.selector import LabelSelector
from aks_access.api.target import ApiAccessTarget, TargetSpec
from aks_access.plan.model import (
    Grant,
    GrantUid,
    Identity,
    LabelRequirement,
    Namespace,
    Policy,
    Problem,
    RangeSet,
    Selector,
    Target,
    cluster_key,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOKEN_LENGTH = 256


def project_grant(raw: Mapping[str, object], *, argo_instance_label: str) -> Grant:
    """The facts of an ApiAccessGrant."""
    found = parse_grant(dict(raw))
    meta = found.metadata
    tracked = tracking(
        annotations=meta.annotations,
        labels=meta.labels,
        argo_instance_label=argo_instance_label,
    )
    status = found.status if isinstance(found.status, GrantStatus) else None
    spec = found.spec if isinstance(found, ApiAccessGrant) else None
    evaluated = None
    if status is not None and status.evaluated_at is not None:
        evaluated = (status.observed_generation or 0, status.evaluated_at)
    return Grant(
        uid=GrantUid(meta.uid),
        namespace=meta.namespace,
        name=meta.name,
        generation=meta.generation,
        resource_version=meta.resource_version,
        created=meta.creation_timestamp or EPOCH,
        target_name=spec.target_ref.name if spec and spec.target_ref else None,
        selector=_selector(spec.target_selector) if spec and spec.target_selector else None,
        ranges=tuple(sorted(set(spec.ip_ranges or ()))) if spec else (),
        range_sets=tuple(ref.name for ref in spec.range_set_refs or ()) if spec else (),
        not_before=spec.not_before if spec else None,
        expires_at=spec.expires_at if spec else None,
        duration=spec.duration if spec else None,
        revoked=bool(spec.revoked) if spec else False,
        reason=(spec.reason or "") if spec else "",
        requested_by=(spec.requested_by or "") if spec else "",
        ticket=(spec.ticket_ref or "") if spec else "",
        retention=spec.retain_after_expiry if spec else None,
        tracked=str(tracked) if tracked else "",
        deleting=meta.deletion_timestamp,
        finalized=GRANT_FINALIZER in meta.finalizers,
        problems=_problems(found),
        requested_at=_token(meta, REQUESTED_AT_ANNOTATION),
        started=status.period_start if status else None,
        evaluated=evaluated,
        activated=status.activated_at if status else None,
        closed=status.closed_at if status else None,
        status=status_of(raw),
    )


def project_target(raw: Mapping[str, object]) -> Target:
    """The facts of an ApiAccessTarget; an invalid one is an Observe target with problems.

    What holds writes back, and what becomes of the list in the end, counts all the same.
    """
    found = parse_target(dict(raw))
    meta = found.metadata
    status = found.status
    sequence = getattr(status, "ledger_sequence", None)
    common = {
        "uid": meta.uid,
        "name": meta.name,
        "generation": meta.generation,
        "resource_version": meta.resource_version,
        "created": meta.creation_timestamp or EPOCH,
        "labels": dict(meta.labels),
        "deleting": meta.deletion_timestamp,
        "finalized": TARGET_FINALIZER in meta.finalizers,
        "problems": _problems(found),
        "requested_at": _token(meta, REQUESTED_AT_ANNOTATION),
        "acknowledge": _token(meta, ACKNOWLEDGE_ANNOTATION),
        "ledger_sequence": sequence,
        "status": status_of(raw),
    }
    if not isinstance(found, ApiAccessTarget):
        resource_id = _written_resource_id(raw)
        return Target(
            resource_id=resource_id,
            key=cluster_key(resource_id),
            mode=Mode.OBSERVE,
            suspend=_written(raw, "suspend") is True,
            deletion_policy=_written_policy(raw),
            **common,  # type: ignore[arg-type]
        )
    spec = found.spec
    return Target(
        resource_id=spec.resource_id,
        key=cluster_key(spec.resource_id),
        mode=spec.mode,
        baseline=tuple(sorted(set(spec.baseline.ip_ranges or ()))) if spec.baseline else (),
        baseline_sets=_baseline_sets(spec),
        restrict_unrestricted=bool(spec.restrict_unrestricted),
        egress_mode=spec.egress_mode,
        egress=tuple(sorted(set(spec.node_egress.ip_ranges or ()))) if spec.node_egress else (),
        policy=_policy(spec.policy),
        identity=_identity(spec),
        suspend=bool(spec.suspend),
        deletion_policy=spec.effective_deletion_policy,
        **common,  # type: ignore[arg-type]
    )


def _written(raw: Mapping[str, object], name: str) -> object:
    """What stands in a field of a spec that as a whole cannot be used."""
    spec = raw.get("spec")
    return spec.get(name) if isinstance(spec, Mapping) else None


def _written_policy(raw: Mapping[str, object]) -> DeletionPolicy | None:
    value = _written(raw, "deletionPolicy")
    return next((policy for policy in DeletionPolicy if policy.value == value), None)


def _written_resource_id(raw: Mapping[str, object]) -> str:
    value = _written(raw, "resourceId")
    return value if isinstance(value, str) and len(value) <= MAX_ID_LENGTH else ""


def _baseline_sets(spec: TargetSpec) -> tuple[str, ...]:
    if spec.baseline is None:
        return ()
    return tuple(ref.name for ref in spec.baseline.range_set_refs or ())


def _identity(spec: TargetSpec) -> Identity | None:
    if spec.identity is None:
        return None
    return Identity(client_id=spec.identity.client_id, tenant_id=spec.identity.tenant_id)


def _policy(policy: GrantPolicy) -> Policy:
    allowed = policy.allowed_namespaces
    return Policy(
        all_namespaces=allowed.from_ == "All",
        namespaces=_selector(allowed.selector) if allowed.selector else Selector(),
        max_duration=policy.max_duration,
        min_prefix_length=policy.effective_min_prefix,
        allowed_ranges=tuple(policy.allowed_ranges or ()),
        denied_ranges=tuple(policy.denied_ranges or ()),
        allow_permanent=bool(policy.allow_permanent),
        require_reason=bool(policy.require_reason),
        require_ticket=bool(policy.require_ticket),
        require_requested_by=bool(policy.require_requested_by),
        max_grants_per_namespace=policy.max_grants_per_namespace,
        max_entries_per_namespace=policy.max_entries_per_namespace,
        contact=policy.contact or "",
    )


def project_range_set(raw: Mapping[str, object]) -> RangeSet:
    """The facts of an IPRangeSet."""
    found = parse_range_set(dict(raw))
    meta = found.metadata
    spec = None if isinstance(found, Invalid) else found.spec
    return RangeSet(
        uid=meta.uid,
        name=meta.name,
        generation=meta.generation,
        resource_version=meta.resource_version,
        ranges=tuple(sorted(set(spec.ip_ranges or ()))) if spec else (),
        from_azure=spec.from_azure.resource_id if spec and spec.from_azure else None,
        deleting=meta.deletion_timestamp,
        problems=_problems(found),
        requested_at=_token(meta, REQUESTED_AT_ANNOTATION),
        status=status_of(raw),
    )


def project_namespace(raw: Mapping[str, object]) -> Namespace:
    """The facts of a Namespace."""
    meta = ObjectMeta.lenient(_mapping(raw.get("metadata")))
    return Namespace(
        uid=meta.uid,
        name=meta.name,
        labels=dict(meta.labels),
        deleting=meta.deletion_timestamp is not None,
    )


def _selector(selector: LabelSelector) -> Selector:
    equal = tuple(
        LabelRequirement(key=key, operator="In", values=(value,))
        for key, value in sorted((selector.match_labels or {}).items())
    )
    terms = tuple(
        LabelRequirement(key=term.key, operator=str(term.operator), values=tuple(term.values or ()))
        for term in selector.match_expressions or ()
    )
    return Selector(requirements=equal + terms)


def _problems(found: object) -> tuple[Problem, ...]:
    if not isinstance(found, Invalid):
        return ()
    return tuple(
        Problem(path=problem.path, value=str(problem.value), message=problem.message)
        for problem in found.problems
    )


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}


def _token(meta: ObjectMeta, annotation: str) -> str:
    """An annotation that is compared and echoed; no tool's is longer than that."""
    return meta.annotations.get(annotation, "")[:_TOKEN_LENGTH]

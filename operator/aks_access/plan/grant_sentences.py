"""What people read on a grant that is not let in.

Each refusal names the value, the limit and the way out; the target's contact is quoted where
it has one.
"""

from collections.abc import Sequence

from aks_access.api.reasons import GrantReason
from aks_access.plan.outcome import Refusal, Rule, Verdict
from aks_access.plan.wording import ask, az_flags, azure_text, listed, sentence, way_out

_REQUIRED = frozenset({Rule.REASON, Rule.TICKET, Rule.REQUESTED_BY})


def refusal_sentence(
    *,
    refusal: Refusal,
    target: str,
    contact: str = "",
    open_targets: Sequence[str] = (),
    cluster: str = "",
    advice: str = "",
) -> str:
    """Why a grant is not let in on `target`, and the way out.

    `contact` is the target's `policy.contact`, `open_targets` the targets that take grants of the
    grant's namespace, `cluster` the target's ARM id, `advice` what to do where a policy refuses it
    or its target is not there, and the reader does not write grants by hand.
    """
    match refusal.reason:
        case GrantReason.INVALID_SPEC:
            return _invalid(refusal)
        case GrantReason.TARGET_NOT_FOUND:
            return _no_target(refusal=refusal, open_targets=open_targets, instead=advice)
        case GrantReason.NAMESPACE_NOT_ALLOWED:
            others = [name for name in open_targets if name != target]
            hint = f" Open to this namespace: {listed(others)}." if others else ""
            return f"{target} takes no grants from {refusal.value}. {ask(contact)}{hint}"
        case GrantReason.RANGE_SET_NOT_RESOLVED:
            return (
                f"IPRangeSet {refusal.value} does not exist or does not resolve. See `kubectl get "
                f"iprs {refusal.value}` and mend it, or take it out of spec.rangeSetRefs."
            )
        case GrantReason.POLICY_DENIED:
            return _policy(refusal=refusal, target=target, contact=contact, instead=advice)
        case _:
            return _structural(refusal=refusal, target=target, contact=contact, cluster=cluster)


def _invalid(refusal: Refusal) -> str:
    where = f"{refusal.field}: " if refusal.field else ""
    return sentence(f"{where}{refusal.limit or refusal.value or 'the spec cannot be read'}")


def _no_target(*, refusal: Refusal, open_targets: Sequence[str], instead: str) -> str:
    if refusal.field == "spec.targetSelector":
        said = "No target's labels match spec.targetSelector."
        advice = "Mend the selector, or ask for the label"
    else:
        said = f'No target "{refusal.value}".'
        advice = "Mend spec.targetRef.name"
    hint = listed(list(open_targets)) if open_targets else "none"
    return f"{said} Open to this namespace: {hint}. {instead or advice}."


def _policy(*, refusal: Refusal, target: str, contact: str, instead: str) -> str:
    value, limit = refusal.value, refusal.limit
    if refusal.field == "spec.rangeSetRefs":
        value = f"{value} (through a range set)"
    match refusal.rule:
        case Rule.MIN_PREFIX:
            said = f"{value} is wider than {limit}, the limit of {target}."
            advice = "Narrow it"
        case Rule.ALLOWED_RANGES:
            said = f"{value} lies outside what {target} allows: {limit}."
            advice = "Use a range inside"
        case Rule.DENIED_RANGES:
            said = f"{value} overlaps {limit}, which {target} denies."
            advice = "Use another range"
        case Rule.MAX_DURATION if refusal.field == "spec.duration":
            said = f"duration {value} is longer than {limit}, the limit of {target}."
            advice = "Shorten it"
        case Rule.MAX_DURATION:
            said = (
                f"expiresAt {value} is more than {limit}, the limit of {target}, after the start "
                "of access."
            )
            advice = "Commit an earlier expiresAt"
        case Rule.PERMANENT:
            said = f"The grant has no end, and {target} takes no permanent ones."
            advice = "Set expiresAt or duration"
        case Rule.MAX_GRANTS:
            said = (
                f"Namespace {value} may have {limit} live or scheduled grants on {target} "
                f"({refusal.rule})."
            )
            advice = "Delete or revoke one"
        case Rule.MAX_ENTRIES:
            said = (
                f"The namespace would take {value} entries of {target}, its limit is {limit} "
                f"({refusal.rule})."
            )
            advice = "Merge ranges, or end another grant"
        case rule if rule in _REQUIRED:
            said = f"{target} takes no grant without {refusal.field}."
            advice = "Fill it in"
        case _:
            said = f"{target} refuses {refusal.field} {value} ({refusal.rule} {limit})."
            advice = "Change it"
    return f"{said} {way_out(instead or advice, contact=contact)}"


def _structural(*, refusal: Refusal, target: str, contact: str, cluster: str) -> str:
    match refusal.reason:
        case GrantReason.CAPACITY_EXCEEDED:
            next_free = f" Next to free: {refusal.hint}." if refusal.hint else ""
            advice = way_out("Merge ranges or shorten others", contact=contact)
            return f"{target}: {refusal.value}.{next_free} {advice}"
        case GrantReason.RANGE_REFUSED:
            return _refused_by_azure(refusal=refusal, target=target, contact=contact)
        case GrantReason.CLUSTER_UNRESTRICTED:
            return (
                f"Anyone can reach {target}; this grant changes nothing. Platform: put every "
                "client's egress in baseline, then set restrictUnrestricted."
            )
        case GrantReason.UNSUPPORTED_CLUSTER:
            return unsupported_sentence(kind=refusal.value, cluster=cluster, on_grant=True)
        case GrantReason.NODE_EGRESS_UNKNOWN:
            return egress_sentence(outbound=refusal.value)
        case GrantReason.NOT_REVOCABLE:
            return (
                f"{target} (outbound type {refusal.value}) holds no other entry, and a list "
                "without any would open it: the end of this grant could not be written. Platform: "
                f"add a baseline entry or nodeEgress. {ask(contact)}"
            )
        case GrantReason.TARGET_BLOCKED:
            return blocked_sentence(target=target, reason=refusal.value, message=refusal.limit)
        case _:
            return sentence(f"{target}: {refusal.reason} {refusal.value} {refusal.limit}".strip())


def _refused_by_azure(*, refusal: Refusal, target: str, contact: str) -> str:
    said = sentence(azure_text(refusal.limit) or "it gave no reason")
    said = f"Azure refused {refusal.value} of {refusal.field} on {target}: {said}"
    if not refusal.hint:
        return f"{said} {way_out(f'Change {refusal.field}', contact=contact)}"
    advice = f"Change {refusal.field} or the range set ({refusal.hint})"
    return f"{said} {way_out(advice, contact=contact)}"


def unsupported_sentence(*, kind: str, cluster: str, on_grant: bool) -> str:
    """Authorized ranges do not apply to this cluster (`private cluster` or another kind)."""
    end = "delete this grant" if on_grant else "delete this target"
    if kind and kind != "private cluster":
        return f"{kind}: ranges do not apply. Move the cluster to a Standard one, or {end}."
    command = f'`az aks command invoke {az_flags(cluster)} --command "…"`'
    return f"Private cluster: ranges do not apply. Use {command} or Bastion; {end}."


def egress_sentence(*, outbound: str) -> str:
    """The nodes' addresses are not known, and a write could cut them off."""
    what = outbound or "Unknown outbound type"
    return (
        f"{what}: a write could cut the nodes off. Set nodeEgress to the public IPs by which they "
        "leave (firewall or NAT gateway)."
    )


def blocked_sentence(*, target: str, reason: str, message: str) -> str:
    """A grant waits because its target cannot be worked on; quotes what the target says."""
    said = sentence(message) if message else f"See `kubectl describe aat {target}`."
    return f"{target} is {reason}: {said}"


def kept_words(verdict: Verdict) -> str:
    """What a refused grant that grew has until then, to stand behind why; "" for others."""
    if not verdict.keeps:
        return ""
    return f" Until then it keeps what it has ({len(verdict.keeps)} of {len(verdict.ranges)})."


def left_words(entries: Sequence[str]) -> str:
    """What stands for a refused grant though it asks for it no longer; "" where nothing does."""
    if not entries:
        return ""
    return f" What it asked for before stands until then: {listed(list(entries))}."


def refusals_sentence(
    *,
    verdict: Verdict,
    target: str,
    contact: str = "",
    open_targets: Sequence[str] = (),
    cluster: str = "",
) -> str:
    """The first refusal in full, and which other rules the grant breaks."""
    first, *others = verdict.refusals
    said = refusal_sentence(
        refusal=first, target=target, contact=contact, open_targets=open_targets, cluster=cluster
    )
    rules = [rule for rule in dict.fromkeys(other.rule for other in others) if rule != first.rule]
    more = sum(1 for other in others if other.rule == first.rule)
    said += kept_words(verdict)
    if more:
        said += (
            f" {more} more of its fields are wrong."
            if first.rule is Rule.SPEC
            else f" {more} more of its values break this rule."
        )
    return f"{said} Also against: {listed(rules)}." if rules else said

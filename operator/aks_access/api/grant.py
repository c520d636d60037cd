"""`ApiAccessGrant`: who may reach which API servers, from where and until when."""

from collections.abc import Iterator

from pydantic import ConfigDict, Field, StrictBool, StrictStr

from aks_access.api import cel
from aks_access.api.base import ApiModel, LenientModel, RuledModel, Violation
from aks_access.api.bounds import MAX_AUDIT_LENGTH, MAX_REASON_LENGTH
from aks_access.api.fields import Count, Duration, Flag, GrantRange, StatusTime, Time
from aks_access.api.meta import ObjectMeta, RangeSetRef, TargetRef
from aks_access.api.selector import LabelSelector
from aks_access.api.status import ObjectStatus, Text
from aks_access.api.timestamps import format_timestamp

MAX_GRANT_RANGES = 200
MAX_REFERENCES = 20
TARGETS_LIMIT = 20

_TARGET_HINT = (
    "name one ApiAccessTarget in targetRef, or select targets by their labels in targetSelector"
)
_RANGES_MESSAGE = (
    "the grant lets nobody in: list public IPv4 ranges in ipRanges, name an IPRangeSet in "
    "rangeSetRefs, or both"
)
_END_MESSAGE = (
    "expiresAt and duration are both set; keep expiresAt (a fixed end, the form for Git) or "
    "duration (counted from first activation)"
)


class GrantSpec(RuledModel):
    """What is asked for: these ranges, on these targets, for this time."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel.exactly_one("targetRef", "targetSelector", hint=_TARGET_HINT),
                cel.any_items(("ipRanges", "rangeSetRefs"), _RANGES_MESSAGE),
                cel.rule(
                    "!(has(self.expiresAt) && has(self.duration))", _END_MESSAGE, field="duration"
                ),
                cel.ordered(earlier="notBefore", later="expiresAt"),
            ]
        }
    )

    target_ref: TargetRef | None = Field(
        default=None,
        description=(
            "The one target to be let in to. Exactly one of targetRef and targetSelector is needed."
        ),
        examples=[{"name": "prod-weu"}],
    )
    target_selector: LabelSelector | None = Field(
        default=None,
        description=(
            "All targets whose labels match, now and later. An empty selector matches nothing. "
            "Exactly one of targetRef and targetSelector is needed."
        ),
        examples=[{"matchLabels": {"environment": "dev"}}],
    )
    ip_ranges: tuple[GrantRange, ...] = Field(
        default=(),
        max_length=MAX_GRANT_RANGES,
        description=(
            "IPv4 networks in CIDR notation without host bits, or single addresses, that are let "
            "in; at most 200, none wider than /16 (the target's policy usually says less). Public "
            "addresses only: the address clients leave their network by, as the internet sees it."
        ),
        examples=[["81.2.69.142", "20.50.1.0/28"]],
    )
    range_set_refs: tuple[RangeSetRef, ...] = Field(
        default=(),
        max_length=MAX_REFERENCES,
        description=(
            "IPRangeSets whose ranges are let in, beside or instead of ipRanges; at most 20."
        ),
        examples=[[{"name": "office"}]],
    )
    not_before: Time | None = Field(
        default=None,
        description=(
            "Access starts then: an RFC 3339 time with a zone. Absent: as soon as possible."
        ),
        examples=["2026-11-22T08:00:00Z"],
    )
    expires_at: Time | None = Field(
        default=None,
        description=(
            "Access ends then: an RFC 3339 time with a zone, after notBefore. The form to use in "
            "Git: it means the same however often the object is created anew. A time in the past "
            "is no error; such a grant is Expired. To extend access, commit a later time. Not "
            "together with duration."
        ),
        examples=["2026-11-22T18:00:00Z"],
    )
    duration: Duration | None = Field(
        default=None,
        description=(
            "Access ends this long after it was first let in: hours, minutes and seconds, more "
            "than zero and at most 8760h. No edit restarts it. Not together with expiresAt. With "
            "neither, access is permanent, where the target's policy allows that."
        ),
        examples=["4h30m"],
    )
    revoked: Flag = Field(
        default=False,
        description=(
            "true takes access away at once and keeps the object. In an emergency patch it with "
            "`--field-manager=aks-access`, and remove the grant from Git too."
        ),
        examples=[True],
    )
    reason: StrictStr = Field(
        default="",
        max_length=MAX_REASON_LENGTH,
        description="Why access is needed, for the audit log. A target's policy may require it.",
        examples=["INC-77: debug the ingress"],
    )
    requested_by: StrictStr = Field(
        default="",
        max_length=MAX_AUDIT_LENGTH,
        description=(
            "Who asks for access, for the audit log: under GitOps the creator of every object is "
            "the tool. A target's policy may require it. Not verified."
        ),
        examples=["dev@contoso.com"],
    )
    ticket_ref: StrictStr = Field(
        default="",
        max_length=MAX_AUDIT_LENGTH,
        description="Ticket that belongs to it, for the audit log. A policy may require it.",
        examples=["INC-77"],
    )
    retain_after_expiry: Duration | None = Field(
        default=None,
        description=(
            "How long the object stays after access has ended, before the operator deletes it. "
            "Absent: the operator's setting (24h). An object that Argo CD, Flux, Helm or a like "
            "tool tracks is never deleted: delete it in Git."
        ),
        examples=["72h"],
    )

    def violations(self) -> Iterator[Violation]:
        """The rules over several fields; the same as the CEL rules above."""
        if (self.target_ref is None) == (self.target_selector is None):
            found = "neither" if self.target_ref is None else "both"
            text = f"{found} of targetRef and targetSelector: exactly one is needed; {_TARGET_HINT}"
            yield Violation(("targetRef",), found, text)
        if not self.ip_ranges and not self.range_set_refs:
            yield Violation(("ipRanges",), [], _RANGES_MESSAGE)
        if self.expires_at is not None and self.duration is not None:
            yield Violation(("duration",), "both", _END_MESSAGE)
        if self.not_before and self.expires_at and self.expires_at <= self.not_before:
            end, start = format_timestamp(self.expires_at), format_timestamp(self.not_before)
            text = f"expiresAt {end} is not after notBefore {start}; move expiresAt or leave "
            yield Violation(("expiresAt",), end, f"{text}notBefore out")


class GrantSummary(LenientModel):
    """Ready-made text for the columns of `kubectl get`."""

    state: Text = Field(
        default="",
        description="STATE: the reason of the Ready condition.",
        examples=["Active"],
    )
    target: Text = Field(
        default="",
        description="TARGET: the target's name, or how many there are.",
        examples=["3 targets"],
    )
    in_azure: Text = Field(
        default="",
        description=(
            "IN-AZURE: targets where all ranges were read back from Azure (after the end of "
            "access: where any is still held for this grant) of all targets."
        ),
        examples=["1/1"],
    )
    expires: Text = Field(
        default="",
        description="EXPIRES: end of access, UTC, to the minute, or never.",
        examples=["2026-11-22T18:00Z"],
    )
    ranges: Text = Field(
        default="",
        description="RANGES: the ranges, or the first of them and how many more.",
        examples=["81.2.69.142/32"],
    )


class TargetState(LenientModel):
    """How the grant stands on one target."""

    name: Text = Field(description="Name of the ApiAccessTarget.", examples=["prod-weu"])
    reason: Text = Field(
        description="State of the grant there, one of the reasons of Ready.", examples=["Active"]
    )
    message: Text = Field(
        default="",
        description="The same for people, with what to do next.",
        examples=["team-a may hold 10 grants on prod-weu and has 10. Remove one, or ask ops@…"],
    )
    in_azure: StrictBool = Field(
        default=False,
        description=(
            "Whether all ranges were read back from Azure there; after the end of access: whether "
            "any is still held for this grant."
        ),
        examples=[True],
    )


class GrantStatus(ObjectStatus):
    """What became of the grant; written by the operator alone."""

    summary: GrantSummary | None = Field(
        default=None, description="Ready-made text for the columns of `kubectl get`."
    )
    targets: tuple[TargetState, ...] = Field(
        default=(),
        description="How the grant stands on each target, worst first; at most 20.",
    )
    targets_omitted: Count = Field(
        default=0,
        description="How many further targets are not listed.",
        examples=[0],
    )
    activated_at: StatusTime | None = Field(
        default=None,
        description="When a grant with a duration was first let in (UTC), where its time starts.",
        examples=["2026-11-22T10:02:00Z"],
    )
    period_start: StatusTime | None = Field(
        default=None,
        description=(
            "Start of the current period of access (UTC), from which a policy's maxDuration "
            "counts. A later expiresAt on an expired grant opens a new period."
        ),
        examples=["2026-11-22T10:02:00Z"],
    )
    evaluated_at: StatusTime | None = Field(
        default=None,
        description=(
            "When the operator first judged this generation of the spec (UTC); before the first "
            "admission a policy's maxDuration counts from here."
        ),
        examples=["2026-11-22T10:01:58Z"],
    )
    closed_at: StatusTime | None = Field(
        default=None,
        description=(
            "End of the last period that was closed by the clock (UTC); an end at or before it "
            "never opens again, even if a clock steps back."
        ),
        examples=["2026-11-22T18:00:00Z"],
    )
    starts_at: StatusTime | None = Field(
        default=None,
        description="Effective start of access (UTC), resolved from the spec.",
        examples=["2026-11-22T10:02:00Z"],
    )
    expires_at: StatusTime | None = Field(
        default=None,
        description="Effective end of access (UTC), resolved from the spec; absent: never.",
        examples=["2026-11-22T18:00:00Z"],
    )


class ApiAccessGrant(ApiModel):
    """Lets IPv4 ranges reach the API servers of one or more AKS clusters for a time.

    The operator keeps each cluster's authorized IP ranges equal to what its live grants and the
    platform team's baseline say, and takes the ranges out again when the grant expires, is
    revoked or deleted. See STATE and IN-AZURE in `kubectl get aag`.
    """

    metadata: ObjectMeta
    spec: GrantSpec = Field(
        description="What is asked for: these ranges, on these targets, for this time."
    )
    status: GrantStatus | None = Field(
        default=None, description="What became of it; written by the operator alone."
    )

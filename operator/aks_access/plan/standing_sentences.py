"""What people read on a grant that is not refused: how its access stands.

It is let in, waits, ends, or has ended and still stands in Azure.
"""

from collections.abc import Sequence

from aks_access.api.duration import format_duration
from aks_access.plan.outcome import AccessState, Verdict
from aks_access.plan.pace import Paced
from aks_access.plan.wording import instant, listed


def verdict_sentence(
    *, verdict: Verdict, target: str, observed: bool = False, suspended: bool = False
) -> str:
    """How a grant that is not refused stands on `target`.

    `observed` and `suspended` speak of the target. A refused one: `refusals_sentence`.
    """
    match verdict.state:
        case AccessState.EXPIRED | AccessState.REVOKED | AccessState.DELETED:
            return _closed(verdict=verdict, target=target)
        case AccessState.SCHEDULED:
            starts = verdict.grant.not_before or verdict.starts
            when = f" at {instant(starts)}" if starts is not None else ""
            return f"Scheduled: starts{when}, {_until(verdict)}."
        case AccessState.LIVE if observed:
            return (
                f"Observed: {target} is in mode Observe, nothing is written. In Merge it would be "
                f"let in {_until(verdict)}."
            )
        case AccessState.LIVE if suspended:
            return f"{target} is suspended: {_stands(verdict)} until spec.suspend is lifted there."
        case AccessState.LIVE if verdict.present:
            return f"Let in {_until(verdict)}."
        case _:
            return f"Being let in on {target}: written to Azure, then read back."


def _stands(verdict: Verdict) -> str:
    return "the access stays as it is" if verdict.present else "nothing is added"


def _until(verdict: Verdict) -> str:
    if verdict.needs_activation and verdict.grant.duration is not None:
        return "for its duration from the first admission"
    return f"until {instant(verdict.ends)}" if verdict.ends is not None else "with no end"


def _closed(*, verdict: Verdict, target: str) -> str:
    match verdict.state:
        case AccessState.EXPIRED:
            said = f"Expired {instant(verdict.ends)}" if verdict.ends is not None else "Expired"
        case AccessState.REVOKED:
            said = "Revoked"
        case _:
            said = "Deleted"
    if verdict.covered:
        (item, cover), *others = verdict.covered
        more = f", and {len(others)} more of its ranges are still admitted" if others else ""
        return f"{said}. Closed, but {cover} still admits {item}{more}."
    if verdict.state is AccessState.EXPIRED:
        return f"{said}. {_renewal(verdict)}"
    if verdict.state is AccessState.REVOKED:
        tracked = verdict.grant.tracked
        again = f"Tracked by {tracked}: d" if tracked else "D"
        return f"{said}. {again}elete it, or set revoked to false for access until its end."
    return f"{said}: its access to {target} is taken away."


def _renewal(verdict: Verdict) -> str:
    grant = verdict.grant
    renew = "a later expiresAt" if grant.duration is None else "a new grant"
    if grant.tracked:
        return f"Tracked by {grant.tracked}: delete it in Git; for new access, commit {renew}."
    return f"For new access, {'set' if grant.duration is None else 'create'} {renew}."


def pending_sentence(*, verdict: Verdict, target: str) -> str:
    """A closed grant whose entries still stand in Azure."""
    ended = {
        AccessState.EXPIRED: f"Expired {instant(verdict.ends)}" if verdict.ends else "Expired",
        AccessState.REVOKED: "Revoked",
        AccessState.DELETED: "Deleted",
    }.get(verdict.state, "No longer let in")
    return f"{ended}; its ranges are being taken out of {target} and stand until read back."


def overdue_sentence(*, entries: Sequence[str], due: str, target: str) -> str:
    """A grant whose removal is overdue; `due` is an instant as text."""
    stand = "stand" if len(entries) > 1 else "stands"
    return (
        f"{listed(list(entries))} still {stand} open on {target}, due {due}. The platform team "
        f"sees why: `kubectl describe aat {target}`."
    )


def contested_sentence(*, entries: Sequence[str], again: str, target: str) -> str:
    """A grant whose entries something else keeps taking out; `again` is an instant as text."""
    return (
        f"Something else keeps taking {listed(list(entries))} out of {target}; added again at "
        f"{again}. The platform team sees more: `kubectl describe aat {target}`."
    )


def paced_sentence(*, paced: Paced, target: str) -> str:
    """An addition that waits: whose tokens are used up, how many there are, and until when."""
    whose = f"Namespace {paced.namespace} has" if paced.namespace else "All namespaces have"
    bucket = paced.bucket
    return (
        f"{whose} used up the additions to {target} ({bucket.burst}, and one more every "
        f"{format_duration(bucket.every)}): let in at {instant(paced.until)}. Nothing to do; to "
        "use fewer, apply several grants at once."
    )

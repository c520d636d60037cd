"""What people read on a target: each finding's facts, and what to do next.

A sentence is made for every reason, also from a finding without details, because a status must
be written whatever is missing.
"""

from collections.abc import Callable, Mapping, Sequence

from aks_access.api.names import ledger_name
from aks_access.api.reasons import TargetReason
from aks_access.plan.grant_sentences import egress_sentence, unsupported_sentence
from aks_access.plan.ledger import SearchPhase
from aks_access.plan.model import Target
from aks_access.plan.outcome import Finding
from aks_access.plan.unrestricted_sentences import unrestricted_sentence
from aks_access.plan.wording import az_flags, azure_text, cluster_name, listed, sentence

_Details = Mapping[str, str]


def finding_sentence(*, finding: Finding, target: Target | None, cluster: str) -> str:
    """The finding in words; `target` None for an orphaned ledger, `cluster` is the ARM id."""
    name = target.name if target is not None else cluster
    special = _SPECIAL.get(finding.reason)
    if special is not None:
        return special(finding.details, name, cluster, target)
    plain = _PLAIN.get(finding.reason)
    if plain is None:
        facts = ", ".join(f"{key} {value}" for key, value in sorted(finding.details.items()))
        return sentence(f"{name}: {finding.reason}{': ' if facts else ''}{facts}")
    return plain.format_map(_Facts(finding.details))


class _Facts(dict[str, str]):
    """Details for a template; one that is missing reads as "unknown"."""

    def __missing__(self, key: str) -> str:
        return "unknown"


_PLAIN: Mapping[TargetReason, str] = {
    TargetReason.IN_SYNC: "The list in Azure is as it should be.",
    TargetReason.OBSERVING: (
        "Mode Observe: nothing is written. DIFF is what Merge would do; set mode to Merge to let "
        "it happen."
    ),
    TargetReason.SUSPENDED: (
        "Suspended: nothing is added or taken away until spec.suspend is lifted."
    ),
    TargetReason.REVOCATION_PENDING: "Entries that must go stand until read back. Nothing to do.",
    TargetReason.DUPLICATE_TARGET: (
        "{holder} stands for this cluster already. Delete this target, or that one first."
    ),
    TargetReason.CLUSTER_STOPPED: (
        "The cluster is {power}, and AKS takes no write then. Start it; its entries are put right "
        "afterwards."
    ),
    TargetReason.CLUSTER_FAILED: (
        "The cluster's last operation, not ours, ended {state}, and a write would repeat it: only "
        "revocations are written. Repair the cluster."
    ),
    TargetReason.NOT_REVOCABLE: (
        "Outbound type {outbound}, and nothing else is in the list: a list without entries would "
        "open the cluster. Add a baseline entry, or nodeEgress."
    ),
    TargetReason.LEDGER_FULL: (
        "The ledger of this cluster is full: nothing is added, removals go on. Use fewer or wider "
        "ranges and fewer grants per range."
    ),
    TargetReason.CLOCK_IN_DOUBT: (
        "The operator's clock and those of the API server or ARM differ by more than 30 s: nothing "
        "is added, removals go on. Mend the time of its node."
    ),
    TargetReason.THROTTLED: "Azure throttles writes; tried again as it asks. Nothing to do.",
}


def _overdue(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    entry = details.get("entry", "an entry")
    count = int(details["count"]) if details.get("count", "").isdecimal() else 1
    more = f" and {count - 1} more" if count > 1 else ""
    why = f" ({details['why']})" if details.get("why") else ""
    cause = f"Fix aat/{name}; by" if target is not None else "Create a target for the cluster; by"
    if details.get("kept"):
        cause = f"{sentence(details['kept'])} By"
    by_hand = (
        f"`aks-access plan {name} --as-az`."
        if target is not None
        else f"`az aks update {az_flags(cluster)} --api-server-authorized-ip-ranges` with every "
        "other entry of the list, never an empty one (it opens the cluster)."
    )
    return (
        f"{entry}{more} still open, due {details.get('due', 'earlier')}{why}. {cause} hand: "
        f"{by_hand}"
    )


_LEAVING = {
    "Revoke": " It is being deleted: what the operator put into the list is taken out first.",
    "unknown": (
        " It is being deleted, and nothing says what becomes of its entries: set "
        "spec.deletionPolicy to Revoke or Detach."
    ),
}


def _spec(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return _wrong(details, target) + _LEAVING.get(details.get("leaving", ""), "")


def _wrong(details: _Details, target: Target | None) -> str:
    if details.keys() & {"field", "path", "message", "value"}:
        path = details.get("field") or details.get("path") or "spec"
        return sentence(f"{path}: {details.get('message') or details.get('value', 'invalid')}")
    if target is not None and target.problems:
        first, *others = target.problems
        more = f" {len(others)} more fields are wrong." if others else ""
        return sentence(f"{first.path}: {first.message}") + more
    return "The spec cannot be used; what has ended is still taken away."


def _unrestricted(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return unrestricted_sentence(details=details, name=name)


def _lost(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    problem = _upper(details.get("problem", "the ledger cannot be used"))
    if details.get("code") == "":
        return f"{problem}. Until then what is known to end is taken away, and nothing is added."
    return (
        f"{problem}: entries of known grants "
        "count as ours, the others are kept, nothing is added. Restore the ledger, or accept this: "
        f"{_acknowledge(details, subject=_subject(name, cluster, target))}"
    )


def _held(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return (
        f"{details.get('count', 'Many')} removals at once ({details.get('causes', 'unknown')}) "
        "wait for a person: if they are a mistake, bring back what vanished; if they are meant: "
        f"{_acknowledge(details, subject=_subject(name, cluster, target))}"
    )


def _subject(name: str, cluster: str, target: Target | None) -> str:
    """What a person annotates: the target, or the ledger of one that is gone."""
    return f"aat {name}" if target is not None else f"configmap {ledger_name(cluster)}"


def _acknowledge(details: _Details, *, subject: str) -> str:
    return (
        f"`kubectl annotate --overwrite {subject} "
        f"aksaccess.dev/acknowledge={details.get('code', '<code>')}`."
    )


def orphan_sentence(*, entries: Sequence[str], target: str, cluster: str, why: str) -> str:
    """Access that a ledger without its target cannot take away; `why` = what keeps it.

    The cluster's id stands in the command alone: an Event has room for 1024 bytes, and loses what
    is in the middle where that is not enough.
    """
    stand = f"{listed(entries)} stand" if entries else "What it holds stands"
    return (
        f"{stand} open on {cluster_name(cluster)}, whose target {target} is gone: "
        f"{sentence(why or 'the removal was not confirmed')} Remove the cause, or "
        f"create a target for the cluster again; by hand: `az aks update {az_flags(cluster)} "
        "--api-server-authorized-ip-ranges` with every other entry of the list, never an empty one."
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _unsupported(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return unsupported_sentence(kind=details.get("kind", ""), cluster=cluster, on_grant=False)


def _egress(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return egress_sentence(outbound=details.get("outbound", ""))


def _sets(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return (
        f"baseline.rangeSetRefs: {details.get('sets', 'a set')} does not resolve; its last ranges "
        "stay. See `kubectl get iprs`, and mend it or take the reference out."
    )


def _capacity(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    limit, left_out = details.get("limit", "200"), details.get("platform", "")
    room, ways, said = f"the {limit} entries that AKS takes", [], []
    if left_out:
        said.append(f"Left out, because {room} are used up: {left_out} of baseline or egress.")
        ways.append("shorten spec.baseline")
    if details.get("grants") or not left_out:
        said.append(f"Not every grant fits into {room}.")
        if details.get("next"):
            said.append(f"Next to free: {details['next']}.")
        ways.append("end grants")
    raises = "" if limit == "2000" else "; VNet integration raises the limit to 2,000"
    return f"{' '.join(said)} Merge ranges, or {' and '.join(ways)}{raises}."


def _busy(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    return f"Cluster is {details.get('state', 'busy')}; the write waits. Nothing to do."


def _progressing(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    what = details.get("what", "The list is being written and read back")
    return sentence(what)


def _refused(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    said = sentence(azure_text(details.get("said", "")) or "it gave no reason")
    again = f" Next try at {details['next']}." if details.get("next") else ""
    entries = details.get("entries", "")
    match details.get("phase"):
        case SearchPhase.STANDING:
            whose = f"{entries}, which is not ours" if details.get("foreign") else entries
            it = (
                f"It names {whose}" if entries else "An entry that stands there already is to blame"
            )
            return (
                f"Azure refuses the list of {name} even without additions: {said} {it}: correct or "
                f"remove that one in Azure. Until then nothing is added.{again}"
            )
        case SearchPhase.OWN:
            return (
                f"Azure refuses {entries or 'an entry'} of baseline or egress: {said} Mend "
                f"spec.baseline or spec.nodeEgress of aat/{name}; until then nothing is "
                f"added.{again}"
            )
        case _ if details.get("grants") == "0":
            return (
                f"Azure refused a list with additions of baseline or egress: {said} Whether these "
                f"are to blame is being found out.{again or ' Nothing to do.'}"
            )
        case _:
            return (
                f"Azure refused a list with additions: {said} Which of "
                f"{details.get('grants', 'several')} grants is to blame is being found out, the "
                f"others follow.{again or ' Nothing to do.'}"
            )


def _conflict(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    entries = f" ({details['entries']})" if details.get("entries") else ""
    again = f", next at {details['again']}" if details.get("again") else ""
    return (
        f"Something else keeps undoing our writes{entries}: entries are added again once an hour "
        f"only{again}; removals stay prompt. Find it (an az script, Terraform's "
        "authorized_ip_ranges, another operator), leave each entry to one of the two, then "
        f"annotate aat/{name} with reconcile.aksaccess.dev/requestedAt."
    )


def _broad(details: _Details, name: str, cluster: str, target: Target | None) -> str:
    ways = []
    if details.get("entries") or not (details.get("platform") or details.get("going")):
        ways.append(
            f"{details.get('entries') or 'An entry'}, not ours: stays until it is taken out in "
            "Azure, or mode is Exclusive."
        )
    if details.get("platform"):
        ways.append(f"{details['platform']}: narrow it in baseline or nodeEgress.")
    if details.get("going"):
        ways.append(
            f"{details['going']}, wanted by nobody any more: goes once what else is reported here "
            "is settled."
        )
    return f"So wide that the list protects little: {' '.join(ways)}"


_SPECIAL: Mapping[TargetReason, Callable[[_Details, str, str, Target | None], str]] = {
    TargetReason.REVOCATION_OVERDUE: _overdue,
    TargetReason.INVALID_SPEC: _spec,
    TargetReason.CLUSTER_UNRESTRICTED: _unrestricted,
    TargetReason.LEDGER_LOST: _lost,
    TargetReason.MASS_REMOVAL_HELD: _held,
    TargetReason.UNSUPPORTED_CLUSTER: _unsupported,
    TargetReason.NODE_EGRESS_UNKNOWN: _egress,
    TargetReason.RANGE_SET_NOT_RESOLVED: _sets,
    TargetReason.CAPACITY_EXCEEDED: _capacity,
    TargetReason.CLUSTER_BUSY: _busy,
    TargetReason.PROGRESSING: _progressing,
    TargetReason.CONFLICTING_OWNER: _conflict,
    TargetReason.WRITE_REFUSED: _refused,
    TargetReason.BROAD_ENTRY: _broad,
}

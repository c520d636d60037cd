"""What people read on a target whose cluster has no list: anyone can reach it.

Somebody cleared the list, and it goes back now or later; or it was never restricted, and closing it
takes a person who says so.
"""

from collections.abc import Mapping

_CLEARED = {
    "target": (
        "nothing puts it back, because its target is gone: create that again, or delete its ledger "
        "to leave the cluster open."
    ),
    "suspend": "it goes back when spec.suspend is taken out.",
    "spec": "it goes back when the spec is mended.",
    "view": "it goes back when every object of this API can be listed again.",
    "leaving": "the target is being deleted with Detach, so it is left alone.",
    "unsendable": "nothing of it may be sent again: put every client's egress in baseline.",
    "nothing": (
        "nothing is left to put back, and 0.0.0.0/32 alone could cut off nodes with outbound type "
        "{outbound}: put every client's egress in baseline."
    ),
}


def unrestricted_sentence(*, details: Mapping[str, str], name: str) -> str:
    """Anyone can reach `name`; why that is so, and what closes it."""
    if details.get("cleared"):
        way = _CLEARED[details["cleared"]].format(outbound=details.get("outbound", "unknown"))
        return f"Anyone can reach {name}. Somebody cleared its list, and {way}"
    if details.get("ready"):
        return (
            f"Anyone can reach {name}. restrictUnrestricted is set; it is closed as soon as what "
            "else is reported here allows."
        )
    if details.get("opted_in"):
        return (
            f"Anyone can reach {name}. restrictUnrestricted is set, and closing it needs something "
            "to let in: put every client's egress in baseline."
        )
    return (
        f"Anyone can reach {name}; it was never restricted, and is left alone. Put every client's "
        "egress in baseline, then set restrictUnrestricted."
    )

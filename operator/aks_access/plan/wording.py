"""Small pieces that every sentence is made of: instants, lists, Azure's text, the way out.

A sentence names fixed instants only, so that an unchanged state is an unchanged message.
"""

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from aks_access.api.arm import ArmId, ArmIdError

AZURE_TEXT_LIMIT = 300
LISTED = 5

_REQUEST_IDS = re.compile(
    r"\b(?:request|correlation|activity|trace|operation)[ -]?id\b['\" :=]*[0-9a-f-]{8,}[.,;'\"]*",
    re.IGNORECASE,
)
_STAMPS = re.compile(r"\btimestamp\b['\" :=]*[0-9][0-9TZ:. +-]*", re.IGNORECASE)


def instant(when: datetime) -> str:
    """`2026-11-22T12:02Z`, with seconds only where there are any."""
    utc = when.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ" if utc.second else "%Y-%m-%dT%H:%MZ")


def listed(items: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    shown = ", ".join(items[:LISTED])
    rest = len(items) - LISTED
    return f"{shown} and {rest} more" if rest > 0 else shown


def way_out(advice: str, *, contact: str) -> str:
    """The closing sentence: what to do, and whom to ask where the target names somebody."""
    return f"{advice}, or ask {contact}." if contact else f"{advice}."


def ask(contact: str) -> str:
    """Whom to ask where nothing else helps."""
    return f"Ask {contact}." if contact else "Ask the platform team."


def azure_text(message: str) -> str:
    """Azure's sentence, one printable line of at most 300 characters, without request ids."""
    printable = "".join(char if char.isprintable() else " " for char in message)
    text = " ".join(_STAMPS.sub("", _REQUEST_IDS.sub("", printable)).split())
    if len(text) > AZURE_TEXT_LIMIT:
        text = text[: AZURE_TEXT_LIMIT - 1].rstrip() + "…"
    return text


def sentence(text: str) -> str:
    """The text, closed by a full stop unless it ends a sentence already."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def cluster_name(cluster: str) -> str:
    """The name in a cluster's ARM id; text that is none, as it is."""
    try:
        return ArmId.parse(cluster).name
    except ArmIdError:
        return cluster


def az_flags(cluster: str) -> str:
    """`--subscription id -g group -n name` of a cluster's ARM id, for a command to copy.

    Without its subscription the command would go to that of somebody's log-in, where another
    cluster may have the same group and name.
    """
    try:
        parts = ArmId.parse(cluster)
    except ArmIdError:
        return "--subscription <subscription> -g <group> -n <cluster>"
    # A group's name may begin like an option, and az would then miss that of -g.
    is_odd = parts.group.startswith("-")
    group = [f"--resource-group={parts.group}"] if is_odd else ["-g", parts.group]
    return shlex.join(["--subscription", parts.subscription, *group, "-n", parts.name])

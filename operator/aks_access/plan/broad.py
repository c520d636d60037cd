"""Entries so wide that the list protects little: flagged, and kept as they are.

Nothing that grants ask for is that wide (the API's own limit), so these are somebody else's, or the
platform's. Each is judged alone: a full list of narrower ones is 3 % of IPv4.
"""

from typing import Final

from aks_access.plan.listing import parsed

WIDEST: Final = 16
"""An entry with a shorter prefix is broad; so is a service tag, which holds other people's
addresses (AzureCloud: every virtual machine in Azure)."""


def broad(entry: str) -> bool:
    """Whether the entry, as Azure holds it, is broad."""
    value = parsed(entry)
    return value is None or value.prefix < WIDEST

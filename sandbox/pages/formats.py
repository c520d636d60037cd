"""The page of formats: ranges, times, durations, and the networks nobody comes from."""

from typing import Final

from aks_access.api.duration import MAX_DURATION, format_duration
from aks_access.api.ranges import MIN_GRANT_PREFIX, MIN_PLATFORM_PREFIX, SPECIAL_NETWORKS
from sandbox.pages.markdown import code, head, table

_TEXT: Final = f"""
## Times

RFC 3339 with a zone: `2026-11-22T18:00:00Z` or `2026-11-22T19:00:00+01:00`. In YAML a time may
stand without quotes.

## Durations

Hours, minutes and seconds in that order, each a whole number: `4h30m`, `90m`, `45s`. More than zero
and at most `{format_duration(MAX_DURATION)}`. The operator's own [settings](settings.md) also take
`500ms` and `0.5s`.

## Ranges

An IPv4 network in CIDR notation without host bits (`20.50.1.0/28`), or a single address
(`81.2.69.142`), which is the same as `/32`. AKS takes no IPv6.

| Where | Widest |
|---|---|
| a grant's `ipRanges` | /{MIN_GRANT_PREFIX}, and what the target's `policy.minPrefixLength` says |
| `baseline`, `nodeEgress`, an IPRangeSet, `--management-egress` | /{MIN_PLATFORM_PREFIX} |
| `policy.allowedRanges` and `policy.deniedRanges` | any |

What goes into a cluster's list is public: the address clients leave their network by, as the
internet sees it. A range that overlaps one of these is refused:
"""


def page() -> str:
    """The page."""
    rows = ((code(str(net.range)), net.name, net.source) for net in SPECIAL_NETWORKS)
    source = "operator/aks_access/api/ranges.py and duration.py"
    return head("Formats", source=source) + _TEXT + table(("Network", "What it is", "Source"), rows)

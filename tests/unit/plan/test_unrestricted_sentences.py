"""What people read on a target whose cluster anyone can reach, word for word."""

from collections.abc import Mapping

import pytest

from aks_access.api.reasons import TargetReason as R
from tests.unit.plan.said import say


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            R.CLUSTER_UNRESTRICTED,
            {},
            "Anyone can reach prod; it was never restricted, and is left alone. Put every "
            "client's egress in baseline, then set restrictUnrestricted.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"cleared": "suspend", "outbound": "loadBalancer"},
            "Anyone can reach prod. Somebody cleared its list, and it goes back when spec.suspend "
            "is taken out.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"cleared": "nothing", "outbound": "userDefinedRouting"},
            "Anyone can reach prod. Somebody cleared its list, and nothing is left to put back, "
            "and 0.0.0.0/32 alone could cut off nodes with outbound type userDefinedRouting: put "
            "every client's egress in baseline.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"cleared": "nothing"},
            "Anyone can reach prod. Somebody cleared its list, and nothing is left to put back, "
            "and 0.0.0.0/32 alone could cut off nodes with outbound type unknown: put every "
            "client's egress in baseline.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"opted_in": "yes", "ready": ""},
            "Anyone can reach prod. restrictUnrestricted is set, and closing it needs something "
            "to let in: put every client's egress in baseline.",
        ),
        (
            R.CLUSTER_UNRESTRICTED,
            {"opted_in": "yes", "ready": "yes"},
            "Anyone can reach prod. restrictUnrestricted is set; it is closed as soon as what "
            "else is reported here allows.",
        ),
    ],
)
def test_a_finding_names_the_way_out(reason: R, details: Mapping[str, str], said: str) -> None:
    assert say(reason, details) == said

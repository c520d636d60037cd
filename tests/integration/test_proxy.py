"""The operator behind a proxy, and with authorities of its own: the variables that the chart sets.

Azure is `localhost` here and the management cluster `127.0.0.1`, so that NO_PROXY tells them apart.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from sandbox.arm.process import ArmProcess
from sandbox.chart import apply_chart
from sandbox.controlplane import ControlPlane
from sandbox.operator import OperatorProcess
from sandbox.processes import wait_until
from tests.integration.tunnels import Tunnels

CLUSTER = (
    "/subscriptions/5f2c1c1e-8a3d-4b7e-9a51-0d6f2b3c4d5e/resourceGroups/rg/providers"
    "/Microsoft.ContainerService/managedClusters/far"
)
TARGET = f"""
apiVersion: aksaccess.dev/v1alpha1
kind: ApiAccessTarget
metadata: {{name: far}}
spec:
  resourceId: {CLUSTER}
  mode: Observe
  policy: {{allowedNamespaces: {{from: All}}}}
"""


@pytest.fixture
def arm() -> Iterator[ArmProcess]:
    with ArmProcess() as made:
        made.control.create_cluster(CLUSTER, ranges=["20.1.0.0/24"])
        yield made


def works_behind(
    tunnels: Tunnels, *, plane: ControlPlane, arm: ArmProcess, no_proxy: str
) -> set[str]:
    """Run an operator until it has read its cluster; return where the proxy was asked to go."""
    apply_chart(plane)
    plane.kubectl("apply", "--filename", "-", input=TARGET)
    endpoint = f"https://localhost:{urlsplit(arm.url).port}"
    variables = {
        "SSL_CERT_FILE": str(arm.ca_file),
        "HTTPS_PROXY": tunnels.url,
        "NO_PROXY": no_proxy,
    }
    with OperatorProcess(
        plane=plane,
        arm=arm,
        environment=variables,
        azure_endpoint=endpoint,
        azure_authority=endpoint,
        azure_ca_file="",
    ) as operator:
        operator.wait_leading()
        read = "{.status.summary.state}"
        wait_until(
            lambda: plane.kubectl("get", "aat", "far", f"-o=jsonpath={read}").stdout == "Observing",
            what="the cluster to be read",
            timeout=30.0,
            detail=operator.log_tail,
        )
    return set(tunnels.opened)


@pytest.mark.timeout(120)
def test_azure_is_reached_through_the_proxy_alone(
    own_control_plane: ControlPlane, arm: ArmProcess
) -> None:
    """Tokens and clusters both, with authorities from SSL_CERT_FILE; the API server directly."""
    with Tunnels() as tunnels:
        opened = works_behind(tunnels, plane=own_control_plane, arm=arm, no_proxy="127.0.0.1")
    assert opened == {f"localhost:{urlsplit(arm.url).port}"}
    assert len(tunnels.opened) >= 2  # Entra ID has a session of its own


@pytest.mark.timeout(120)
def test_without_an_exception_the_api_server_is_behind_it_too(
    own_control_plane: ControlPlane, arm: ArmProcess
) -> None:
    """Why the chart always excepts it; requests and watches both follow the variable."""
    with Tunnels() as tunnels:
        opened = works_behind(tunnels, plane=own_control_plane, arm=arm, no_proxy="")
    assert f"127.0.0.1:{urlsplit(own_control_plane.url).port}" in opened

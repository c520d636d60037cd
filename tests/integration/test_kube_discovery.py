"""What the operator asks for at its start, and that the chart grants exactly that."""

from collections.abc import Callable

import pytest

from aks_access.kube.connection import Access, Connection
from aks_access.kube.discovery import Discovery, required_rights
from sandbox.chart import NAMESPACE
from sandbox.controlplane import ControlPlane
from tests.integration.kube_support import operator_access

pytestmark = pytest.mark.integration

LEASE = "aks-access-operator"


async def test_the_chart_grants_every_right(control_plane: ControlPlane) -> None:
    async with await Connection.open(access=operator_access(control_plane)) as connection:
        discovery = Discovery(connection=connection, lease=LEASE)
        assert await discovery.missing_kinds() == []
        assert await discovery.missing_rights(namespace=NAMESPACE) == []


async def test_missing_rights_are_named(
    control_plane: ControlPlane, namespace: str, unique: Callable[[str], str]
) -> None:
    account = unique("account")
    control_plane.request(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": account}}
    )
    access = Access(kubeconfig=str(control_plane.kubeconfig_for(account, namespace)))
    async with await Connection.open(access=access) as connection:
        missing = await Discovery(connection=connection, lease=LEASE).missing_rights(
            namespace=NAMESPACE
        )
    assert len(missing) == len(required_rights(namespace=NAMESPACE, lease=LEASE))
    assert missing[0].startswith(
        "the operator may not get apiaccessgrants.aksaccess.dev in the whole cluster: add it"
    )
    assert any(
        f"update leases.coordination.k8s.io {LEASE} in namespace {NAMESPACE}" in m for m in missing
    )

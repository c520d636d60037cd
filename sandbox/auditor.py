"""The API server's audit log as witness of the operator's writes: nothing escapes it."""

from collections.abc import Sequence
from http import HTTPStatus

from sandbox.chart import NAMESPACE, SERVICE_ACCOUNT
from sandbox.controlplane import AuditEvent, ControlPlane
from sandbox.management import Write

_USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class Auditor:
    """Reads the audit log of a control plane of ours."""

    title = "Writes to Kubernetes, by the API server's audit log, without the Lease's renewals"
    silence = "no write to Kubernetes but the Lease's renewals"
    left_out = ""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def writes(self) -> Sequence[Write]:
        """Every write that was asked for, refused ones too."""
        return [
            Write(
                resource=event.resource + (f"/{event.subresource}" if event.subresource else ""),
                verb=event.verb,
                what=f"{event.verb} {event.uri}",
                refused=event.code >= HTTPStatus.BAD_REQUEST,
            )
            for event in self._plane.audit(_counts)
        ]


def _counts(event: AuditEvent) -> bool:
    return (
        event.user == _USER
        and event.verb in _WRITES
        and event.resource != "leases"
        # a review asks what the operator may do, and stores nothing
        and not event.resource.endswith("reviews")
    )

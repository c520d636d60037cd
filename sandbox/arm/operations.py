"""Asynchronous operations: what runs on a cluster, how it ends, and its status resource."""

import datetime
import uuid
from dataclasses import dataclass
from enum import StrEnum

from sandbox.arm.messages import JsonObject


class Kind(StrEnum):
    """What an operation does; the value is the cluster's provisioningState meanwhile."""

    CREATE = "Creating"
    UPDATE = "Updating"
    SCALE = "Scaling"
    START = "Starting"
    STOP = "Stopping"
    DELETE = "Deleting"
    ABORT = "Canceling"


class Status(StrEnum):
    """Status of an operation; all but InProgress are terminal."""

    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an operation will end.

    An error code beside `Succeeded` is shown all along and means nothing: real operations carry
    `NotLatestOperation` that way. `keep_list` says whether a failed operation leaves the new
    list in the answers (as AKS may) or puts the old one back.
    """

    status: Status = Status.SUCCEEDED
    code: str = ""
    message: str = ""
    keep_list: bool = True


@dataclass(slots=True, kw_only=True)
class Operation:
    """One asynchronous operation on one cluster."""

    operation_id: str
    kind: Kind
    cluster_key: str
    subscription: str
    location: str
    started: float
    """Epoch seconds."""
    ends: float
    """Monotonic seconds."""
    seconds: float
    outcome: Outcome
    list_before: list[str] | None = None
    status: Status = Status.IN_PROGRESS
    error: tuple[str, str] | None = None
    ended: float | None = None
    """Epoch seconds."""

    @property
    def running(self) -> bool:
        """Whether the operation has not come to its end."""
        return self.status is Status.IN_PROGRESS

    def finish(self, *, status: Status, ended: float, code: str = "", message: str = "") -> None:
        """Set the terminal status; `ended` in epoch seconds."""
        self.status = status
        self.ended = ended
        if code:
            self.error = (code, message)

    def answer(self) -> JsonObject:
        """Return the status resource's body.

        Its name is the URL's guid in the other byte order, as recorded: not to be matched on.
        """
        name = str(uuid.UUID(bytes_le=uuid.UUID(self.operation_id).bytes))
        body: JsonObject = {
            "name": name,
            "status": str(self.status),
            "startTime": timestamp(self.started),
        }
        if self.ended is not None:
            body["endTime"] = timestamp(self.ended)
        if self.error is not None:
            body["error"] = {"code": self.error[0], "message": self.error[1]}
        return body


def timestamp(epoch: float) -> str:
    """Return epoch seconds as ARM writes them: RFC 3339, UTC, seven decimals."""
    moment = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"

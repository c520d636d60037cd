"""Settings of the leader election; how long a write to Azure may take is bound by the Lease."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aks_access.errors import SettingsError
from aks_access.settings.forms import DNS_LABEL, SECONDS, TEXT, format_seconds
from aks_access.settings.group import Group, require
from aks_access.settings.setting import declare

LONGEST_LEASE: Final = 600.0
"""Seconds. A Lease that says it is longer is nonsense, or hostile: believed, it would keep every
replica from leading for as long as it says."""


def _identity(environment: Mapping[str, str]) -> str:
    return environment.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True, kw_only=True)
class LeaseSettings(Group):
    """How replicas agree on who leads; durations in seconds."""

    section = "Leader election"

    identity: str = declare(
        TEXT,
        "This process's name in the Lease; each replica needs its own.",
        absent="",
        default_words="$POD_NAME, else host name and process id",
        surroundings=_identity,
    )
    lease_name: str = declare(DNS_LABEL, "Name of the Lease.", default="aks-access-operator")
    lease_duration: float = declare(
        SECONDS,
        "How long the Lease holds without being renewed; whole seconds, at most 10m. An event "
        "loop that hangs for longer ends the process.",
        default="30s",
    )
    renew_deadline: float = declare(
        SECONDS,
        "How long the leader tries to renew before it stops leading; below lease-duration.",
        default="20s",
    )
    retry_period: float = declare(
        SECONDS, "Time between two tries; below renew-deadline.", default="5s"
    )
    put_timeout: float = declare(
        SECONDS,
        "Longest wait for Azure's answer to a write. A write starts only while the Lease "
        "outlasts it: not above renew-deadline, and below lease-duration less retry-period.",
        default="20s",
    )

    def __post_init__(self) -> None:
        if not self.identity:
            object.__setattr__(self, "identity", _identity({}))
        lease = self.lease_duration
        if lease != int(lease):
            raise SettingsError(
                f"--lease-duration: {format_seconds(lease)} is not a whole number of seconds, "
                "which is all that a Lease can hold; write one like 30s."
            )
        room = lease - self.retry_period
        require(
            lease <= LONGEST_LEASE,
            name="lease-duration",
            value=lease,
            rule="not above the longest Lease",
            limit=LONGEST_LEASE,
        )
        require(
            self.renew_deadline < lease,
            name="renew-deadline",
            value=self.renew_deadline,
            rule="below lease-duration",
            limit=lease,
        )
        require(
            self.retry_period < self.renew_deadline,
            name="retry-period",
            value=self.retry_period,
            rule="below renew-deadline",
            limit=self.renew_deadline,
        )
        require(
            self.put_timeout <= self.renew_deadline,
            name="put-timeout",
            value=self.put_timeout,
            rule="not above renew-deadline",
            limit=self.renew_deadline,
        )
        require(
            self.put_timeout < room,
            name="put-timeout",
            value=self.put_timeout,
            rule="below lease-duration less retry-period, or the Lease never outlasts a write",
            limit=room,
        )
        super().__post_init__()

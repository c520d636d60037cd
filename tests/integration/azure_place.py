"""`ArmClusters` with the real SDK and real credentials, beside the ARM emulator that it asks."""

import base64
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aks_access.azure.clusters import ArmClusters, ArmOptions
from aks_access.azure.credentials import Credentials
from aks_access.engine.ports import ClusterRef
from aks_access.errors import AzureError
from aks_access.settings.azure import AzureCredential
from sandbox.arm.app import ArmEmulator
from sandbox.arm.journal import JournalEntry

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
TENANT = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/prod"
REF = ClusterRef(CLUSTER)
LIST = ["20.1.0.0/24", "20.9.9.9/32"]
WANTED = ["20.1.0.0/24", "20.5.5.5/32"]


@dataclass
class Seen:
    """What the calls told of themselves."""

    dates: list[datetime] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)

    def call(self, *, operation: str, outcome: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.calls.append((operation, outcome))


@dataclass
class Place:
    """The emulator and clusters under test, closed together."""

    arm: ArmEmulator
    directory: Path
    seen: Seen = field(default_factory=Seen)
    closing: list[Any] = field(default_factory=list)

    def clusters(
        self, *, kind: AzureCredential = AzureCredential.CLIENT_SECRET, **options: Any
    ) -> ArmClusters:
        credentials = Credentials(
            kind=kind,
            authority=self.arm.url,
            instance_discovery=False,
            ca_file=self.arm.ca_file,
            environment={
                "AZURE_CLIENT_ID": "operator",
                "AZURE_TENANT_ID": TENANT,
                "AZURE_CLIENT_SECRET": "s3cret",
                "AZURE_FEDERATED_TOKEN_FILE": str(self.directory / "token"),
            },
        )
        standard: dict[str, Any] = {
            "endpoint": self.arm.url,
            "scope": "https://management.azure.com/.default",
            "api_version": "2025-10-01",
            "ca_file": self.arm.ca_file,
        }
        made = ArmClusters(
            options=ArmOptions(**(standard | options)),
            credentials=credentials,
            on_date=self.seen.dates.append,
            on_call=self.seen.call,
        )
        self.closing += [made, credentials]
        return made

    def requests(self, method: str) -> list[JournalEntry]:
        """What ARM got, on the cluster itself."""
        return [
            entry
            for entry in self.arm.control.journal()
            if entry.area == "arm" and entry.method == method and entry.cluster
        ]

    def arrived(self, method: str) -> int:
        """How many requests reached the server, reset ones included."""
        return sum(
            entry.method == method and "managedclusters" in entry.path.lower()
            for entry in self.arm.control.journal()
        )


def write_token(directory: Path, *, subject: str = "operator") -> None:
    """A service account's token, as a projected volume has it."""
    claims = {
        "iss": "https://issuer",
        "sub": subject,
        "aud": ["api://AzureADTokenExchange"],
        "exp": int(time.time()) + 600,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, claims, "signature")
    ]
    (directory / "token").write_text(".".join(parts))


async def fault_of(call: Any) -> AzureError:
    """What a call that must fail raises."""
    with pytest.raises(AzureError) as caught:
        await call
    return caught.value

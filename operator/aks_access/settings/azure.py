"""Settings of the way to Azure: which cloud, as whom, in which version of its API."""
# ruff: noqa: RUF009 - `declare` returns dataclasses.field(...), which is made for this place

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from aks_access.settings.forms import API_VERSION, BOOLEAN, EXISTING_FILE, HTTPS_URL, SCOPE, choice
from aks_access.settings.group import Group
from aks_access.settings.setting import declare, declare_optional

PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"


class AzureCredential(StrEnum):
    """Where the operator's own tokens come from."""

    WORKLOAD_IDENTITY = "workload-identity"
    MANAGED_IDENTITY = "managed-identity"
    CLIENT_SECRET = "client-secret"
    CLI = "cli"
    DEFAULT = "default"


def _authority(environment: Mapping[str, str]) -> str:
    host = environment.get("AZURE_AUTHORITY_HOST", "")
    return host if "://" in host or not host else f"https://{host}"  # azure-identity takes both


@dataclass(frozen=True, kw_only=True)
class AzureSettings(Group):
    """How Azure is reached."""

    section = "Azure"

    azure_endpoint: str = declare(
        HTTPS_URL,
        "Azure Resource Manager. Government: https://management.usgovcloudapi.net, China: "
        "https://management.chinacloudapi.cn.",
        default="https://management.azure.com",
    )
    azure_authority: str = declare(
        HTTPS_URL,
        "Microsoft Entra ID, where tokens come from. Government: "
        "https://login.microsoftonline.us, China: https://login.chinacloudapi.cn.",
        default=PUBLIC_AUTHORITY,
        default_words=f"$AZURE_AUTHORITY_HOST, else {PUBLIC_AUTHORITY}",
        surroundings=_authority,
    )
    azure_scope: str = declare(
        SCOPE,
        "Scope of the tokens for Azure Resource Manager. Government's is not its endpoint: "
        "https://management.core.usgovcloudapi.net/.default.",
        absent="",
        default_words="the azure-endpoint followed by /.default",
    )
    azure_ca_file: Path | None = declare_optional(
        EXISTING_FILE,
        "Certificate authorities (PEM) to trust for Azure instead of the system's, for a proxy "
        "that inspects TLS.",
        default_words="the system's",
    )
    azure_instance_discovery: bool = declare(
        BOOLEAN,
        "Whether the authority is checked against Microsoft's list of clouds. false for a "
        "private or disconnected cloud.",
        default="true",
    )
    azure_credential: AzureCredential = declare(
        choice(AzureCredential),
        "Where the operator's own tokens come from; the details stand in the usual AZURE_* "
        "variables. default tries one after the other, which hides mistakes.",
        default="workload-identity",
    )
    azure_api_version: str = declare(
        API_VERSION,
        "Version of the managed cluster API. 2025-10-01 has the eTag that guards every "
        "write; a newer one may not be served in every region and cloud yet.",
        default="2025-10-01",
    )

    def __post_init__(self) -> None:
        if not self.azure_scope:
            object.__setattr__(self, "azure_scope", f"{self.azure_endpoint}/.default")
        super().__post_init__()

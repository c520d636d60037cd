"""Every setting of the operator, once: flag, variable, default, unit and meaning.

The fields of `Settings` carry their own description, and the flags of `aks-access run`, its help
and docs/reference/settings.md are made from it, so none of them can say anything else. Flags win
over `AKS_ACCESS_*` variables, which win over defaults. Durations are seconds once read.
"""
# ruff: noqa: RUF009 - `declare` returns dataclasses.field(...), which is made for this place

import difflib
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from aks_access.api.names import OPERATOR_NAMESPACE
from aks_access.api.ranges import IPv4Range
from aks_access.errors import SettingsError
from aks_access.plan.pace import Bucket, Pace
from aks_access.setting import (
    API_VERSION,
    BOOLEAN,
    DNS_LABEL,
    EXISTING_FILE,
    HTTPS_URL,
    LABEL_KEY,
    METADATA,
    RANGES,
    SCOPE,
    SECONDS,
    TEXT,
    VARIABLE_PREFIX,
    Setting,
    choice,
    declare,
    declare_optional,
    format_seconds,
    integer,
)

LONGEST_LEASE: Final = 600.0
"""Seconds. A Lease that says it is longer is nonsense, or hostile: believed, it would keep every
replica from leading for as long as it says."""
PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"
NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class AzureCredential(StrEnum):
    """Where the operator's own tokens come from."""

    WORKLOAD_IDENTITY = "workload-identity"
    MANAGED_IDENTITY = "managed-identity"
    CLIENT_SECRET = "client-secret"
    CLI = "cli"
    DEFAULT = "default"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    JSON = "json"
    TEXT = "text"


def _authority(environment: Mapping[str, str]) -> str:
    host = environment.get("AZURE_AUTHORITY_HOST", "")
    return host if "://" in host or not host else f"https://{host}"  # azure-identity takes both


def _namespace(_environment: Mapping[str, str]) -> str:
    try:
        return NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _identity(environment: Mapping[str, str]) -> str:
    return environment.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"


_AZURE: Final = "Azure"
_KUBERNETES: Final = "Kubernetes"
_LEADER: Final = "Leader election"
_PACE: Final = "Pace of the work"
_ACCESS: Final = "Access"
_WATCH: Final = "Watching the operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; durations in seconds. `load` is the way to make one from text.

    Raises SettingsError where values contradict each other.
    """

    azure_endpoint: str = declare(
        _AZURE,
        HTTPS_URL,
        "Azure Resource Manager. Government: https://management.usgovcloudapi.net, China: "
        "https://management.chinacloudapi.cn.",
        default="https://management.azure.com",
    )
    azure_authority: str = declare(
        _AZURE,
        HTTPS_URL,
        "Microsoft Entra ID, where tokens come from. Government: "
        "https://login.microsoftonline.us, China: https://login.chinacloudapi.cn.",
        default=PUBLIC_AUTHORITY,
        default_words=f"$AZURE_AUTHORITY_HOST, else {PUBLIC_AUTHORITY}",
        surroundings=_authority,
    )
    azure_scope: str = declare(
        _AZURE,
        SCOPE,
        "Scope of the tokens for Azure Resource Manager. Government's is not its endpoint: "
        "https://management.core.usgovcloudapi.net/.default.",
        absent="",
        default_words="the azure-endpoint followed by /.default",
    )
    azure_ca_file: Path | None = declare_optional(
        _AZURE,
        EXISTING_FILE,
        "Certificate authorities (PEM) to trust for Azure instead of the system's, for a proxy "
        "that inspects TLS.",
        default_words="the system's",
    )
    azure_instance_discovery: bool = declare(
        _AZURE,
        BOOLEAN,
        "Whether the authority is checked against Microsoft's list of clouds. false for a "
        "private or disconnected cloud.",
        default="true",
    )
    azure_credential: AzureCredential = declare(
        _AZURE,
        choice(AzureCredential),
        "Where the operator's own tokens come from; the details stand in the usual AZURE_* "
        "variables. default tries one after the other, which hides mistakes.",
        default="workload-identity",
    )
    azure_api_version: str = declare(
        _AZURE,
        API_VERSION,
        "Version of the managed cluster API. 2025-10-01 has the eTag that guards every "
        "write; a newer one may not be served in every region and cloud yet.",
        default="2025-10-01",
    )
    namespace: str = declare(
        _KUBERNETES,
        DNS_LABEL,
        "Namespace of the Lease and the ledgers: the operator's own.",
        default=OPERATOR_NAMESPACE,
        default_words=f"the ServiceAccount's, else {OPERATOR_NAMESPACE}",
        surroundings=_namespace,
    )
    kubeconfig: Path | None = declare_optional(
        _KUBERNETES,
        EXISTING_FILE,
        "How to reach the management cluster; a pod needs neither this nor context.",
        default_words="the pod's ServiceAccount, else $KUBECONFIG, else ~/.kube/config",
    )
    context: str | None = declare_optional(
        _KUBERNETES, TEXT, "Context in the kubeconfig.", default_words="its current-context"
    )
    identity: str = declare(
        _LEADER,
        TEXT,
        "This process's name in the Lease; each replica needs its own.",
        absent="",
        default_words="$POD_NAME, else host name and process id",
        surroundings=_identity,
    )
    lease_name: str = declare(
        _LEADER, DNS_LABEL, "Name of the Lease.", default="aks-access-operator"
    )
    lease_duration: float = declare(
        _LEADER,
        SECONDS,
        "How long the Lease holds without being renewed; whole seconds, at most 10m. An event "
        "loop that hangs for longer ends the process.",
        default="30s",
    )
    renew_deadline: float = declare(
        _LEADER,
        SECONDS,
        "How long the leader tries to renew before it stops leading; below lease-duration.",
        default="20s",
    )
    retry_period: float = declare(
        _LEADER, SECONDS, "Time between two tries; below renew-deadline.", default="5s"
    )
    put_timeout: float = declare(
        _LEADER,
        SECONDS,
        "Longest wait for Azure's answer to a write. A write starts only while the Lease "
        "outlasts it: not above renew-deadline, and below lease-duration less retry-period.",
        default="20s",
    )
    first_poll: float = declare(
        _PACE,
        SECONDS,
        "Time from an accepted write to the first look at its outcome; AKS takes 40 to 100 s.",
        default="45s",
    )
    poll_interval: float = declare(
        _PACE, SECONDS, "Time between further looks at a write's outcome.", default="15s"
    )
    drift_interval: float = declare(
        _PACE,
        SECONDS,
        "Every cluster is read again at least this often, to find changes made elsewhere.",
        default="10m",
    )
    relist_interval: float = declare(
        _PACE,
        SECONDS,
        "Every kind is listed completely this often, to find what a watch has missed.",
        default="10m",
    )
    watch_idle_timeout: float = declare(
        _PACE,
        SECONDS,
        "A watch that is silent for this long is connected anew: a load balancer may have dropped "
        "it without a word. The API server speaks about once a minute.",
        default="70s",
    )
    settle_window: float = declare(
        _PACE,
        SECONDS,
        "Additions wait for this long a silence, so that a burst of changes becomes one write; "
        "removals never wait.",
        default="1s",
    )
    settle_limit: float = declare(
        _PACE,
        SECONDS,
        "Longest that additions wait for silence; not below settle-window.",
        default="5s",
    )
    namespace_additions: int = declare(
        _PACE,
        integer(lowest=1, highest=100, unit="number of writes"),
        "How many writes in a row may add to a cluster's list for the grants of one namespace; "
        "removals never wait.",
        default="10",
    )
    namespace_addition_interval: float = declare(
        _PACE,
        SECONDS,
        "After those a namespace may add to the cluster's list once in this time.",
        default="6m",
    )
    cluster_additions: int = declare(
        _PACE,
        integer(lowest=1, highest=100, unit="number of writes"),
        "The same for the grants of all namespaces; not below namespace-additions.",
        default="20",
    )
    cluster_addition_interval: float = declare(
        _PACE,
        SECONDS,
        "After those a cluster's list grows for grants once in this time; not above "
        "namespace-addition-interval.",
        default="2m",
    )
    workers: int = declare(
        _PACE,
        integer(lowest=1, highest=256, unit="number of workers"),
        "How many clusters are worked on side by side.",
        default="16",
    )
    shutdown_grace: float = declare(
        _PACE,
        SECONDS,
        "How long SIGTERM waits for Azure's answer to a write under way; after that the next "
        "leader finds out what became of it.",
        default="8s",
    )
    revocation_bound: float = declare(
        _ACCESS,
        SECONDS,
        "A removal that Azure has not confirmed this long after it fell due is RevocationOverdue.",
        default="15m",
    )
    retention: float = declare(
        _ACCESS,
        SECONDS,
        "How long an expired grant stays before it is deleted, unless it says otherwise itself "
        "or a GitOps tool tracks it.",
        default="24h",
    )
    management_egress: tuple[IPv4Range, ...] = declare(
        _ACCESS,
        RANGES,
        "Public addresses the management cluster leaves by; part of every list the operator "
        "writes, so that it and the GitOps tool beside it are never locked out.",
        absent=(),
    )
    argocd_instance_label: str = declare(
        _ACCESS,
        LABEL_KEY,
        "Argo CD's application.instanceLabelKey: tells which grants Argo CD would create again.",
        default="app.kubernetes.io/instance",
    )
    health_host: str = declare(
        _WATCH,
        TEXT,
        "Address that /livez, /readyz and /metrics listen on; :: for IPv6.",
        default="0.0.0.0",
    )
    health_port: int = declare(
        _WATCH,
        integer(lowest=0, highest=65535, unit="TCP port"),
        "Port that /livez, /readyz and /metrics listen on; 0 takes a free one.",
        default="8080",
    )
    log_level: LogLevel = declare(
        _WATCH,
        choice(LogLevel),
        "How much is logged. Audit lines are written at every level.",
        default="info",
    )
    log_format: LogFormat = declare(
        _WATCH,
        choice(LogFormat),
        "json for machines, text for people; one line per record either way.",
        default="json",
    )

    def __post_init__(self) -> None:
        if not self.azure_scope:
            object.__setattr__(self, "azure_scope", f"{self.azure_endpoint}/.default")
        if not self.identity:
            object.__setattr__(self, "identity", _identity({}))
        _check_together(self)

    @property
    def pace(self) -> Pace:
        """How often grants may add to a list."""
        return Pace(
            namespace=Bucket(
                burst=self.namespace_additions,
                every=timedelta(seconds=self.namespace_addition_interval),
            ),
            cluster=Bucket(
                burst=self.cluster_additions,
                every=timedelta(seconds=self.cluster_addition_interval),
            ),
        )

    @classmethod
    def load(cls, *, given: Mapping[str, str], environment: Mapping[str, str]) -> Self:
        """Settings from flags (`given`, by setting name), `environment` and defaults.

        An empty variable counts as absent. Raises SettingsError, whose message is one line that
        names the flag or variable, the value, the rule and the way out.
        """
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            source, text = _source(setting, given=given, environment=environment)
            if not source:
                continue
            try:
                values[setting.name.replace("-", "_")] = setting.form.parse(text)
            except ValueError as error:
                raise SettingsError(f"{source}: {error}.") from error
        return cls(**values)


def _source(
    setting: Setting, *, given: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, str]:
    """Where a setting's value comes from, in words for a message, and its text; "" = nowhere."""
    if setting.name in given:
        return setting.flag, given[setting.name]
    if text := environment.get(setting.variable, ""):
        return setting.variable, text
    if setting.surroundings and (text := setting.surroundings(environment)):
        return f"The default of {setting.flag} ({setting.default_words})", text
    return "", ""


SETTINGS: Final[tuple[Setting, ...]] = tuple(
    Setting(each.name.replace("_", "-"), *each.metadata[METADATA]) for each in fields(Settings)
)
"""Every setting, in the order of help and documentation."""


def _check_together(settings: Settings) -> None:
    """The rules that two settings make. Raises SettingsError."""
    lease = settings.lease_duration
    if lease != int(lease):
        raise SettingsError(
            f"--lease-duration: {format_seconds(lease)} is not a whole number of seconds, which "
            "is all that a Lease can hold; write one like 30s."
        )
    room = lease - settings.retry_period
    rules = (
        ("lease-duration", lease <= LONGEST_LEASE, "not above the longest Lease", LONGEST_LEASE),
        ("renew-deadline", settings.renew_deadline < lease, "below lease-duration", lease),
        (
            "retry-period",
            settings.retry_period < settings.renew_deadline,
            "below renew-deadline",
            settings.renew_deadline,
        ),
        (
            "put-timeout",
            settings.put_timeout <= settings.renew_deadline,
            "not above renew-deadline",
            settings.renew_deadline,
        ),
        (
            "put-timeout",
            settings.put_timeout < room,
            "below lease-duration less retry-period, or the Lease never outlasts a write",
            room,
        ),
        (
            "settle-limit",
            settings.settle_limit >= settings.settle_window,
            "not below settle-window",
            settings.settle_window,
        ),
        (
            "cluster-addition-interval",
            settings.cluster_addition_interval <= settings.namespace_addition_interval,
            "not above namespace-addition-interval",
            settings.namespace_addition_interval,
        ),
    )
    for name, holds, rule, limit in rules:
        if not holds:
            value = getattr(settings, name.replace("-", "_"))
            variable = VARIABLE_PREFIX + name.replace("-", "_").upper()
            raise SettingsError(
                f"--{name} ({variable}): {format_seconds(value)} must be {rule} "
                f"({format_seconds(limit)}); change one of them."
            )
    if settings.cluster_additions < settings.namespace_additions:
        raise SettingsError(
            f"--cluster-additions ({VARIABLE_PREFIX}CLUSTER_ADDITIONS): "
            f"{settings.cluster_additions} must be not below namespace-additions "
            f"({settings.namespace_additions}); change one of them."
        )


_SERVICE_LINK: Final = re.compile(r".*_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_\w+)?)")
"""Variables that Kubernetes makes for a Service, like AKS_ACCESS_OPERATOR_PORT_8080_TCP."""


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence for each `AKS_ACCESS_*` variable that no setting reads: perhaps a slip."""
    known = [setting.variable for setting in SETTINGS]
    sentences = []
    for name in sorted(environment):
        if name in known or not name.startswith(VARIABLE_PREFIX) or _SERVICE_LINK.fullmatch(name):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "remove it, or see aks-access run --help."
        sentences.append(f"The variable {name} is no setting and has no effect; {hint}")
    return tuple(sentences)

"""Settings of what the operator tells about itself: health, metrics and logs."""
# ruff: noqa: RUF009 - `declare` returns dataclasses.field(...), which is made for this place

from dataclasses import dataclass
from enum import StrEnum

from aks_access.settings.forms import TEXT, choice, integer
from aks_access.settings.group import Group
from aks_access.settings.setting import declare


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


@dataclass(frozen=True, kw_only=True)
class MonitoringSettings(Group):
    """How the operator is watched."""

    section = "Watching the operator"

    health_host: str = declare(
        TEXT,
        "Address that /livez, /readyz and /metrics listen on; :: for IPv6.",
        default="0.0.0.0",
    )
    health_port: int = declare(
        integer(lowest=0, highest=65535, unit="TCP port"),
        "Port that /livez, /readyz and /metrics listen on; 0 takes a free one.",
        default="8080",
    )
    log_level: LogLevel = declare(
        choice(LogLevel),
        "How much is logged. Audit lines are written at every level.",
        default="info",
    )
    log_format: LogFormat = declare(
        choice(LogFormat),
        "json for machines, text for people; one line per record either way.",
        default="json",
    )

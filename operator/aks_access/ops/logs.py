"""The process's logs: one line per record, UTC, JSON or text, nothing secret in them.

Everything goes through one handler on the root logger, Python's warnings and dying threads
included. Libraries that would log request headers, bodies or every poll are turned down.
"""

import json
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from aks_access.ops.redact import one_line, redact
from aks_access.settings.monitoring import LogFormat, LogLevel

AUDIT_LOGGER: Final = "aks_access.audit"

TURNED_DOWN: Final[Mapping[str, int]] = {
    "aiohttp.access": logging.WARNING,  # the probes, every few seconds
    "asyncio": logging.WARNING,
    "azure": logging.WARNING,  # INFO logs every request's headers, DEBUG bodies
    "kopf": logging.WARNING,  # INFO logs every handler's start and end
    "msal": logging.WARNING,  # DEBUG logs the token cache
    "kubernetes": logging.INFO,  # DEBUG logs response bodies
    "urllib3": logging.INFO,
}
"""The least level of a library's logger, whatever the operator's level."""

_NOT_FIELDS: Final = frozenset(
    {*RESERVED_ATTRS, "message", "asctime", "k8s_ref", "k8s_skip", "settings"}
)
"""Attributes of a record that are no fields of its line: logging's own, and kopf's baggage."""


_LONGEST_TEXT: Final = 8_000
_LONGEST_TRACE: Final = 16_000
"""Characters of one value of a line: what an object, ARM or a server said must not fill a disk."""

_LONGEST_ITEM: Final = 300

_MOST_ITEMS: Final = 2_500
"""Items of one list of a line; a cluster's list has 2,000 at most."""


def bounded(value: object, *, limit: int = _LONGEST_TEXT) -> object:
    """A value as it may stand in a line: long texts and lists end, and say how much is left out."""
    if isinstance(value, str) and len(value) > limit:
        return f"{value[:limit]}… ({len(value) - limit} characters more)"
    if isinstance(value, list | tuple):
        shown = [bounded(each, limit=_LONGEST_ITEM) for each in value[:_MOST_ITEMS]]
        rest = len(value) - len(shown)
        return [*shown, f"… ({rest} more)"] if rest else shown
    if isinstance(value, int | float | str | None):
        return value
    return bounded(str(value), limit=limit)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class JsonLines(JsonFormatter):
    """A JSON object a line: time, level, logger, message, the record's extra fields."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={
                "levelname": "level",
                "name": "logger",
                "exc_info": "exception",
                "stack_info": "stack",
            },
            reserved_attrs=sorted(_NOT_FIELDS),
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Put the time before everything else."""
        log_data["time"] = _time(record)
        super().add_fields(log_data, record, message_dict)
        for name, value in log_data.items():
            trace = name in ("exception", "stack")
            log_data[name] = _trace(str(value)) if trace else bounded(value)

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted."""
        return redact(super().format(record))


class TextLines(logging.Formatter):
    """Lines for people: `2026-11-22T18:00:00.000Z INFO    aks_access.app: message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted, with line breaks and other control characters escaped."""
        parts = [
            f"{_time(record)} {record.levelname:<7} {record.name}: {bounded(record.getMessage())}",
            *(
                f"{name}={_word(bounded(value))}"
                for name, value in vars(record).items()
                if name not in _NOT_FIELDS
            ),
        ]
        if record.exc_info:
            parts.append(_trace(self.formatException(record.exc_info)))
        if record.stack_info:
            parts.append(_trace(record.stack_info))
        return one_line(redact(" ".join(parts)))


def _trace(text: str) -> str:
    """The end of a traceback, where the error is."""
    return text if len(text) <= _LONGEST_TRACE else f"…{text[-_LONGEST_TRACE:]}"


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value) or "-"
    text = str(value)
    plain = text and not any(each in text for each in ' "=\\')
    return text if plain else json.dumps(text, ensure_ascii=False)


def configure(*, level: LogLevel, form: LogFormat, stream: TextIO | None = None) -> None:
    """Send every log record, warning and dying thread's traceback to `stream` (stderr if None)."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else TextLines())
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(wanted)
    for name, floor in TURNED_DOWN.items():
        logging.getLogger(name).setLevel(max(wanted, floor))
    logging.getLogger(AUDIT_LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(True)
    threading.excepthook = _thread_died


def _thread_died(details: threading.ExceptHookArgs) -> None:
    if details.exc_type is SystemExit:
        return
    name = details.thread.name if details.thread else "unknown"
    error = details.exc_value or details.exc_type()
    logging.getLogger(__name__).critical("The thread %s died.", name, exc_info=error)

"""What must never stand in a log line or a probe's answer: tokens, secrets, signed URLs, and
characters that could forge a second line or steer a terminal.

Works on the finished text, so that it covers arguments, extra fields and tracebacks alike.
"""

import re
from typing import Final

REDACTED: Final = "REDACTED"

_HARMLESS: Final = frozenset(
    {
        "allowWatchBookmarks",
        "api-version",
        "dryRun",
        "fieldManager",
        "fieldSelector",
        "labelSelector",
        "limit",
        "resourceVersion",
        "resourceVersionMatch",
        "timeoutSeconds",
        "watch",
    }
)
"""Query parameters that may be shown. All others go: ARM signs an operation's URL in `t`, `c`,
`s` and `h`, storage in `sig`."""

_QUERY: Final = re.compile(r"([?&])([A-Za-z0-9_.$%-]{1,64})=([^&\s\"'<>\\]*)")
_BEARER: Final = re.compile(r"\b(Bearer|Basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_SECRET: Final = re.compile(
    r"((?:client_secret|client_assertion|access_token|refresh_token|id_token|password)"
    r"\\?[\"']?\s*[:=]\s*\\?[\"']?)([^\s\"',&}\\]+)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` without tokens, secrets and the signatures of URLs."""
    text = _QUERY.sub(_parameter, text)
    text = _SECRET.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1\2{REDACTED}", text)
    return _TOKEN.sub(REDACTED, text)


def _parameter(match: re.Match[str]) -> str:
    separator, name, value = match.groups()
    return f"{separator}{name}={value if name in _HARMLESS else REDACTED}"


def one_line(text: str) -> str:
    """`text` with every control, format and separator character but the space escaped."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )

"""What an answer of Azure means: one table from exceptions, statuses and codes to `AzureFault`.

Both error envelopes are read: ARM's front door wraps (`{"error": {…}}`), the AKS resource provider
does not. Definite means: surely nothing was applied; whatever may have been is `UNCERTAIN`.
Messages are the server's words without control characters, signatures of URLs and tokens.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from aks_access.api.timestamps import parse_date
from aks_access.errors import AzureError, AzureFault
from aks_access.ops.redact import redact

LONGEST_MESSAGE: Final = 1_000
LONGEST_WAIT: Final = 3_600.0
"""Seconds; a `Retry-After` above counts as this."""

_BY_STATUS: Final[Mapping[int, AzureFault]] = {
    400: AzureFault.INVALID,
    401: AzureFault.NO_CREDENTIAL,
    403: AzureFault.FORBIDDEN,
    404: AzureFault.REFUSED,  # a cluster counts as gone by code only, see below
    408: AzureFault.UNCERTAIN,
    409: AzureFault.BUSY,
    412: AzureFault.CHANGED,
    429: AzureFault.THROTTLED,
}

_BY_CODE: Final[Mapping[tuple[int, str], AzureFault]] = {
    (400, "noregisteredproviderfound"): AzureFault.REFUSED,
    (400, "invalidresourcetype"): AzureFault.REFUSED,
    (400, "invalidapiversionparameter"): AzureFault.REFUSED,
    (404, "resourcenotfound"): AzureFault.NOT_FOUND,
    (404, "resourcegroupnotfound"): AzureFault.NOT_FOUND,
    (404, "notfound"): AzureFault.NOT_FOUND,
    (409, "etagmismatch"): AzureFault.CHANGED,
    (409, "scopelocked"): AzureFault.LOCKED,
    (409, "missingsubscriptionregistration"): AzureFault.REFUSED,
    (409, "readonlydisabledsubscription"): AzureFault.REFUSED,
}

_STOPPED: Final = re.compile(r"power ?state\W{0,3}stopped|cluster\b.{0,40}\bis stopped", re.I)
_SECONDS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", re.ASCII)


def classify(error: BaseException) -> AzureError:
    """The `AzureError` that an exception of a call to Azure stands for.

    Anything that is no definite refusal (time-outs, resets, 5xx, bodies that cannot be read,
    exceptions that nobody expected) is `UNCERTAIN`.
    """
    if isinstance(error, AzureError):
        return error
    if isinstance(error, ClientAuthenticationError) and error.response is None:
        return AzureError(_words(error), fault=AzureFault.NO_CREDENTIAL)
    if isinstance(error, HttpResponseError) and error.response is not None:
        return _of_answer(error.response, error)
    return AzureError(_words(error), fault=AzureFault.UNCERTAIN)


def fault_of(*, status: int, code: str | None, message: str = "") -> AzureFault:
    """What a status and an error code mean; `message` tells a stopped cluster from a busy one."""
    if status in (400, 409) and _STOPPED.search(message):
        return AzureFault.STOPPED
    found = _BY_CODE.get((status, (code or "").lower())) or _BY_STATUS.get(status)
    if found is not None:
        return found
    return AzureFault.REFUSED if 400 <= status < 500 else AzureFault.UNCERTAIN


def clean(text: str) -> str:
    """`text` as it may be shown: one printable line, nothing secret, at most 1,000 characters."""
    printable = "".join(each if each.isprintable() else " " for each in text[: 8 * LONGEST_MESSAGE])
    return redact(" ".join(printable.split()))[:LONGEST_MESSAGE]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, at most 3,600; None where it says nothing usable.

    A date counts from the answer's own `Date`, so that a wrong clock here does not matter.
    """
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    until, now = parse_date(value), parse_date(headers.get("Date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


def _of_answer(answer: Any, error: HttpResponseError) -> AzureError:
    code, message = _envelope(_body(answer))
    status = answer.status_code
    return AzureError(
        clean(message) or f"HTTP {status}: {_words(error)}"[:LONGEST_MESSAGE],
        fault=fault_of(status=status, code=code, message=message),
        status=status,
        code=clean(code)[:100] if code else None,
        retry_after=retry_after(answer.headers),
    )


def _body(answer: Any) -> object:
    try:
        return json.loads(answer.text())
    except Exception:
        # The body is unread, cut off, of an unknown encoding or no JSON: the status has to do.
        return None


def _envelope(body: object) -> tuple[str | None, str]:
    """Code and message of either envelope."""
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(inner, Mapping):
        return None, ""
    code, message = inner.get("code"), inner.get("message")
    details = inner.get("details")
    if not message and isinstance(details, list):
        messages = (each.get("message") for each in details if isinstance(each, Mapping))
        message = next((each for each in messages if each), None)
    return (
        code if isinstance(code, str) and code else None,
        message if isinstance(message, str) else "",
    )


def _words(error: BaseException) -> str:
    """What an exception says, with its class where it says nothing."""
    if isinstance(error, HttpResponseError):
        return clean(error.reason or "an answer that cannot be read")
    if isinstance(error, TimeoutError):
        return clean(str(error)) or "No answer in time."
    return clean(f"{type(error).__name__}: {error}".removesuffix(": "))

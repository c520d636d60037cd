"""The table from Azure's answers to faults, with answers as they were printed or recorded."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError

from aks_access.azure.errors import classify, clean, retry_after
from aks_access.errors import AzureError, AzureFault

ANSWERS = os.environ.get("AKS_ACCESS_AZURE_ANSWERS")
STOPPED = (
    "managed cluster is in Provisioning State(Succeeded) and Power State(Stopped), "
    "updating cannot be performed"
)
BUSY = "Operation is not allowed: Another operation (Updating) is in progress, please wait"


class Answer:
    """An HTTP answer, as far as the SDK's exceptions look at it."""

    reason = "Reason"

    def __init__(
        self, status: int, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status_code = status
        self.headers = dict(headers or {})
        self._text = body if isinstance(body, str) else json.dumps(body)

    def text(self, encoding: str | None = None) -> str:
        return self._text


def refused(status: int, body: Any = None, **headers: str) -> AzureError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Any = Answer(status, body, headers=named)
    return classify(HttpResponseError(response=answer))


def bare(code: str, message: str = "words") -> dict[str, str]:
    return {"code": code, "message": message}


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"error": body}])
@pytest.mark.parametrize(
    ("status", "code", "message", "fault"),
    [
        (400, "InvalidParameter", "words", AzureFault.INVALID),
        (400, "BadRequest", STOPPED, AzureFault.STOPPED),
        (400, "NoRegisteredProviderFound", "words", AzureFault.REFUSED),
        (400, "InvalidResourceType", "words", AzureFault.REFUSED),
        (401, "InvalidAuthenticationToken", "words", AzureFault.NO_CREDENTIAL),
        (403, "AuthorizationFailed", "words", AzureFault.FORBIDDEN),
        (403, "LinkedAuthorizationFailed", "words", AzureFault.FORBIDDEN),
        (403, "RequestDisallowedByPolicy", "words", AzureFault.FORBIDDEN),
        (404, "ResourceNotFound", "words", AzureFault.NOT_FOUND),
        (404, "NotFound", "words", AzureFault.NOT_FOUND),
        (404, "ResourceGroupNotFound", "words", AzureFault.NOT_FOUND),
        (404, "SubscriptionNotFound", "words", AzureFault.REFUSED),
        (404, "InvalidResourceType", "words", AzureFault.REFUSED),
        (405, "MethodNotAllowed", "words", AzureFault.REFUSED),
        (408, "RequestTimeout", "words", AzureFault.UNCERTAIN),
        (409, "OperationNotAllowed", BUSY, AzureFault.BUSY),
        (409, "OperationNotAllowed", STOPPED, AzureFault.STOPPED),
        (409, "EtagMismatch", BUSY, AzureFault.CHANGED),
        (409, "ScopeLocked", "words", AzureFault.LOCKED),
        (409, "MissingSubscriptionRegistration", "words", AzureFault.REFUSED),
        (409, "SomethingNew", "words", AzureFault.BUSY),
        (412, "PreConditionFailed", "words", AzureFault.CHANGED),
        (422, "Unprocessable", "words", AzureFault.REFUSED),
        (429, "Throttled", "words", AzureFault.THROTTLED),
        (500, "InternalServerError", "words", AzureFault.UNCERTAIN),
        (503, "ServerTimeout", "words", AzureFault.UNCERTAIN),
    ],
)
def test_status_and_code(
    wrap: Any, status: int, code: str, message: str, fault: AzureFault
) -> None:
    error = refused(status, wrap(bare(code, message)))
    assert (error.fault, error.status, error.code, error.message) == (fault, status, code, message)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, AzureFault.UNCERTAIN),
        (202, AzureFault.UNCERTAIN),
        (307, AzureFault.UNCERTAIN),
        (403, AzureFault.FORBIDDEN),
        (404, AzureFault.REFUSED),
        (409, AzureFault.BUSY),
        (429, AzureFault.THROTTLED),
        (502, AzureFault.UNCERTAIN),
    ],
)
@pytest.mark.parametrize("body", ["<html>Bad Gateway</html>", "", "[]", '{"error": 7}', "{"])
def test_an_answer_without_an_envelope_goes_by_its_status(
    status: int, fault: AzureFault, body: str
) -> None:
    error = refused(status, body)
    assert (error.fault, error.code) == (fault, None)
    assert error.message.startswith(f"HTTP {status}")
    assert "html" not in error.message


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ClientAuthenticationError("no token"), AzureFault.NO_CREDENTIAL),
        (CredentialUnavailableError("no endpoint"), AzureFault.NO_CREDENTIAL),
        (ServiceRequestError("refused"), AzureFault.UNCERTAIN),
        (ServiceResponseError("reset"), AzureFault.UNCERTAIN),
        (DecodeError("bad JSON"), AzureFault.UNCERTAIN),
        (IncompleteReadError("cut"), AzureFault.UNCERTAIN),
        (TimeoutError(), AzureFault.UNCERTAIN),
        (ConnectionResetError(), AzureFault.UNCERTAIN),
        (KeyError("surprise"), AzureFault.UNCERTAIN),
    ],
)
def test_no_answer(error: Exception, fault: AzureFault) -> None:
    found = classify(error)
    assert (found.fault, found.status) == (fault, None)
    assert found.message


def test_an_azure_error_stays_as_it_is() -> None:
    error = AzureError("words", fault=AzureFault.LOCKED)
    assert classify(error) is error


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("86400", 3600.0),
        ("Sun, 22 Nov 2026 18:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 17:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 18:00:00 GMT", 3600.0),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    headers = {"Retry-After": value, "Date": "Sun, 22 Nov 2026 18:00:00 GMT"}
    assert retry_after(headers) == seconds
    assert refused(429, bare("Throttled"), **{"Retry_After": value}).retry_after == (
        None if "GMT" in value else seconds
    )


def test_messages_are_one_clean_line() -> None:
    url = "https://management.azure.com/x/operations/1?api-version=1&t=639&c=MIIabc&s=SIGN&h=HASH"
    error = refused(
        403, bare("AuthorizationFailed", f"a\r\nb\x1b[31m\u202e {url}&sig=TOPSECRET " + "x" * 2000)
    )
    assert len(error.message) == 1000
    assert error.message.isprintable()
    assert not any(secret in error.message for secret in ("SIGN", "HASH", "MIIabc", "TOPSECRET"))
    assert "eyJhbGciOi" not in clean("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")


def test_a_message_that_stands_in_the_details_is_found() -> None:
    body = {"code": "X", "message": "", "details": [{"message": ""}, {"message": "the reason"}]}
    assert refused(400, body).message == "the reason"


@pytest.mark.skipif(not ANSWERS, reason="AKS_ACCESS_AZURE_ANSWERS is not set")
def test_printed_answers_of_azure() -> None:
    examples = json.loads((Path(str(ANSWERS)) / "examples" / "errors.json").read_text())
    faults = {
        "arm_resource_not_found": AzureFault.NOT_FOUND,
        "aks_not_found": AzureFault.NOT_FOUND,
        "etag_mismatch_concurrent": AzureFault.CHANGED,
        "operation_in_progress": AzureFault.BUSY,
        "precondition_failed": AzureFault.CHANGED,
        "throttled": AzureFault.THROTTLED,
        "linked_authorization_failed": AzureFault.FORBIDDEN,
        "zero_with_others": AzureFault.INVALID,
        "too_many_ranges": AzureFault.INVALID,
        "property_change_not_allowed": AzureFault.INVALID,
        "scope_locked": AzureFault.LOCKED,
        "bad_gateway_on_poll": AzureFault.UNCERTAIN,
    }
    found = {name: refused(examples[name]["status"], examples[name]["body"]) for name in faults}
    assert {name: error.fault for name, error in found.items()} == faults
    assert all(error.message for error in found.values())

"""Which URLs may be asked with a token, and what an operation's answer means."""

import json
from typing import Any

import pytest

from aks_access.azure.operations import refuse_elsewhere, state_of
from aks_access.engine.ports import OperationState
from aks_access.errors import AzureError, AzureFault

ENDPOINT = "https://management.azure.com"


class Answer:
    """An HTTP answer, as far as it is looked at."""

    reason = "Reason"

    def __init__(self, status: int, body: Any) -> None:
        self.status_code = status
        self.headers: dict[str, str] = {}
        self._body = body

    def json(self) -> Any:
        return self._body

    def text(self, encoding: str | None = None) -> str:
        return json.dumps(self._body)


@pytest.mark.parametrize(
    "url",
    [
        "https://management.azure.com/subscriptions/1/operations/2?t=1&s=2",
        "https://MANAGEMENT.azure.com:443/x",
    ],
)
def test_arms_own_urls_may_be_asked(url: str) -> None:
    refuse_elsewhere(url, endpoint=ENDPOINT)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "https://management.azure.com.evil.example/x",
        "https://management.azure.com@evil.example/x",
        "https://evil.example\\@management.azure.com/x",
        "https://management.azure.com:8443/x",
        "https://management.azure.com:port/x",
        "http://management.azure.com/x",
        "//management.azure.com/x",
        "/subscriptions/1",
        "https://management.azure.com:0/x",
        "https://management.azure.com./x",
        "https://management.azure.com%2eevil.example/x",
        "https://management.azure.com;evil.example/x",
        "https://\uff4danagement.azure.com/x",
        "https://management.azure.com\t.evil.example/x",
        "https://management.azure.com\n/x",
        "https://management.azure.com/x\r\nHost: evil.example",
        " https://management.azure.com/x",
        "https://management.azure.com/x y",
        "https://[::1/x",
        "",
    ],
)
def test_no_token_goes_elsewhere(url: str) -> None:
    with pytest.raises(AzureError) as caught:
        refuse_elsewhere(url, endpoint=ENDPOINT)
    assert caught.value.fault is AzureFault.REFUSED
    assert "evil" not in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, {"status": "Succeeded"}, OperationState.SUCCEEDED),
        (200, {"status": "succeeded"}, OperationState.SUCCEEDED),
        (200, {"status": "Failed", "error": {"code": "X"}}, OperationState.FAILED),
        (200, {"status": "Canceled"}, OperationState.CANCELED),
        (200, {"status": "InProgress"}, OperationState.RUNNING),
        (200, {"status": "Whatever"}, OperationState.RUNNING),
        (200, {"status": "InProgress", "error": {"code": "N"}}, OperationState.RUNNING),
        (200, {"status": "Succeeded", "error": {"code": "N"}}, OperationState.SUCCEEDED),
        (202, None, OperationState.RUNNING),
    ],
)
def test_status_alone_decides(status: int, body: Any, state: OperationState) -> None:
    assert state_of(Answer(status, body)) is state


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, {}, AzureFault.UNCERTAIN),
        (200, [], AzureFault.UNCERTAIN),
        (404, {"code": "NotFound", "message": "no such operation"}, AzureFault.REFUSED),
        (403, {"error": {"code": "AuthorizationFailed"}}, AzureFault.FORBIDDEN),
        (502, "bad gateway", AzureFault.UNCERTAIN),
    ],
)
def test_an_operation_that_cannot_be_asked_says_nothing_about_the_cluster(
    status: int, body: Any, fault: AzureFault
) -> None:
    with pytest.raises(AzureError) as caught:
        state_of(Answer(status, body))
    assert caught.value.fault is fault

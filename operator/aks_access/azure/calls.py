"""One call to ARM: what its hooks see, its deadline, and how its failure leaves.

Shared by everything that asks ARM, so that each answer's `Date` is looked at, each call counted,
and nothing but `AzureError` (and a cancellation) gets out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from aks_access.api.timestamps import parse_date
from aks_access.azure.errors import classify
from aks_access.errors import AzureError, AzureFault

Result = TypeVar("Result")


class CallObserver(Protocol):
    """Told about every call, for metrics."""

    def __call__(self, *, operation: str, outcome: str, seconds: float) -> None:
        """`operation`: get, put or operation; `outcome`: `ok` or the `AzureFault`."""
        ...


@dataclass(slots=True, kw_only=True)
class Call:
    """A call under way.

    Attributes:
        operation: get, put or operation.
        seconds: its deadline, the token included.
        on_date: receives the answer's `Date`.
        on_call: is told how the call ended.
        sent: whether a token was had and the request handed to the connection.
        headers: the answer's, by lower-case name.
    """

    operation: str
    seconds: float
    on_date: Callable[[datetime], None]
    on_call: CallObserver
    sent: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def hooks(self) -> dict[str, Any]:
        """Keyword arguments for the SDK's methods."""
        return {"raw_request_hook": self._request, "raw_response_hook": self._response}

    async def run(self, request: Awaitable[Result]) -> Result:
        """Await the request within the deadline.

        Raises `AzureError` for whatever it raises: `UNCERTAIN` at the deadline, or `NO_CREDENTIAL`
        where there was no token until then, so that nothing was sent.
        """
        started = time.monotonic()
        outcome = "ok"
        try:
            async with asyncio.timeout(self.seconds):
                return await request
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except AzureError as error:
            outcome = error.fault.value
            raise
        except Exception as error:
            problem = self._problem(error)
            outcome = problem.fault.value
            raise problem from error
        finally:
            seconds = time.monotonic() - started
            self.on_call(operation=self.operation, outcome=outcome, seconds=seconds)

    def _problem(self, error: Exception) -> AzureError:
        if not isinstance(error, TimeoutError):
            return classify(error)
        if self.sent:
            return classify(TimeoutError(f"Azure did not answer within {self.seconds:g} s."))
        return AzureError(
            f"No token for Azure could be had within {self.seconds:g} s.",
            fault=AzureFault.NO_CREDENTIAL,
        )

    def _request(self, _request: object) -> None:
        self.sent = True

    def _response(self, response: Any) -> None:
        self.headers = {k.lower(): v for k, v in response.http_response.headers.items()}
        date = parse_date(self.headers.get("date", ""))
        if date is not None:
            self.on_date(date)

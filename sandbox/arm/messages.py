"""What goes in and out of the emulator's front, apart from any HTTP library.

Errors come in Azure's two envelopes: ARM's front door wraps them in `error`, the AKS resource
provider answers them bare (recordings of azure-cli's test-suite, 2020 to 2026).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRequest:
    """One request; header names and query keys are lower-case, `body` is parsed JSON or None."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(slots=True, kw_only=True)
class ArmResponse:
    """One answer; `drop` means that the connection is reset instead of answered."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


class ArmError(Exception):
    """A refusal with its HTTP status, code, message and envelope."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        message: str,
        bare: bool = False,
        subcode: str = "",
        target: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.bare = bare
        self.subcode = subcode
        self.target = target
        self.headers = dict(headers or {})

    def response(self) -> ArmResponse:
        """Return the answer in this error's envelope."""
        body: JsonObject = {"code": self.code, "message": self.message}
        if not self.bare:
            return ArmResponse(status=self.status, body={"error": body}, headers=self.headers)
        if self.subcode:
            body["subcode"] = self.subcode
        if self.target:
            body["target"] = self.target
        return ArmResponse(status=self.status, body=body, headers=self.headers)


def aks_error(
    *, status: int, code: str, message: str, subcode: str = "", target: str = ""
) -> ArmError:
    """Return an error as the AKS resource provider answers it: bare."""
    return ArmError(
        status=status, code=code, message=message, bare=True, subcode=subcode, target=target
    )

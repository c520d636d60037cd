"""`If-Match` and `If-None-Match` as AKS takes them (use-etags.md of the AKS documentation)."""

from collections.abc import Mapping

from sandbox.arm.messages import ArmError, aks_error


def require(headers: Mapping[str, str], *, etag: str | None) -> None:
    """Raise `ArmError` (400 or 412) unless the conditions hold; `etag` None = no such cluster."""
    match = bare(headers.get("if-match", ""))
    none_match = bare(headers.get("if-none-match", ""))
    if match and none_match:
        raise _bad_request("If-Match and If-None-Match cannot be used together.")
    if none_match not in {"", "*"}:
        raise _bad_request("If-None-Match accepts an empty value or * only.")
    if none_match == "*" and etag is not None:
        raise _failed("If-None-Match: * was given, and the resource exists.")
    if match and etag is None:
        raise _failed(f"If-Match: {match} was given, and the resource does not exist.")
    if match not in {"", "*"} and match != etag:
        raise _failed(f"The eTag {match} does not match the current eTag of the resource.")


def bare(value: str) -> str:
    """Return an eTag without its quotes; the SDK sends them, the documentation does not."""
    return value.strip().removeprefix("W/").strip('"')


def _bad_request(message: str) -> ArmError:
    return aks_error(status=400, code="BadRequest", message=message)


def _failed(message: str) -> ArmError:
    return aks_error(status=412, code="PreConditionFailed", message=message)

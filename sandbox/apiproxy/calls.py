"""What a request to an API server is about: who asks, which verb, which resource.

Parsed from the URL as the API server does it (kubernetes/apiserver, RequestInfo), as far as the
operator's own requests go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ONE: Final = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCES_OF_NAMESPACES: Final = frozenset({"status", "finalize"})


class Verb(StrEnum):
    """The verb of RBAC and of the audit log."""

    LIST = "list"
    WATCH = "watch"
    GET = "get"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request.

    Attributes:
        client: name from the URL's `/as/NAME` prefix, "" without one.
        agent: the User-Agent header.
        token: the bearer token, "" without one.
        plural: the resource, "" where the request is about none (discovery, health).
        continued: whether it asks for a page behind the first one.
    """

    client: str
    agent: str
    token: str
    verb: Verb
    plural: str
    namespace: str = ""
    name: str = ""
    continued: bool = False


def parse(
    *, client: str, agent: str, token: str, method: str, path: str, query: Mapping[str, str]
) -> Call:
    """The call that an HTTP request makes."""
    namespace, plural, name = _parts(path)
    if name or not plural:
        verb = Verb(_ONE.get(method, "create"))
    elif method == "GET":
        verb = Verb.WATCH if query.get("watch") in ("true", "1") else Verb.LIST
    else:
        verb = Verb.CREATE if method == "POST" else Verb(_ONE[method])
    return Call(
        client=client,
        agent=agent,
        token=token,
        verb=verb,
        plural=plural,
        namespace=namespace,
        name=name,
        continued=bool(query.get("continue")),
    )


def _parts(path: str) -> tuple[str, str, str]:
    """Namespace, plural and name; "" for what is not there."""
    segments = [part for part in path.split("/") if part]
    prefix = {"api": 2, "apis": 3}.get(segments[0] if segments else "")
    if prefix is None or len(segments) <= prefix:
        return "", "", ""
    rest = segments[prefix:]
    namespaced = len(rest) > 2 and rest[2] not in _SUBRESOURCES_OF_NAMESPACES
    if rest[0] == "namespaces" and namespaced:
        return rest[1], rest[2], rest[3] if len(rest) > 3 else ""
    return "", rest[0], rest[1] if len(rest) > 1 else ""

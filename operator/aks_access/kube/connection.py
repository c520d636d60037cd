"""One connection to the management cluster's API server: raw JSON in and out.

Raw, because the generated models cost CPU and lose fields they do not know. The official client
brings what is hard to get right: kubeconfig, exec plugins, client certificates and the rotation of
the ServiceAccount's token. Every request has a time-out and names its content type (without one
the client sends a list as a merge patch). Nothing is retried here: whoever calls knows what a
request means.
"""

import copy
import json
import logging
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import yaml
from kubernetes.aio import config as kube_config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config.config_exception import ConfigException

from aks_access.api.timestamps import parse_date
from aks_access.errors import KubeError, StartupError
from aks_access.kube.answers import error_of

logger = logging.getLogger(__name__)

JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"

USER_AGENT: Final = "aks-access-operator"
_CONNECT_TIMEOUT: Final = 10.0
_SHORTEST_TIMEOUT: Final = 0.001  # aiohttp takes 0 for none
_POOL_SIZE: Final = 32
_SERVICE_HOST: Final = "KUBERNETES_SERVICE_HOST"

_MEANT: Final = (ConfigException, OSError, ValueError, TypeError, yaml.YAMLError)
"""What the client raises on purpose; anything else says little without its class."""

DateListener = Callable[[datetime], None]
"""Receives the `Date` of an answer, UTC: what the API server thinks the time is."""

Remaining = Callable[[], float]
"""Seconds for which this process surely still holds the Lease; 0 where it does not."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the API server.

    Attributes:
        kubeconfig: path of a kubeconfig; None = the pod's ServiceAccount inside a cluster, else
            `$KUBECONFIG` or `~/.kube/config`.
        context: context of the kubeconfig; None = its current one.
        timeout: seconds for a whole request, connecting included.
    """

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 30.0

    @property
    def in_cluster(self) -> bool:
        """Whether the pod's ServiceAccount is used."""
        return self.kubeconfig is None and self.context is None and _SERVICE_HOST in os.environ

    async def configuration(self) -> Configuration:
        """Load credentials afresh. Raises `StartupError` with the way out."""
        configuration = Configuration()
        where = "the pod's ServiceAccount" if self.in_cluster else f"kubeconfig {self._path()}"
        try:
            if self.in_cluster:
                kube_config.load_incluster_config(client_configuration=configuration)
            else:
                _check_files(self._path())
                await kube_config.load_kube_config(
                    config_file=self._path(),
                    context=self.context,
                    client_configuration=configuration,
                    persist_config=False,
                )
        except Exception as error:  # the client reads whatever stands there as if it were right
            told = str(error) if isinstance(error, _MEANT) else f"{type(error).__name__}: {error}"
            if isinstance(error, TypeError):  # it looked up a key in what is no mapping
                told = "it is no kubeconfig, or its context names a cluster or user that it lacks"
            raise StartupError(
                f"no access to a Kubernetes API server through {where}: {told}. "
                "Run in a cluster, or name a kubeconfig and a context that it has"
            ) from error
        configuration.connection_pool_maxsize = _POOL_SIZE
        return configuration

    def _path(self) -> str:
        default = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        return self.kubeconfig or default


def _check_files(paths: str) -> None:
    """Raises FileNotFoundError where none of them is there: the client only logs that."""
    if not any(map(os.path.exists, map(os.path.expanduser, paths.split(os.pathsep)))):
        raise FileNotFoundError("there is no such file")


class Connection:
    """Requests to one API server. Use it on one event loop, and close it there."""

    def __init__(
        self,
        *,
        access: Access,
        configuration: Configuration,
        on_date: DateListener | None = None,
    ) -> None:
        self.access = access
        self.host: str = configuration.host
        self._configuration = configuration
        self._client = ApiClient(configuration)
        self._client.user_agent = USER_AGENT
        self._on_date = on_date
        self._remaining: Remaining | None = None

    @classmethod
    async def open(cls, *, access: Access, on_date: DateListener | None = None) -> Self:
        """Load the credentials; nothing is sent yet. Raises `StartupError`."""
        try:
            return cls(access=access, configuration=await access.configuration(), on_date=on_date)
        except (ssl.SSLError, OSError) as error:
            raise StartupError(
                f"the certificates for the Kubernetes API server cannot be used: {error}"
            ) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the sockets."""
        await self._client.close()

    def fenced(self, remaining: Remaining) -> Self:
        """The same connection, whose writes end with the Lease: none begins or waits after it.

        A process that was stopped or hung wakes up in the middle of its work, with answers of
        the time before; what it would write on their grounds is another leader's business.
        """
        fenced = copy.copy(self)
        fenced._remaining = remaining
        return fenced

    async def get(
        self, path: str, *, query: Mapping[str, str] | None = None, accept: str = JSON
    ) -> dict[str, object]:
        """GET, as JSON."""
        return await self.request("GET", path, query=query, accept=accept)

    async def post(self, path: str, *, body: Mapping[str, object]) -> dict[str, object]:
        """POST an object."""
        return await self.request("POST", path, body=body)

    async def put(self, path: str, *, body: Mapping[str, object]) -> dict[str, object]:
        """PUT an object."""
        return await self.request("PUT", path, body=body)

    async def json_patch(
        self, path: str, *, operations: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        """PATCH with RFC 6902 operations; a failed `test` raises `KubeConflict`."""
        return await self.request("PATCH", path, body=list(operations), content_type=JSON_PATCH)

    async def merge_patch(self, path: str, *, body: Mapping[str, object]) -> dict[str, object]:
        """PATCH with RFC 7386; conditional if the body has `metadata.resourceVersion`."""
        return await self.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def delete(self, path: str, *, body: Mapping[str, object]) -> dict[str, object]:
        """DELETE with `DeleteOptions`."""
        return await self.request("DELETE", path, body=body)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | Sequence[object] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> dict[str, object]:
        """Send one request and return the answer's JSON object.

        Raises `KubeError` or the child that its status stands for; a request without an answer
        (time-out, reset) has `status` None and may or may not have been applied.
        """
        if method != "GET" and self._remaining is not None and self._remaining() <= 0.0:
            raise KubeError(f"{method} {path}: not sent, another replica may be leading by now")
        headers = {"Accept": accept, "Content-Type": content_type}
        status, text = await self._send(method, path, query, headers, body)
        if status == 401 and not self.access.in_cluster:
            await self._log_in_again()
            status, text = await self._send(method, path, query, headers, body)
        if not 200 <= status <= 299:
            raise error_of(method=method, path=path, status=status, text=text)
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:  # the latter: nested without end
            raise KubeError(
                f"{method} {path}: the answer is not JSON ({error})", status=status
            ) from error
        if not isinstance(answer, dict):
            raise KubeError(f"{method} {path}: the answer is not an object", status=status)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
        body: object,
    ) -> tuple[int, bytes]:
        limit = self.access.timeout
        if method != "GET" and self._remaining is not None:
            limit = min(limit, max(_SHORTEST_TIMEOUT, self._remaining()))
        timeout = aiohttp.ClientTimeout(total=limit, connect=min(_CONNECT_TIMEOUT, limit))
        try:
            request = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=dict(headers),
                body=body,
                auth_settings=["BearerToken"],
            )
            response: Any = await self._client.call_api(*request, _request_timeout=timeout)
            text: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ConfigException) as error:
            told = str(error) or f"no answer within {limit:g} s"
            raise KubeError(
                f"{method} {path}: no answer from the API server {self.host}: "
                f"{type(error).__name__}: {told}"
            ) from error
        self._tell_date(response.getheader("Date"))
        return response.status, text

    async def _log_in_again(self) -> None:
        """A kubeconfig's token may have ended: exec plugins and files are asked again."""
        logger.info("the API server asks to log in again; the kubeconfig is read anew")
        try:
            fresh = await self.access.configuration()
        except StartupError as error:
            raise KubeError(str(error), status=401) from error
        self._configuration.api_key = fresh.api_key

    def _tell_date(self, header: str | None) -> None:
        date = parse_date(header or "")
        if self._on_date is not None and date is not None:
            self._on_date(date)

"""The way to ARM: one HTTP session for the process, and the SDK's pipeline without its surprises.

No policy that retries (the queue does, and a write is never sent twice), none that follows
redirects or registers resource providers, and none that logs requests.
"""

import ssl
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    CustomHookPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy


class AnswerLostError(aiohttp.ClientError):
    """The connection broke while a request that may change something was under way."""


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Middleware against aiohttp's own second try.

    aiohttp sends GET and PUT once more when the connection breaks. For a PUT that had been
    applied, the second one's 412 would look like a definite refusal.
    """
    if request.method == "GET":
        return await handler(request)
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise AnswerLostError(f"The connection broke before an answer came: {error}") from error


def open_session(*, ca_file: Path | None) -> aiohttp.ClientSession:
    """A session that trusts `ca_file` (None = the system's authorities); proxies by environment.

    The SDK's own would load the authorities, and so connect, anew for each request. The engine
    bounds the calls side by side; a bound here would let those that hang hold up the others.
    """
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        trust_env=True,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        middlewares=(send_once,),
    )


def transport(
    session: aiohttp.ClientSession, *, connect_timeout: float, read_timeout: float
) -> AioHttpTransport:
    """The SDK's transport over the session, which stays its owner's; time-outs in seconds."""
    return AioHttpTransport(
        session=session,
        session_owner=False,
        connection_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


def policies(*, credential: AsyncTokenCredential, scope: str, user_agent: str) -> list[Any]:
    """The pipeline, from the caller to the wire."""
    return [
        RequestIdPolicy(),
        HeadersPolicy(),
        UserAgentPolicy(user_agent=user_agent),
        ContentDecodePolicy(),
        AsyncARMChallengeAuthenticationPolicy(credential, scope),
        CustomHookPolicy(),
    ]

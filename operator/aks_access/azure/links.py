"""URLs that stand in Azure's answers: which of them may be asked, and how they are shown.

A token must not follow one anywhere but to the Azure Resource Manager it was had for.
"""

from typing import Final
from urllib.parse import urlsplit

from aks_access.azure.errors import clean

_SHOWN: Final = 200


def leads_elsewhere(url: str, *, endpoint: str) -> bool:
    """Whether the URL has another scheme, host or port than the endpoint, or none to be sure of."""
    origin = _origin(url)
    return origin is None or origin != _origin(endpoint)


def shown(url: str) -> str:
    """The URL without its query, which may be signed: printable, at most 200 characters."""
    return clean(url.partition("?")[0])[:_SHOWN]


def _origin(url: str) -> tuple[str | None, int] | None:
    """Host and port; None where they are not plainly those of an HTTPS URL.

    Blanks and control characters are none of a URL's; some readers of URLs drop them, others end
    the line there.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or "@" in parts.netloc or "\\" in parts.netloc:
        return None
    return parts.hostname, port

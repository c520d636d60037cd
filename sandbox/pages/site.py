"""What is checked of the built site: it needs no network, and every link leads somewhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_LOADED: Final = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
"""Element to the attribute that names what a browser loads by itself."""
_UNLOADED: Final = frozenset({"canonical", "next", "prev", "author", "license", "help"})
"""`rel` of a `<link>` that a browser does not follow by itself."""
_CSS: Final = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")


@dataclass(slots=True)
class _Page(HTMLParser):
    """What one page names: anchors of its own, what it loads, where it leads."""

    ids: set[str] = field(default_factory=set)
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        self.loads += _CSS.findall(given.get("style", ""))
        self.loads += [each.split()[0] for each in given.get("srcset", "").split(",") if each]
        if tag in _LOADED and _LOADED[tag] in given:
            self.loads.append(given[_LOADED[tag]])
        if tag == "link" and "href" in given and given.get("rel", "").lower() not in _UNLOADED:
            self.loads.append(given["href"])
        if tag in ("a", "area") and "href" in given:
            self.links.append(given["href"])


def problems(site: Path) -> list[str]:
    """What is wrong with the site in a folder, one line each; empty = nothing."""
    site = site.resolve()
    pages = {path: _parsed(path) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site} holds no page; build it with `make docs`"]
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name} loads {url} {why}" for url, why in _foreign(page.loads, at=path)]
        found += [f"{name} links to {url} {why}" for url, why in _dead(page, at=path, pages=pages)]
    for path in sorted(site.rglob("*.css")):
        urls = _CSS.findall(path.read_text())
        name = path.relative_to(site)
        found += [f"{name} loads {url} {why}" for url, why in _foreign(urls, at=path)]
    return found


def _parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text())
    page.close()
    return page


def _foreign(urls: list[str], *, at: Path) -> Iterator[tuple[str, str]]:
    """What comes from elsewhere, or is not there."""
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme == "data" or not (parts.scheme or parts.netloc or parts.path):
            continue
        if parts.scheme or parts.netloc or parts.path.startswith("/"):
            yield url, "from elsewhere"
        elif not _file(parts.path, at=at).exists():
            yield url, "and it is not there"


def _dead(page: _Page, *, at: Path, pages: dict[Path, _Page]) -> Iterator[tuple[str, str]]:
    """Links within the site that lead nowhere."""
    for url in page.links:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            continue
        target = _file(parts.path, at=at) if parts.path else at
        if not target.exists():
            yield url, "and it is not there"
        elif (
            parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids
        ):
            yield url, "and the page has no such anchor"


def _file(path: str, *, at: Path) -> Path:
    return (at.parent / unquote(path)).resolve()

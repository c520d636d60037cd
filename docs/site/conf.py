"""The site that `make docs` builds from docs/: its pages in order, and how they look.

The pages are plain Markdown, which GitHub shows as well; what only the site needs stands here.
"""

import re
from pathlib import Path
from typing import Any, Final

from bs4 import BeautifulSoup

PAGES: Final[dict[str, list[str]]] = {
    "Begin": ["demo", "install", "migration", "GitOps <gitops>"],
    "Use": [
        "Commands <commands/index>",
        "commands/let-me-in",
        "commands/let-ci-in",
        "Who can get in <commands/who-can-get-in>",
        "commands/why-cant-i-get-in",
        "commands/ask-for-access",
        "commands/check-grants",
        "commands/clean-up",
        "commands/adopt-clusters",
        "commands/what-would-change",
        "commands/find-what-is-wrong",
    ],
    "Operate": [
        "upgrade",
        "uninstall",
        "image",
        "monitoring",
        "troubleshooting",
        "disaster-recovery",
        "Moving <moving>",
    ],
    "Understand": [
        "architecture",
        "Safety <safety>",
        "azure-permissions",
        "permissions",
    ],
    "Reference": [
        f"reference/{name}"
        for name in (
            "grants",
            "targets",
            "rangesets",
            "formats",
            "conditions",
            "events",
            "metrics",
            "audit",
            "settings",
            "values",
        )
    ]
    + ["The chart <chart>"],
}
"""Heading of the navigation to its pages. A page that is in none fails the build."""

CHART: Final = "charts/aks-access-operator/README.md"
"""The text of the page `chart`; links to it lead to that page."""

project = "aks-access-operator"
author = "the aks-access-operator authors"
extensions = ["myst_parser"]
exclude_patterns = ["site"]
nitpicky = True
myst_heading_anchors = 4
highlight_language = "none"
smartquotes = False
html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it fetches pages, which files do not allow
html_show_copyright = False
html_use_index = False
html_theme_options = {"navigation_with_keys": True}


def setup(app: Any) -> dict[str, bool]:
    """Add what the Markdown does without: the navigation, and labels in tables."""
    app.connect("source-read", _chart)
    app.connect("source-read", _navigation)
    app.connect("html-page-context", _labels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _chart(app: Any, name: str, source: list[str]) -> None:
    if name == "chart":
        source[0] = Path(app.srcdir, "..", CHART).read_text().replace("](../../docs/", "](")
    way = "../" * name.count("/")
    source[0] = re.sub(rf"\]\((?:\.\./)+{CHART}", f"]({way}chart.md", source[0])


def _navigation(_app: Any, name: str, source: list[str]) -> None:
    if name != "index":
        return
    for caption, pages in PAGES.items():
        listed = "\n".join(pages)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def _labels(_app: Any, _name: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Give each cell its column's heading, to be shown where a phone has no room for columns."""
    soup = BeautifulSoup(context.get("body", ""), "html.parser")
    for table in soup.find_all("table"):
        headings = [cell.get_text(strip=True) for cell in table.select("thead th")]
        for row in table.select("tbody tr"):
            for heading, cell in zip(headings, row.find_all("td"), strict=False):
                cell["data-label"] = "" if heading == "Meaning" else heading
                if not cell.get_text(strip=True):
                    cell["class"] = "empty"
    context["body"] = str(soup)

"""All pages of the reference, by path."""

from pathlib import Path

from aks_access.api.names import PLURALS, Kind
from sandbox import chart
from sandbox.pages import audit, events, formats, kinds, metrics, settings, states, values

DOCS = chart.ROOT / "docs"
REFERENCE = DOCS / "reference"
_FILES = {Kind.GRANT: "grants", Kind.TARGET: "targets", Kind.RANGE_SET: "rangesets"}
assert _FILES.keys() == PLURALS.keys()


def pages() -> dict[Path, str]:
    """Every page's text."""
    found = {
        **{_FILES[kind]: kinds.page(kind, examples=chart.ROOT / "examples") for kind in Kind},
        "formats": formats.page(),
        "conditions": states.page(),
        "events": events.page(),
        "audit": audit.page(),
        "metrics": metrics.page(rules=chart.CHART / "monitoring" / "rules.yaml"),
        "settings": settings.page(),
        "values": values.page(values=(chart.CHART / "values.yaml").read_text()),
    }
    return {REFERENCE / f"{name}.md": text for name, text in found.items()}

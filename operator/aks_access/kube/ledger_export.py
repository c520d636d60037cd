"""The file in which ledgers move to another management cluster: its text, both ways.

YAML that people can read, with a format version of its own around each ledger's document. A
digest over the content is part of it: a file that was cut short or edited would take access away
or leave it, and is refused.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import yaml

from aks_access.api.names import GROUP
from aks_access.api.timestamps import format_timestamp, parse_timestamp
from aks_access.errors import LedgerUnreadable
from aks_access.kube.ledger_document import decode, encode, key_in
from aks_access.plan.ledger import Ledger

KIND: Final = "LedgerExport"
FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Export:
    """What moves.

    Attributes:
        ledgers: one of each cluster; their resourceVersions are not part of it.
        activations: first activations of `duration` grants, activation key to UTC.
    """

    ledgers: Sequence[Ledger]
    activations: Mapping[str, datetime]


def render(export: Export, *, exported: datetime) -> str:
    """The file's text; `exported` is for people."""
    content = _content(export)
    document = {
        "kind": KIND,
        "group": GROUP,
        "formatVersion": FORMAT_VERSION,
        "exported": format_timestamp(exported),
        "sha256": _digest(content),
        **content,
    }
    return yaml.safe_dump(document, sort_keys=False, width=120)


def parse(text: str) -> Export:
    """Read a file's text. Raises `LedgerUnreadable` with a sentence."""
    document = _document(text)
    content = {name: document.get(name) for name in ("ledgers", "activations")}
    try:
        whole = _digest(content) == document.get("sha256")
    except TypeError:
        whole = False
    ledgers, activations = content["ledgers"], content["activations"]
    if not whole or not isinstance(ledgers, list) or not isinstance(activations, dict):
        raise LedgerUnreadable(
            "its content is not what was exported (sha256 does not fit): it was cut short or "
            "edited. Export it again"
        )
    return Export(
        ledgers=[_ledger(found) for found in ledgers],
        activations={str(key): parse_timestamp(str(when)) for key, when in activations.items()},
    )


def _document(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise LedgerUnreadable(f"it is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise LedgerUnreadable(f"it is no {KIND}; `aks-access ledger export` writes one")
    if found.get("formatVersion") != FORMAT_VERSION:
        raise LedgerUnreadable(
            f"its formatVersion is {found.get('formatVersion')!r}; this version of aks-access "
            f"reads {FORMAT_VERSION}. Import it with the version that exported it, or a newer one"
        )
    return found


def _ledger(found: object) -> Ledger:
    text = json.dumps(found)
    key = key_in(text)
    if key is None:
        raise LedgerUnreadable("one of its ledgers does not say which cluster it is about")
    return decode(text, key=key, version="")


def _content(export: Export) -> dict[str, object]:
    times = export.activations
    return {
        "ledgers": [json.loads(encode(ledger)) for ledger in export.ledgers],
        "activations": {key: format_timestamp(times[key]) for key in sorted(times)},
    }


def _digest(content: Mapping[str, object]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

"""First activations as JSON, in one ConfigMap per namespace: activation key to time."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from aks_access.api.timestamps import format_timestamp, parse_timestamp

NAME_PREFIX: Final = "aks-access-activations-"
"""What the ConfigMap's name begins with; the namespace follows."""

DATA_KEY: Final = "activations.json"

Entries = dict[str, datetime]


def encode(entries: Mapping[str, datetime]) -> str:
    """Activations as compact JSON, in a stable order."""
    times = {key: format_timestamp(entries[key]) for key in sorted(entries)}
    return json.dumps(times, separators=(",", ":"))


def decode(text: str) -> Entries:
    """Read activations. Raises ValueError with a sentence."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("its document is no JSON object")
    for key, value in found.items():
        if not isinstance(value, str):
            raise ValueError(f"the entry {key} has no time")
    return {key: parse_timestamp(value) for key, value in found.items()}

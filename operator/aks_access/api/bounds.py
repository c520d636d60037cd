"""How large a part of an object may be before it is not looked into.

The CRDs bound what users write. An object can still be stored past them (an older or an edited CRD,
a restore), and one such object must not hold up the event loop that revokes everybody's access.
"""

from collections.abc import Mapping
from typing import Final

MAX_ITEMS: Final = 3000
"""Items of one list or map; the longest that a CRD allows has 2000."""

MAX_OBJECTS: Final = 300
"""Objects in one list of a status: conditions, history, targets, entries."""

MAX_VALUES: Final = 4500
"""Values in a whole spec, lists and maps included."""

MAX_TEXT: Final = 8192
"""Characters of a text in a status; the longest that the operator writes has half of it."""

MAX_REASON_LENGTH: Final = 1024
MAX_AUDIT_LENGTH: Final = 256
"""Characters of a grant's reason, and of its ticket or who asks."""

MAX_DEPTH: Final = 32
"""Lists and maps within each other."""


def excess(value: object) -> str | None:
    """What is too large about a spec, as a sentence with the way out; None where nothing is."""
    values, level = 0, [value]
    for _ in range(MAX_DEPTH):
        deeper: list[object] = []
        for each in level:
            values += 1
            if not isinstance(each, dict | list):
                continue
            if len(each) > MAX_ITEMS:
                return f"a list or map has {len(each)} items, the most is {MAX_ITEMS}; split it"
            deeper.extend(each.values() if isinstance(each, dict) else each)
        if values + len(deeper) > MAX_VALUES:
            return f"it has more than {MAX_VALUES} values; split it into several objects"
        if not deeper:
            return None
        level = deeper
    return f"lists and maps are more than {MAX_DEPTH} deep in each other; write it plainly"


def clipped(value: object, *, depth: int = MAX_DEPTH) -> object:
    """A status without what no operator wrote: what is long is cut, what is deep is left out."""
    if isinstance(value, Mapping):
        if depth == 0:
            return {}
        kept = list(value.items())[:MAX_ITEMS]
        return {key: clipped(each, depth=depth - 1) for key, each in kept}
    if isinstance(value, list):
        most = MAX_ITEMS if value and isinstance(value[0], str) else MAX_OBJECTS
        return [clipped(each, depth=depth - 1) for each in value[:most]] if depth else []
    return value[:MAX_TEXT] if isinstance(value, str) else value

"""The items of a list, parsed while the API server still writes the others.

Ten thousand grants take the API server a second to write and Python a third of one to parse.
"""

import json
from typing import IO, Any, Final

_CHUNK: Final = 1 << 20
_ITEMS: Final = '"items":['
_DECODER: Final = json.JSONDecoder()


def items(stream: IO[str]) -> list[Any]:
    """What the list holds that the stream has as JSON. Raises ValueError where it is none."""
    head, found, text = stream.read(_CHUNK).partition(_ITEMS)
    if not found:  # spaced in another way, or no list
        return _held(json.loads(head + stream.read()))
    parsed: list[Any] = []
    while not text.startswith("]", at := _taken(text, into=parsed)):
        more = stream.read(_CHUNK)
        if not more:
            raise ValueError("it ends within a list")
        text = text[at:] + more
    _held(json.loads(head + found + text[at:] + stream.read()))
    return parsed


def _taken(text: str, *, into: list[Any]) -> int:
    """Take the whole items that the text begins with; returns where the rest begins."""
    at = 0
    while True:
        try:
            item, at = _DECODER.raw_decode(text, at + text.startswith(",", at))
        except ValueError:
            return at
        into.append(item)


def _held(answer: Any) -> list[Any]:
    held = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(held, list):
        raise ValueError("it is no list of objects")
    return held

"""What the API server refuses of an object's metadata, whatever its kind."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from aks_access.api.cel import DNS_NAME_PATTERN
from aks_access.api.ranges import quoted

_NAME: Final = re.compile(DNS_NAME_PATTERN.strip("^$"), re.ASCII)
_LONGEST_NAME: Final = 253
_PLAIN: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_LONGEST_PART: Final = 63
_PLAIN_HINT: Final = (
    "use at most 63 letters, digits, hyphens, underscores and dots, a letter or digit first and "
    "last"
)


def problems(metadata: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Fields that are wrong, as `metadata.name`, and a sentence about each."""
    name = metadata.get("name")
    if name is None or name == "":
        made = " (generateName makes another object at every apply)"
        yield (
            "metadata.name",
            f"the object needs a name{made if metadata.get('generateName') else ''}.",
        )
    elif isinstance(name, str) and not _is_name(name):
        yield (
            "metadata.name",
            f"{quoted(name)} is no object's name; use lower-case letters, digits, - and dots.",
        )
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and namespace and not _is_namespace(namespace):
        said = "is no namespace's name; use at most 63 lower-case letters, digits and hyphens."
        yield "metadata.namespace", f"{quoted(namespace)} {said}"
    for field, value in (("name", name), ("namespace", namespace)):
        if value is not None and not isinstance(value, str):
            yield f"metadata.{field}", f"{quoted(value)} is not text; put it in quotes."
    for field in ("labels", "annotations"):
        yield from _entries(f"metadata.{field}", metadata.get(field), are_labels=field == "labels")


def _entries(where: str, entries: object, *, are_labels: bool) -> Iterator[tuple[str, str]]:
    if entries is not None and not isinstance(entries, dict):
        yield where, f"{quoted(entries)} is not an object; write its fields indented below it."
        return
    for key, value in (entries or {}).items():
        field = f"{where}.{quoted(key)}"
        prefix, slash, name = key.rpartition("/")
        if not _is_plain(name) or (slash and not _is_name(prefix.lower())):
            yield field, f"{quoted(key)} is no key; {_PLAIN_HINT}, and prefix/ in front of it."
        if not isinstance(value, str):
            yield field, f"{quoted(value)} is not text; put it in quotes."
        elif are_labels and value and not _is_plain(value):
            yield field, f"{quoted(value)} is no label's value; {_PLAIN_HINT}."


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def _is_namespace(text: str) -> bool:
    return len(text) <= _LONGEST_PART and "." not in text and _is_name(text)


def _is_plain(text: str) -> bool:
    return len(text) <= _LONGEST_PART and _PLAIN.fullmatch(text) is not None

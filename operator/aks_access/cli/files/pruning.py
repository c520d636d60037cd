"""Which grants of a Git tree ended long ago, and the files without them.

Cut out are whole documents; every other byte of a file stays. Only a fixed end is proof: a grant
with a `duration` ends by what the cluster remembers, so a file that has one is left alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from aks_access.api.grant import ApiAccessGrant
from aks_access.api.names import Kind
from aks_access.api.parse import parse_grant
from aks_access.cli.files.documents import Document, documents
from aks_access.cli.files.inputs import files_below, read_bytes
from aks_access.cli.files.nodes import BOM, YamlError, compose
from aks_access.cli.files.schema import kind_of


@dataclass(frozen=True, slots=True)
class Ended:
    """A grant that ended: who, when, and which document of its file it is."""

    path: str
    ends: datetime
    index: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """A file, and what becomes of it.

    Attributes:
        ended: grants to take out; of a file that is left alone: those that stay for it.
        text: the new content; None = the file goes.
        kept: why the file is left alone; "" = it is not.
    """

    file: Path
    ended: tuple[Ended, ...]
    text: str | None
    kept: str = ""


def prune(folder: Path, *, older_than: timedelta, now: datetime) -> list[Pruned]:
    """The files in a folder that hold grants which ended longer ago than that.

    A grant's own `retainAfterExpiry` counts where it is longer.
    """
    found = (
        _file(path, older_than=older_than, now=now)
        for path in files_below(folder)
        if not path.is_symlink()
    )
    return [each for each in found if each is not None]


def _file(path: Path, *, older_than: timedelta, now: datetime) -> Pruned | None:
    if path.suffix == ".json":
        return None
    try:
        text = read_bytes(path).decode()
        every = list(documents(text, source=str(path)))
    except (UnicodeDecodeError, YamlError):
        return None
    grants = [(each, _grant(each)) for each in every]
    ended = tuple(
        Ended(grant.metadata.key, grant.spec.expires_at, document.index)
        for document, grant in grants
        if grant is not None
        and grant.spec.expires_at is not None
        and now - grant.spec.expires_at
        > max(older_than, grant.spec.retain_after_expiry or older_than)
    )
    if not ended:
        return None
    counted = [grant.metadata.key for _, grant in grants if grant and grant.spec.duration]
    if counted:
        return Pruned(
            path, ended, text, kept=f"{counted[0]} has a duration, whose end Git cannot tell"
        )
    if any(document.listed for document in every):
        return Pruned(path, ended, text, kept="it holds a List; edit that by hand")
    try:
        return Pruned(path, ended, cut(text, {each.index for each in ended}))
    except (ValueError, YamlError) as error:
        return Pruned(path, ended, text, kept=f"{error}; edit it by hand")


def _grant(document: Document) -> ApiAccessGrant | None:
    if kind_of(document) is not Kind.GRANT or document.mistakes:
        return None
    parsed = parse_grant(document.raw)
    return parsed if isinstance(parsed, ApiAccessGrant) else None


def cut(text: str, indices: Iterable[int]) -> str | None:
    """The text without these documents (counted from 0); None where no other holds anything.

    What stands before the first `---` (a licence, say) stays. Raises ValueError where the file
    cannot be taken apart safely.
    """
    gone = set(indices)
    if text.startswith(BOM):  # the parser does not count it
        rest = cut(text.removeprefix(BOM), gone)
        return None if rest is None else BOM + rest
    nodes = compose(text)
    left = [node for index, node in enumerate(nodes) if index not in gone]
    if not any(_holds(node) for node in left):
        return None
    starts = _starts(text)
    ends = [*starts[1:], len(text)]
    kept = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    result = text[: starts[0]] + "".join(
        part for index, part in enumerate(kept) if index not in gone
    )
    if _values(compose(result)) != _values(left):
        raise ValueError("the documents of the file do not come apart")
    return result


def _starts(text: str) -> list[int]:
    """Where each document begins, its `---` and directives with it.

    What is above the first one's belongs to the file; without a `---`, to the document.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events = [
        event
        for event in yaml.parse(text, Loader=loader)
        if isinstance(event, yaml.DocumentStartEvent)
    ]
    starts: list[int] = [event.start_mark.index if event.start_mark else 0 for event in events]
    if events and not events[0].explicit:
        starts[0] = 0
    return starts


def _holds(node: yaml.Node | None) -> bool:
    return node is not None and not (isinstance(node, yaml.ScalarNode) and node.value == "")


def _values(nodes: Iterable[yaml.Node | None]) -> list[str]:
    return [yaml.serialize(node) for node in nodes if node is not None and _holds(node)]

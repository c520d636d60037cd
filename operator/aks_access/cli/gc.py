"""`aks-access gc`: takes grants that ended long ago out of a Git tree.

The operator never deletes what a GitOps tool tracks, because the tool would create it again; so
ended grants stay in Git until somebody cleans up.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from aks_access.api.timestamps import format_timestamp
from aks_access.cli.files import kustomizations
from aks_access.cli.files.inputs import read_bytes
from aks_access.cli.files.pruning import Pruned, prune
from aks_access.cli.files.references import References
from aks_access.cli.files.writing import replace
from aks_access.cli.options.flags import Length, Time
from aks_access.cli.options.kinds import FolderPath, text_or_json
from aks_access.cli.surroundings import surroundings
from aks_access.cli.terminal.printable import printable
from aks_access.errors import InputError


@dataclass(frozen=True, slots=True)
class Edit:
    """A kustomization file that no longer names what goes."""

    file: Path
    text: str


@click.command("gc")
@click.argument("folder", metavar="DIR", type=FolderPath())
@click.option(
    "--older-than",
    type=Length(days=True),
    default="7d",
    show_default=True,
    help="How long ago a grant must have ended.",
)
@click.option("--write", is_flag=True, help="Do it; without, only say what would be done.")
@text_or_json
@click.option("--now", type=Time(), help="Count from this time, and not by the clock.")
def gc(
    *, folder: Path, older_than: timedelta, write: bool, form: str, now: datetime | None
) -> None:
    """Take grants that ended long ago out of DIR, a Git tree.

    Files with nothing else in them go, and are taken out of the resources of kustomization files;
    of other files only the documents go, and every other byte stays. Where a grant has a duration
    the file is left alone. Nothing is contacted, and nothing is committed.

    Exit codes: 0 done, 2 wrong usage.
    """
    moment = now or surroundings().now()
    listings = list(kustomizations.files_of(folder))
    references = References.of(listings)
    found = [
        _checked(each, references=references)
        for each in prune(folder, older_than=older_than, now=moment)
    ]
    gone = [each.file for each in found if each.text is None and not each.kept]
    edits = list(_edits(listings, gone=gone))
    if write:
        for edit in edits:
            replace(edit.file, edit.text)
        for each in found:
            if not each.kept:
                _apply(each)
    if form == "json":
        click.echo(json.dumps(_json(found, edits=edits, written=write), indent=2))
        return
    for line in _lines(found, edits=edits, written=write, now=moment):
        click.echo(printable(line))


def _checked(pruned: Pruned, *, references: References) -> Pruned:
    """The same, left alone where a kustomization file speaks for it."""
    if pruned.kept:
        return pruned
    why = references.why_kept(pruned.file, goes=pruned.text is None)
    return dataclasses.replace(pruned, kept=f"{why}; edit that by hand") if why else pruned


def _edits(listings: list[Path], *, gone: list[Path]) -> Iterator[Edit]:
    for file in listings if gone else ():
        if file.is_symlink():
            continue  # what it names stays
        text = read_bytes(file).decode(errors="surrogateescape")
        new = kustomizations.without(text, file=file, removed=gone)
        if new != text:
            yield Edit(file, new)


def _apply(pruned: Pruned) -> None:
    if pruned.text is None:
        try:
            pruned.file.unlink()
        except OSError as error:
            raise InputError(f"{pruned.file}: {error.strerror or error}.") from error
    else:
        replace(pruned.file, pruned.text)


def _lines(
    found: list[Pruned], *, edits: list[Edit], written: bool, now: datetime
) -> Iterator[str]:
    removed, updated = ("removed", "updated") if written else ("would remove", "would update")
    going = 0
    for each in found:
        named = ", ".join(f"{one.path} ended {_ago(now - one.ends)} ago" for one in each.ended)
        if each.kept:
            yield f"left alone {each.file}: {each.kept} ({named})"
            continue
        going += len(each.ended)
        what = f"{removed} {each.file}" if each.text is None else f"{removed} from {each.file}:"
        yield f"{what} ({named})" if each.text is None else f"{what} {named}"
    yield from (f"{updated} {edit.file}" for edit in edits)
    if not going:
        yield "Nothing to remove."
    elif not written:
        yield "Nothing is written yet: the same with --write does it."


def _ago(length: timedelta) -> str:
    return f"{length.days} d" if length.days else f"{length.seconds // 3600} h"


def _json(found: list[Pruned], *, edits: list[Edit], written: bool) -> dict[str, object]:
    return {
        "written": written,
        "files": [
            {
                "file": str(each.file),
                "action": "keep" if each.kept else "delete" if each.text is None else "edit",
                "why": each.kept,
                "grants": [
                    {
                        "grant": one.path,
                        "expiresAt": format_timestamp(one.ends),
                        "document": one.index,
                    }
                    for one in each.ended
                ],
            }
            for each in found
        ],
        "kustomizations": [str(edit.file) for edit in edits],
    }

"""Flag types that cost nothing to import: words, namespaces, files and folders; shared flags.

What does not fit is a usage error, which names the way out.
"""

import re
from pathlib import Path
from typing import Final

import click

from aks_access.api.names import OPERATOR_NAMESPACE
from aks_access.api.ranges import quoted

_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


class Word(click.ParamType[str]):
    """Any text but none: a shell gives "" for a variable that is not set.

    `names` is what it stands for.
    """

    name = "text"

    def __init__(self, *, names: str) -> None:
        self.names = names

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The text."""
        text = str(value)
        if not text.strip():
            self.fail(f"{quoted(text)} names no {self.names}.", param, ctx)
        return text


class Namespace(click.ParamType[str]):
    """A namespace's name.

    `absent` is what "" stands for, which kubectl takes like a flag that is not given; None = "" is
    refused.
    """

    name = "namespace"

    def __init__(self, *, absent: str | None = "") -> None:
        self.absent = absent

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name."""
        text = str(value)
        if not text and self.absent is not None:
            return self.absent
        if _NAMESPACE.fullmatch(text) is None:
            said = "is no namespace's name; use at most 63 lower-case letters, digits and hyphens."
            self.fail(f"{quoted(text)} {said}", param, ctx)
        return text


class OneOf(click.Choice[str]):
    """One of some words."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """The words there are."""
        *others, last = self.choices
        words = f"{', '.join(others)} or {last}" if others else last
        return f"{quoted(str(value))} is not known; write {words}."


class FolderPath(click.Path):
    """A folder that is there; `made` says that it may be made first."""

    def __init__(self, *, made: bool = False) -> None:
        super().__init__(file_okay=False, path_type=Path)
        self.made = made

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The folder."""
        path = Path(str(value))
        if not str(value):
            self.fail(f"there is no folder {quoted(str(value))}; name one.", param, ctx)
        if path.exists() and not path.is_dir():
            self.fail(f"{quoted(str(value))} is a file; name a folder.", param, ctx)
        if not path.exists():
            hint = "make it first, or name another" if self.made else "name one that is there"
            self.fail(f"there is no folder {quoted(str(value))}; {hint}.", param, ctx)
        return path


class NewFile(click.Path):
    """A file to write, in a folder that is there."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The file."""
        path = Path(str(value))
        if not str(value):
            self.fail(f"there is no file {quoted(str(value))}; name one.", param, ctx)
        if path.is_dir():
            self.fail(f"{quoted(str(path))} is a folder; name a file.", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {quoted(str(path.parent))}; make it first.", param, ctx)
        return path


class Source(click.Path):
    """A file or folder that is there; `-` is standard input, where `stdin` allows it.

    `needed`: "" is no file; else it is taken like a flag that is not given, as kubectl does.
    """

    def __init__(self, *, folders: bool = True, stdin: bool = True, needed: bool = True) -> None:
        super().__init__(dir_okay=folders, allow_dash=stdin)
        self.needed = needed

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Its name."""
        text = str(value)
        completing = ctx is not None and ctx.resilient_parsing
        if completing or (text == "-" and self.allow_dash) or not (text or self.needed):
            return text
        what = "file or folder" if self.dir_okay else "file"
        if not text or not Path(text).exists():
            self.fail(f"there is no {what} {quoted(text)}; name one that is there.", param, ctx)
        if not self.dir_okay and Path(text).is_dir():
            self.fail(f"{quoted(text)} is a folder; name a file.", param, ctx)
        return text


operator_namespace = click.option(
    "--operator-namespace",
    type=Namespace(absent=OPERATOR_NAMESPACE),
    metavar="NAMESPACE",
    default=OPERATOR_NAMESPACE,
    show_default=True,
    help="Where the operator runs.",
)
"""`--operator-namespace`, for commands that look at the operator itself."""

text_or_json = click.option(
    "--output",
    "-o",
    "form",
    type=OneOf(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or JSON for programs.",
)
"""`-o text|json`, for commands that speak in lines of their own."""

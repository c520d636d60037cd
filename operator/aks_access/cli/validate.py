"""`aks-access validate`: says about files what the API server and the operator will say."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import click

from aks_access.cli.files.changes import changed_files
from aks_access.cli.files.documents import Document
from aks_access.cli.files.findings import Check, Finding, Level, in_order
from aks_access.cli.files.formats import FORMATS, Report
from aks_access.cli.files.inputs import Broken, Contents, contents
from aks_access.cli.files.judging import asked, displaced, judged
from aks_access.cli.files.known import Surrounding
from aks_access.cli.files.references import without_patches
from aks_access.cli.files.schema import check, finding, is_ours
from aks_access.cli.options.flags import Time
from aks_access.cli.options.kinds import Namespace, OneOf, Source, Word
from aks_access.cli.surroundings import surroundings
from aks_access.exits import ExitCode
from aks_access.plan.wording import sentence


@click.command("validate")
@click.argument("paths", metavar="DIR|FILE…", type=Source(), nargs=-1, required=True)
@click.option(
    "--targets",
    type=Source(),
    metavar="FILE",
    multiple=True,
    help="Targets and range sets to judge by, beside those in DIR|FILE.",
)
@click.option(
    "--namespaces",
    type=Source(),
    metavar="FILE",
    multiple=True,
    help="Namespaces, for policies by their labels.",
)
@click.option(
    "--namespace", "-n", type=Namespace(), default="", help="Of grants whose file names none."
)
@click.option(
    "--base",
    type=Word(names="branch or commit; write one like origin/main"),
    metavar="GIT-REF",
    help="The branch to merge into: files changed since may not hold a grant that is over.",
)
@click.option(
    "--format",
    "form",
    type=OneOf(list(FORMATS)),
    default="text",
    show_default=True,
    help="Lines for people, JSON for programs, annotations on GitHub, or SARIF for code scanning.",
)
@click.option("--now", type=Time(), help="Judge as at this time, and not by the clock.")
@click.pass_context
def validate(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    targets: tuple[str, ...],
    namespaces: tuple[str, ...],
    namespace: str,
    base: str | None,
    form: str,
    now: datetime | None,
) -> None:
    """Say about files what the API server and the operator will say about them.

    Reads YAML and JSON in each FILE and below each DIR, several objects and Lists in a file; "-" is
    standard input, such as what kustomize or helm made. Other kinds are passed over. Nothing is
    contacted.

    Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 git is missing.
    """
    machine = surroundings()
    stdin = functools.cache(machine.stdin)  # it may be named twice, and can be read once
    found = contents(paths, stdin=stdin)
    more, _ = without_patches(contents((*targets, *namespaces), stdin=stdin))
    changed = changed_files(base, sources=found.sources) if base is not None else None
    every, (found, patches) = found.documents, without_patches(found)
    known = Surrounding()
    known.add((*more.documents, *found.documents))  # what is to be merged is what will count
    grants = asked(found.documents, namespace=namespace, changed=changed)
    moment = now or machine.now()
    findings = [
        *_each(found),
        *_patches(every, patches),
        *_unreadable(each for each in more.broken if each not in found.broken),
        *displaced(found.documents, known=known),
        *judged(grants, known=known, now=moment, changed=changed),
    ]
    objects = [document for document in found.documents if is_ours(document)]
    report = Report(
        findings=in_order(findings),
        objects=len(objects),
        files=len({document.source for document in objects}),
    )
    for line in FORMATS[form](report):
        click.echo(line)
    ctx.exit(ExitCode.FAILED if report.count(Level.ERROR) else ExitCode.OK)


def _each(found: Contents) -> Iterator[Finding]:
    yield from _unreadable(found.broken)
    for document in found.documents:
        if is_ours(document):
            yield from check(document)


def _patches(documents: Iterable[Document], patches: Mapping[str, str]) -> list[Finding]:
    """A note on each file that is a patch, at its first object."""
    first = {each.source: each for each in reversed(tuple(documents)) if each.source in patches}
    return [
        finding(
            each,
            rule=Check.NOT_CHECKED,
            level=Level.NOTE,
            message=(
                f"{patches[source]} takes the file for a patch, and no object; give what it "
                "makes: kustomize build DIR | aks-access validate -"
            ),
        )
        for source, each in first.items()
    ]


def _unreadable(found: Iterable[Broken]) -> Iterator[Finding]:
    for broken in found:
        yield Finding(
            level=Level.ERROR,
            rule=Check.INVALID_YAML,
            message=sentence(broken.message),
            source=broken.source,
            position=broken.position,
        )

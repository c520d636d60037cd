"""`aks-access status`: all targets on one screen, what hangs first."""

import json

import click

from aks_access.cli.hub.cluster import Resource
from aks_access.cli.hub.together import Asked
from aks_access.cli.options.kinds import OneOf
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.surroundings import surroundings


@click.command("status")
@click.option("--watch", "-w", is_flag=True, help="Stay, and show each change; Ctrl-C ends it.")
@click.option("--output", "-o", "form", type=OneOf(["json"]), help="Another form.")
@reaching
def status(*, watch: bool, form: str | None) -> None:
    """All targets on one screen.

    What hangs comes first, with the operator's sentence; then what passes by itself, then what is
    well. Of each target: mode, state, entries of those possible, grants, entries of others, the
    difference to be written, and when the next grant starts or ends (UTC).

    Exit codes: 0 shown, whatever it shows, 1 a right is missing, 2 wrong usage, 3 the management
    cluster cannot be reached.
    """
    if watch and form:
        raise click.UsageError("--watch is for people, and -o json for programs: choose one.")
    machine = surroundings()
    reached = cluster()
    raws = Asked(lambda: reached.all(Resource.TARGETS))
    from aks_access.cli.reports import overview, screen  # while kubectl asks

    first = overview.overview(raws(), now=machine.now())
    if form == "json":
        click.echo(json.dumps(first.as_json(), indent=2, ensure_ascii=False))
    elif not watch:
        screen.show(first)
    else:

        def again() -> overview.Overview:
            return overview.overview(reached.all(Resource.TARGETS), now=machine.now())

        screen.follow(overview.changes(first, read=again, pause=machine.pause))

"""`aks-access who`: who can get in to a cluster now, for whom, and until when."""

import json

import click

from aks_access.cli.hub.together import Asked
from aks_access.cli.options.completing import targets as complete_targets
from aks_access.cli.options.kinds import OneOf
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.reports import looking
from aks_access.cli.surroundings import surroundings


@click.command("who")
@click.argument("names", metavar="[TARGET]…", nargs=-1, shell_complete=complete_targets)
@click.option("--output", "-o", "form", type=OneOf(["json", "wide"]), help="Another form.")
@reaching
def who(*, names: tuple[str, ...], form: str | None) -> None:
    """Who can get in to TARGET now, or to each target.

    One line per entry of the cluster's list and owner, as the operator last read it: the range,
    the grant or else what it is there for, the end (UTC), who asked and the ticket. What is to be
    known besides follows as sentences: the list is old, or another one than it should be.

    Exit codes: 0 answered, 1 there is no such target or a right is missing, 2 wrong usage, 3 the
    management cluster cannot be reached.
    """
    reached, now = cluster(), surroundings().now()
    raws = Asked(lambda: looking.targets(reached, names))
    few = Asked(lambda: looking.few(reached))
    from aks_access.cli.reports import occupants  # while kubectl asks

    found = occupants.occupants(raws(), few=few, reached=reached, now=now)
    if form == "json":
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        occupants.show(found, now=now, wide=form == "wide", several=len(names) != 1)

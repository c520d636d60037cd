"""`aks-access extend`: another end for a grant that is on the management cluster."""

from datetime import datetime, timedelta

import click

from aks_access.cli.grants.around import Looked
from aks_access.cli.grants.writes import Wishes, dry_run, output, probing, waiting
from aks_access.cli.hub.cluster import DryRun
from aks_access.cli.options.flags import GrantName, Length, Time, end
from aks_access.cli.options.kinds import Namespace
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.surroundings import surroundings


@click.command("extend")
@click.argument("name", type=GrantName())
@click.option("--for", "length", type=Length(days=True), help="How long, from now, like 2h.")
@click.option("--until", type=Time(), help="Until when, like 2026-11-22T18:00:00Z.")
@click.option("--shorten", is_flag=True, help="Also where it ends later, or never.")
@click.option("--namespace", "-n", type=Namespace(), help="Of the grant; absent: the context's.")
@waiting("Wait until it is in Azure, then until the API server answers here.")
@probing
@dry_run
@output("The grant as it is then, or its name.")
@reaching
@click.pass_context
def extend(
    ctx: click.Context,
    *,
    name: str,
    length: timedelta | None,
    until: datetime | None,
    shorten: bool,
    namespace: str | None,
    wait: bool,
    timeout: timedelta,
    no_probe: bool,
    dry_run: DryRun,
    form: str | None,
) -> None:
    """Let the grant NAME end later: so long from now, or at a time.

    A grant that is over is let in again. One that a GitOps tool tracks is refused: that tool would
    undo it.

    Exit codes: 0 done, 1 denied, or --wait ended without access, 2 wrong usage, 3 something cannot
    be reached.
    """
    machine = surroundings()
    if wait and dry_run is not DryRun.NONE:
        raise click.UsageError("--wait and --dry-run are both given; keep one.")
    now = machine.now()
    ends = end(length=length, until=until, now=now)
    looked = Looked.ask(cluster(), namespace=namespace or "", name=name)
    from aks_access.cli.grants import extending  # while kubectl asks

    extending.extend(
        ctx,
        extending.Edit(looked=looked, name=name, now=now, ends=ends, shorten=shorten),
        machine=machine,
        wishes=Wishes(
            dry_run=dry_run,
            form=form,
            limit=timeout if wait else None,
            proves=not no_probe,
        ),
    )

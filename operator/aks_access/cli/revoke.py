"""`aks-access revoke`: takes access away at once, and keeps the grant as a record."""

from datetime import timedelta
from functools import partial

import click

from aks_access.cli.grants.writes import dry_run, output, waiting
from aks_access.cli.hub.cluster import DryRun, Resource
from aks_access.cli.hub.together import Asked
from aks_access.cli.options.flags import GrantName
from aks_access.cli.options.kinds import Namespace
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.surroundings import surroundings
from aks_access.exits import ExitCode


@click.command("revoke")
@click.argument("names", metavar="NAME…", nargs=-1, required=True, type=GrantName())
@click.option("--namespace", "-n", type=Namespace(), help="Of the grants; absent: the context's.")
@waiting("Wait until they are out of Azure.")
@dry_run
@output("The grants as they are then, or their names.")
@reaching
@click.pass_context
def revoke(
    ctx: click.Context,
    *,
    names: tuple[str, ...],
    namespace: str | None,
    wait: bool,
    timeout: timedelta,
    dry_run: DryRun,
    form: str | None,
) -> None:
    """Take the access of the grants NAME… away, now.

    The objects stay, with spec.revoked. That holds for a grant of a GitOps tool too, and it has to
    go from Git as well.

    Exit codes: 0 done, 1 one of them could not be revoked, or --wait ended before it was out, 2
    wrong usage, 3 the management cluster cannot be reached.
    """
    machine = surroundings()
    if wait and dry_run is not DryRun.NONE:
        raise click.UsageError("--wait and --dry-run are both given; keep one.")
    hub = cluster()
    began = machine.clock()
    place = Asked(lambda: namespace or hub.namespace())
    wanted = list(dict.fromkeys(names))
    first = Asked(lambda: hub.get(Resource.GRANTS, namespace=place(), name=wanted[0]))
    from aks_access.cli.grants import revoking  # while kubectl asks

    limit = timeout if wait else None
    revoker = revoking.Revoker(
        cluster=hub, namespace=place(), machine=machine, began=began, limit=limit
    )
    reads: dict[str, revoking.Read] = {
        name: partial(hub.get, Resource.GRANTS, namespace=place(), name=name) for name in wanted
    }
    reads[wanted[0]] = first
    good = revoking.revoke(revoker, reads=reads, dry_run=dry_run, form=form)
    ctx.exit(ExitCode.OK if good else ExitCode.FAILED)

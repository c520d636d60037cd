"""`aks-access grant`: access for some hours, applied to the management cluster, or as a file.

Whoever lacks access often cannot reach the management cluster either. So the file (`--out`, `-o`)
needs nobody, and a pull request brings it there.
"""

from datetime import datetime, timedelta
from pathlib import Path

import click

from aks_access.api.bounds import MAX_AUDIT_LENGTH, MAX_REASON_LENGTH
from aks_access.api.ranges import IPv4Range
from aks_access.cli.grants.around import Looked
from aks_access.cli.grants.writes import Wishes, dry_run, output, probing, waiting
from aks_access.cli.hub.cluster import DryRun
from aks_access.cli.internet.own_address import asking
from aks_access.cli.options.flags import Length, Name, Range, Text, Time, end
from aks_access.cli.options.kinds import FolderPath, Namespace, Source
from aks_access.cli.options.reaching import cluster, reaching
from aks_access.cli.surroundings import surroundings


@click.command("grant")
@click.argument("target", type=Name())
@click.option(
    "--ip",
    "named",
    metavar="CIDR",
    type=Range(),
    multiple=True,
    help="An address or network as the internet sees it; may be given again.",
)
@asking
@click.option("--for", "length", type=Length(days=True), help="How long, from now, like 4h.")
@click.option("--until", type=Time(), help="Until when, like 2026-11-22T18:00:00Z.")
@click.option(
    "--reason",
    type=Text(most=MAX_REASON_LENGTH, why="why access is needed"),
    required=True,
    help="Why access is needed.",
)
@click.option(
    "--ticket", type=Text(most=MAX_AUDIT_LENGTH), default="", help="The ticket that belongs to it."
)
@click.option(
    "--requested-by",
    type=Text(most=MAX_AUDIT_LENGTH),
    default="",
    help="Who asks, such as a mail address.",
)
@click.option(
    "--namespace",
    "-n",
    type=Namespace(),
    help="The team's; absent: the context's, and in a file the GitOps tool's choice.",
)
@click.option("--name", type=Name(), help="Of the grant; absent: user-host.")
@click.option("--again", is_flag=True, help="Also where it was revoked.")
@waiting("Wait until it is in Azure, then until the API server answers here.")
@probing
@dry_run
@click.option(
    "--out",
    type=FolderPath(made=True),
    metavar="DIR",
    help="Apply nothing: write DIR/NAME.yaml, or bring that one up to date.",
)
@output("yaml, json: apply nothing, print it. name: print no more than the name.")
@click.option(
    "--targets",
    type=Source(),
    metavar="FILE",
    multiple=True,
    help="Targets, range sets and namespaces to judge it by first, as validate does.",
)
@reaching
@click.pass_context
def grant(
    ctx: click.Context,
    *,
    target: str,
    named: tuple[IPv4Range, ...],
    my_ip: bool,
    services: tuple[str, ...],
    length: timedelta | None,
    until: datetime | None,
    reason: str,
    ticket: str,
    requested_by: str,
    namespace: str | None,
    name: str | None,
    again: bool,
    wait: bool,
    timeout: timedelta,
    no_probe: bool,
    dry_run: DryRun,
    out: Path | None,
    form: str | None,
    targets: tuple[str, ...],
) -> None:
    """Let addresses in to TARGET until a fixed time.

    The grant is applied to the management cluster, through kubectl. With --out or -o yaml it is a
    file for a pull request instead, and nobody is contacted but the services of --my-ip. The same
    name again is the same grant with other addresses and another end.

    Exit codes: 0 done, 1 denied, or --wait ended without access, 2 wrong usage, 3 something cannot
    be reached.
    """
    machine = surroundings()
    offline = _offline(out=out, form=form, dry_run=dry_run)
    if offline and (wait or again):
        flag = "--wait" if wait else "--again"
        raise click.UsageError(
            f"{flag} is for a grant that is applied: leave out --out and -o yaml."
        )
    if wait and dry_run is not DryRun.NONE:
        raise click.UsageError("--wait and --dry-run are both given; keep one.")
    if not named and not my_ip:
        raise click.UsageError("Say from where: --my-ip, or --ip and an address.")
    ends = end(length=length, until=until, now=machine.now())
    called = name or machine.own_name()
    looked = None
    if not offline and dry_run is not DryRun.CLIENT:
        looked = Looked.ask(cluster(), namespace=namespace or "", name=called, target=target)
    from aks_access.cli.grants import granting  # while kubectl asks

    ask = granting.Ask(
        name=called,
        namespace=looked.namespace() if looked else namespace or "",
        target=target,
        ranges=granting.ranges(named, services=services if my_ip else None, machine=machine),
        ends=ends,
        reason=reason,
        ticket=ticket,
        requested_by=requested_by,
    )
    granting.check(ctx, ask, targets=targets, machine=machine)
    if offline:
        granting.deliver(ask, folder=out, form=form)
    elif looked is None:
        granting.tell(ask, now=machine.now(), form=form)
    else:
        granting.apply(
            ctx,
            ask,
            looked=looked,
            machine=machine,
            chosen=name is not None,
            again=again,
            wishes=Wishes(
                dry_run=dry_run,
                form=form,
                limit=timeout if wait else None,
                proves=not no_probe,
            ),
        )


def _offline(*, out: Path | None, form: str | None, dry_run: DryRun) -> bool:
    """Whether the grant goes to a file or is printed, instead of to the management cluster."""
    if out is not None and (form is not None or dry_run is not DryRun.NONE):
        flag = "-o" if form is not None else "--dry-run"
        raise click.UsageError(f"--out and {flag} are both given; keep one.")
    return out is not None or (form in ("yaml", "json") and dry_run is not DryRun.SERVER)

"""`aks-access grant`: access for some hours, applied to the management cluster, or as a file.

Whoever lacks access often cannot reach the management cluster either. So the file (`--out`, `-o`)
needs nobody, and a pull request brings it there.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from aks_access.api.ranges import IPv4Range
from aks_access.cli.applied import Applied
from aks_access.cli.arrival import Following, finish
from aks_access.cli.ask import Ask, Given, as_yaml
from aks_access.cli.cluster import DryRun
from aks_access.cli.documents import documents
from aks_access.cli.findings import Finding, Level
from aks_access.cli.flags import Length, Name, Range, Time, end
from aks_access.cli.folder import Folder
from aks_access.cli.inputs import contents
from aks_access.cli.judging import Surrounding, asked, judged
from aks_access.cli.own_address import SERVICES, VARIABLE, OwnAddress, Service
from aks_access.cli.present import denials
from aks_access.cli.reaching import cluster, reaching
from aks_access.cli.remedies import by_flags
from aks_access.cli.surroundings import Surroundings, surroundings
from aks_access.cli.writes import (
    dry,
    dry_run,
    moment,
    output,
    probing,
    refuse,
    said_name,
    say,
    waiting,
)


@dataclass(frozen=True, slots=True)
class Printed:
    """Writes the grant to standard output, as yaml or json."""

    form: str

    def deliver(self, ask: Ask) -> Sequence[str]:
        """The manifest."""
        manifest = ask.manifest()
        if self.form == "json":
            return [json.dumps(manifest, indent=2, ensure_ascii=False)]
        return [as_yaml(manifest).rstrip("\n")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person wants of a grant that is applied.

    Attributes:
        chosen, again: see `Applied`.
        form: `name`, `yaml` or `json` instead of a line for people.
        limit: how long to wait until access is there; None = not at all.
    """

    chosen: bool
    again: bool
    dry_run: DryRun
    form: str | None
    limit: timedelta | None
    proves: bool


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
@click.option("--my-ip", is_flag=True, help="The address that services on the internet see here.")
@click.option(
    "--address-service",
    "services",
    metavar="URL",
    type=Service(),
    multiple=True,
    envvar=VARIABLE,
    default=SERVICES,
    help=f"Whom --my-ip asks, instead of {', '.join(SERVICES)}; may be given again.",
)
@click.option("--for", "length", type=Length(days=True), help="How long, from now, like 4h.")
@click.option("--until", type=Time(), help="Until when, like 2026-11-22T18:00:00Z.")
@click.option("--reason", required=True, help="Why access is needed.")
@click.option("--ticket", default="", help="The ticket that belongs to it.")
@click.option("--requested-by", default="", help="Who asks, such as a mail address.")
@click.option(
    "--namespace",
    "-n",
    type=Name(),
    help="The team's; absent: the context's, and in a file the GitOps tool's choice.",
)
@click.option("--name", type=Name(), help="Of the grant; absent: user-host.")
@click.option("--again", is_flag=True, help="Also where it was revoked.")
@waiting("Wait until it is in Azure, then until the API server answers here.")
@probing
@dry_run
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Apply nothing: write DIR/NAME.yaml, or bring that one up to date.",
)
@output("yaml, json: apply nothing, print it. name: print no more than the name.")
@click.option(
    "--targets",
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
    file = _file(out=out, form=form, dry_run=dry_run)
    if file is not None and (wait or again):
        flag = "--wait" if wait else "--again"
        raise click.UsageError(
            f"{flag} is for a grant that is applied: leave out --out and -o yaml."
        )
    if wait and dry_run is not DryRun.NONE:
        raise click.UsageError("--wait and --dry-run are both given; keep one.")
    if not named and not my_ip:
        raise click.UsageError("Say from where: --my-ip, or --ip and an address.")
    ends = end(length=length, until=until, now=machine.now())
    ranges = _ranges(named, services=services if my_ip else None, machine=machine)
    if file is None and dry_run is not DryRun.CLIENT:
        namespace = namespace or cluster().namespace()
    ask = Ask(
        name=name or machine.own_name(),
        namespace=namespace or "",
        target=target,
        ranges=ranges,
        ends=ends,
        reason=reason,
        ticket=ticket,
        requested_by=requested_by,
    )
    refuse(ctx, _denied(ask, targets=targets, machine=machine))
    if file is not None:
        for line in file.deliver(ask):
            click.echo(line)
        return
    _apply(
        ctx,
        ask,
        machine=machine,
        wishes=Wishes(
            chosen=name is not None,
            again=again,
            dry_run=dry_run,
            form=form,
            limit=timeout if wait else None,
            proves=not no_probe,
        ),
    )


def _file(*, out: Path | None, form: str | None, dry_run: DryRun) -> Folder | Printed | None:
    """Where the grant goes instead of the management cluster."""
    if out is not None:
        if form is not None or dry_run is not DryRun.NONE:
            flag = "-o" if form is not None else "--dry-run"
            raise click.UsageError(f"--out and {flag} are both given; keep one.")
        return Folder(out)
    if form in ("yaml", "json") and dry_run is not DryRun.SERVER:
        return Printed(form)
    return None


def _ranges(
    named: Sequence[IPv4Range], *, services: Sequence[str] | None, machine: Surroundings
) -> tuple[IPv4Range, ...]:
    """The addresses that were named, and this machine's where it is to be asked for."""
    given = tuple(named)
    if services is not None:
        own = OwnAddress(services=services, web=machine.web, tell=say, environment=os.environ)
        given += tuple(own.ranges())
    return tuple(Given(given).ranges())


def _apply(ctx: click.Context, ask: Ask, *, machine: Surroundings, wishes: Wishes) -> None:
    said = f"until {moment(ask.ends, now=machine.now())}"
    line = f"{said_name(ask.name)}  applied{dry(wishes.dry_run)}, {said}"
    if wishes.dry_run is DryRun.CLIENT:
        ask.manifest()
        click.echo(said_name(ask.name) if wishes.form == "name" else line)
        return
    hub = cluster()
    applied = Applied(cluster=hub, chosen=wishes.chosen, again=wishes.again)
    prepared = applied.prepare(ask)
    refuse(ctx, denials(prepared.outcome, cluster=hub, now=machine.now()))
    began = machine.clock()
    made = applied.apply(prepared, dry_run=wishes.dry_run)
    following = None
    if wishes.limit is not None:
        following = Following(
            cluster=hub,
            machine=machine,
            limit=wishes.limit,
            began=began,
            proves=wishes.proves,
            tell=say,
        )
    finish(ctx, made, line=line, form=wishes.form, following=following)


def _denied(ask: Ask, *, targets: tuple[str, ...], machine: Surroundings) -> list[Finding]:
    """What the operator would refuse, as far as the files tell."""
    if not targets:
        return []
    known = Surrounding()
    known.add(contents(targets, stdin=machine.stdin).documents)
    written = documents(as_yaml(ask.manifest()), source=ask.name)
    grants = asked(written, namespace=ask.namespace, changed=None)
    found = judged(grants, known=known, now=machine.now(), changed=None, advice=by_flags)
    return [each for each in found if each.level is Level.ERROR]

"""What `grant` does with what it was told: a file, a line, or a grant on the management cluster.

Imported while kubectl asks: the models take as long as its answers.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from aks_access.api.ranges import IPv4Range
from aks_access.cli.files.documents import documents
from aks_access.cli.files.findings import Level
from aks_access.cli.files.inputs import contents
from aks_access.cli.files.judging import asked, judged
from aks_access.cli.files.known import Surrounding
from aks_access.cli.files.remedies import of_grant
from aks_access.cli.grants.applied import Applied
from aks_access.cli.grants.around import Looked
from aks_access.cli.grants.arrival import finish
from aks_access.cli.grants.ask import Ask as Ask
from aks_access.cli.grants.ask import Given, as_yaml
from aks_access.cli.grants.present import denials
from aks_access.cli.grants.writes import Wishes, dry, moment, refuse, said_name
from aks_access.cli.hub.cluster import DryRun
from aks_access.cli.internet.own_address import OwnAddress
from aks_access.cli.surroundings import Surroundings
from aks_access.cli.terminal.saying import say


def ranges(
    named: Sequence[IPv4Range], *, services: Sequence[str] | None, machine: Surroundings
) -> tuple[IPv4Range, ...]:
    """The addresses that were named, and this machine's where `services` are to be asked for it."""
    given = tuple(named)
    if services is not None:
        own = OwnAddress(
            services=services,
            web=machine.web,
            tell=say,
            environment=os.environ,
            by="--ip CIDR",
        )
        given += tuple(own.ranges())
    return tuple(Given(given).ranges())


def check(ctx: click.Context, ask: Ask, *, targets: tuple[str, ...], machine: Surroundings) -> None:
    """End the command where the operator would refuse the grant, as far as files tell."""
    if not targets:
        return
    known = Surrounding()
    known.add(contents(targets, stdin=machine.stdin).documents)
    written = documents(as_yaml(ask.manifest()), source=ask.name)
    grants = asked(written, namespace=ask.namespace, changed=None)
    found = judged(grants, known=known, now=machine.now(), changed=None, advice=of_grant)
    refuse(ctx, [each for each in found if each.level is Level.ERROR])


def deliver(ask: Ask, *, folder: Path | None, form: str | None) -> None:
    """Write the grant's file in the folder, or print it."""
    if folder is not None:
        from aks_access.cli.grants.folder import Folder  # with all that reads kustomizations

        for line in Folder(folder).deliver(ask):
            click.echo(line)
    elif form == "json":
        click.echo(json.dumps(ask.manifest(), indent=2, ensure_ascii=False))
    else:
        click.echo(as_yaml(ask.manifest()).rstrip("\n"))


def tell(ask: Ask, *, now: datetime, form: str | None) -> None:
    """A dry run that sends nothing. Raises InputError where the API would refuse the grant."""
    ask.manifest()
    said = _applied(ask, now=now, dry_run=DryRun.CLIENT)
    click.echo(said_name(ask.name) if form == "name" else said)


def apply(
    ctx: click.Context,
    ask: Ask,
    *,
    looked: Looked,
    machine: Surroundings,
    chosen: bool,
    again: bool,
    wishes: Wishes,
) -> None:
    """Apply it, once all that was asked is answered and nothing stands against it.

    `chosen` and `again`: see `Applied`.
    """
    applied = Applied(cluster=looked.cluster, chosen=chosen, again=again)
    prepared = applied.prepare(ask, there=looked.there())
    denied = denials(prepared.outcome, around=looked.around, now=machine.now(), advice=of_grant)
    refuse(ctx, denied)
    began = machine.clock()
    made = applied.apply(prepared, dry_run=wishes.dry_run)
    line = _applied(ask, now=machine.now(), dry_run=wishes.dry_run)
    finish(
        ctx, made, line=line, wishes=wishes, cluster=looked.cluster, machine=machine, began=began
    )


def _applied(ask: Ask, *, now: datetime, dry_run: DryRun) -> str:
    return f"{said_name(ask.name)}  applied{dry(dry_run)}, until {moment(ask.ends, now=now)}"
